/** The prompt in the editor, and who would pay for it. It stays when the view changes. */
import { attach, choose_files, detach, keep_draft, left_draft, preflight } from './bindings';
import type {
  Attached,
  Class,
  Draft as Wire,
  Effort,
  Failure,
  KeyId,
  Offer,
  PayWith,
  RunId,
  Thinking,
  Tier,
} from './bindings';
import { mostInAll, orOthers } from './draft-auto';
import { base64, isImage } from './draft-files';
import { failure } from './host';

/** Nobody reads a price that changes faster than this. */
const PAUSE_MS = 150;
/** Stands for a prompt that has not been written, to find out who would pay for it. */
const NO_PROMPT = '…';

/** What a reply goes on from. */
export interface Before {
  run: RunId;
  title: string;
  payer: string;
  /** The tier that it went through. */
  tier: Tier;
}

/** What is set and does not go through a plan. */
export type Unfit = 'length' | 'thinking' | 'images';

const USUAL: PayWith = { with: 'usual' };

/** Where on the farm a run goes, and whose key pays there. */
export type OnFarm = Extract<PayWith, { with: 'farm' }>;

/** Any host of the farm that may take it. */
export const ANY_HOST: OnFarm = { with: 'farm', host: null, label: null, key: null };

export class DraftState {
  prompt = $state('');
  system = $state('');
  /** Empty for the usual one. */
  model = $state('');
  /** Who was chosen to pay. */
  payer = $state.raw<PayWith>(USUAL);
  effort = $state<Effort | null>(null);
  thinking = $state<Thinking | null>(null);
  maxTokens = $state<number | null>(null);
  before = $state.raw<Before | null>(null);
  attachments = $state.raw<readonly Attached[]>([]);
  /** How many files are being read. */
  reading = $state(0);
  /** Why a file was not attached. */
  attachFailure = $state.raw<Failure | null>(null);

  /** Who would pay; the last answer stays until there is a newer one. */
  offer = $state.raw<Offer | null>(null);
  /** Why nobody would. */
  refusal = $state.raw<Failure | null>(null);
  /** Whether the offer is for what stands in the editor now. */
  isFresh = $state(false);

  readonly isEmpty = $derived(this.prompt.trim() === '' && this.attachments.length === 0);
  /** The key that was chosen, if one was. */
  readonly key = $derived<KeyId | null>(this.payer.with === 'key' ? this.payer.id : null);
  /** The class of work by which the routing table decides, where it does. */
  readonly auto = $derived<Class | null>(this.payer.with === 'auto' ? this.payer.class : null);
  /** The tier that was chosen, pays again for what it paid before, or is the first by the table. */
  readonly tier = $derived.by<Tier>(() => {
    switch (this.payer.with) {
      case 'auto':
        return this.offer?.route.tier ?? 'metered';
      case 'farm':
        return 'farm';
      case 'plan':
        return 'subscription';
      case 'usual':
        return this.before?.tier === 'subscription' ? 'subscription' : 'metered';
      default:
        return 'metered';
    }
  });
  /** The most dollars that leave, whoever follows on the first to pay. */
  readonly most = $derived(this.offer && mostInAll(this.offer));
  /** Who may follow, in words. */
  readonly others = $derived(this.offer ? orOthers(this.offer) : '');
  /** What is chosen among the ways to pay. */
  readonly way = $derived<Tier | 'auto'>(this.auto === null ? this.tier : 'auto');
  readonly isByPlan = $derived(this.tier === 'subscription');
  /** Where on the farm it shall go. */
  readonly farm = $derived<OnFarm>(this.payer.with === 'farm' ? this.payer : ANY_HOST);
  /** What is set although a plan has no control for it, or does not take it. */
  readonly unfit = $derived<readonly Unfit[]>(
    [
      this.maxTokens !== null && ('length' as const),
      this.thinking !== null && ('thinking' as const),
      this.attachments.some(isImage) && ('images' as const),
    ].filter((what) => what !== false),
  );
  /** The same for a host of the farm, which takes a longest answer. */
  readonly unfitOnFarm = $derived(this.unfit.filter((what) => what !== 'length'));
  readonly wire = $derived<Wire>({
    prompt: this.prompt,
    system: this.system.trim() === '' ? null : this.system,
    model: this.model === '' ? null : this.model,
    payer: this.payer,
    reply_to: this.before?.run ?? null,
    max_tokens: this.maxTokens,
    effort: this.effort,
    thinking: this.thinking,
    attachments: this.attachments.map((file) => file.id),
    // Said by what is sent.
    shown: null,
  });

  /** The same where nothing has been written yet, to find out who would pay. */
  readonly askable = $derived<Wire>(this.isEmpty ? { ...this.wire, prompt: NO_PROMPT } : this.wire);

  #timer: ReturnType<typeof setTimeout> | undefined;
  #leaving: ReturnType<typeof setTimeout> | undefined;
  #isBack = false;
  #newest = 0;

  /** Asks who would pay, once the writing pauses. */
  askSoon(): void {
    this.isFresh = false;
    this.#newest += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.ask(), PAUSE_MS);
  }

  /** Asks who would pay, now. An answer that a newer question has overtaken is dropped. */
  async ask(): Promise<void> {
    clearTimeout(this.#timer);
    const mine = (this.#newest += 1);
    try {
      const offer = await preflight(this.askable);
      if (mine !== this.#newest) return;
      this.offer = offer;
      this.refusal = null;
    } catch (error) {
      if (mine !== this.#newest) return;
      this.offer = null;
      this.refusal = failure(error);
    }
    this.isFresh = true;
  }

  /** Takes over what stood in the editor when the page before went, and hands it on from then on. */
  async comeBack(): Promise<void> {
    if (this.#isBack) return;
    const { draft, files, title, payer, tier } = await left_draft();
    this.#isBack = true;
    if (this.isEmpty) {
      this.prompt = draft.prompt;
      this.system = draft.system ?? '';
      this.model = draft.model ?? '';
      this.maxTokens = draft.max_tokens;
      this.effort = draft.effort;
      this.thinking = draft.thinking;
      this.attachments = files;
      this.payer = draft.payer;
    }
    if (draft.reply_to !== null && this.before === null)
      this.before = {
        run: draft.reply_to,
        title: title ?? '',
        payer: payer ?? '',
        tier: tier ?? 'metered',
      };
  }

  /** Hands on what stands in the editor: a window that is closed takes its page with it. */
  leaveSoon(): void {
    clearTimeout(this.#leaving);
    this.#leaving = setTimeout(() => void this.#leave(), PAUSE_MS);
  }

  async #leave(): Promise<void> {
    if (!this.#isBack) return;
    const { wire: draft, attachments, before } = this;
    const files = [...attachments];
    const { title = null, payer = null, tier = null } = before ?? {};
    await keep_draft({ draft, files, title, payer, tier });
  }

  /** Chooses a key, or the one that pays where none is named: not the plan that paid before. */
  choose = (key: KeyId | null): void => {
    const unnamed: PayWith = this.before?.tier === 'subscription' ? { with: 'active' } : USUAL;
    this.payer = key === null ? unnamed : { with: 'key', id: key };
  };

  /** Chooses the plan, through a login of it or the one that is used. */
  choosePlan = (login: string | null): void => {
    this.payer = { with: 'plan', login };
  };

  /** Chooses the farm: any host of it, those with a label, or one; and whose key pays there. */
  chooseFarm = (where: Partial<OnFarm> = {}): void => {
    this.payer = { ...this.farm, ...where };
  };

  /** Lets the routing table decide, by the class of the work. */
  chooseAuto = (by: Class): void => {
    this.payer = { with: 'auto', class: by };
  };

  /** Goes on from a run. Its payer pays again unless another one is chosen, or `auto` decides again. */
  reply(before: Before, auto: Class | null = null): void {
    // What went through the farm goes there again: its key alone would be another tier.
    if (auto !== null) this.chooseAuto(auto);
    else if (before.tier !== 'farm') this.payer = USUAL;
    else if (this.payer.with !== 'farm') this.payer = ANY_HOST;
    this.before = before;
  }

  /** Begins with nothing before it; what has been written stays, and so does the tier. */
  anew(): void {
    const login = this.offer?.route.plan?.login.name ?? null;
    if (this.way === 'subscription') this.payer = { with: 'plan', login };
    else if (this.way === 'metered') this.payer = USUAL;
    this.before = null;
  }

  /** Lets go of what does not go through a plan. */
  leaveOut = (): void => {
    this.maxTokens = null;
    this.leaveOutForFarm();
  };

  /** Lets go of what a host of the farm does not take. */
  leaveOutForFarm = (): void => {
    this.thinking = null;
    for (const file of this.attachments.filter(isImage)) this.remove(file.id);
  };

  /** Empties the editor after what was in it has been sent. */
  sent(): void {
    this.prompt = '';
    this.attachments = [];
    this.attachFailure = null;
  }

  /** Lets the person choose files. */
  chooseFiles = (): Promise<void> =>
    this.#attaching(async () => {
      const { attached, trouble } = await choose_files();
      this.attachments = [...this.attachments, ...attached];
      return trouble;
    });

  /** Attaches what was dropped or pasted. */
  async add(files: Iterable<File>): Promise<void> {
    for (const file of files) {
      await this.#attaching(async () => {
        const attached = await attach(file.name, await base64(file));
        this.attachments = [...this.attachments, attached];
        return null;
      });
    }
  }

  /** Lets go of a file. */
  remove(id: number): void {
    this.attachments = this.attachments.filter((file) => file.id !== id);
    this.attachFailure = null;
    void detach([id]).catch(() => undefined);
  }

  async #attaching(work: () => Promise<Failure | null>): Promise<void> {
    this.reading += 1;
    try {
      this.attachFailure = await work();
    } catch (error) {
      this.attachFailure = failure(error);
    } finally {
      this.reading -= 1;
    }
  }
}
