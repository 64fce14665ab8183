/** The prompt in the editor, and who would pay for it. It stays when the view changes. */
import { attach, choose_files, detach, keep_draft, left_draft, preflight } from './bindings';
import type {
  Attached,
  Draft as Wire,
  Effort,
  Failure,
  KeyId,
  Offer,
  RunId,
  Thinking,
} from './bindings';
import { failure } from './host';

/** Nobody reads a price that changes faster than this. */
const PAUSE_MS = 150;
/** The largest file that any model takes; a larger one is not even read. */
const FILE_MAX = 10 * 1024 * 1024;
/** Stands for a prompt that has not been written, to find out who would pay for it. */
const NO_PROMPT = '…';

/** What a reply goes on from. */
export interface Before {
  run: RunId;
  title: string;
  payer: string;
}

export class DraftState {
  prompt = $state('');
  system = $state('');
  /** Empty for the usual one. */
  model = $state('');
  /** The key that was chosen; none for the usual one. */
  key = $state<KeyId | null>(null);
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
  readonly wire = $derived<Wire>({
    prompt: this.prompt,
    system: this.system.trim() === '' ? null : this.system,
    model: this.model === '' ? null : this.model,
    key: this.key,
    reply_to: this.before?.run ?? null,
    max_tokens: this.maxTokens,
    effort: this.effort,
    thinking: this.thinking,
    attachments: this.attachments.map((file) => file.id),
  });

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
    const wire = this.isEmpty ? { ...this.wire, prompt: NO_PROMPT } : this.wire;
    try {
      const offer = await preflight(wire);
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
    const { draft, files, title, payer } = await left_draft();
    this.#isBack = true;
    if (this.isEmpty) {
      this.prompt = draft.prompt;
      this.system = draft.system ?? '';
      this.model = draft.model ?? '';
      this.maxTokens = draft.max_tokens;
      this.effort = draft.effort;
      this.thinking = draft.thinking;
      this.attachments = files;
      this.key = draft.key;
    }
    if (draft.reply_to !== null && this.before === null)
      this.before = { run: draft.reply_to, title: title ?? '', payer: payer ?? '' };
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
    await keep_draft({ draft, files, title: before?.title ?? null, payer: before?.payer ?? null });
  }

  /** Goes on from a run. Its payer pays again unless another key is chosen. */
  reply(before: Before): void {
    this.before = before;
    this.key = null;
  }

  /** Begins with nothing before it; what has been written stays. */
  anew(): void {
    this.before = null;
    this.key = null;
  }

  /** Empties the editor after what was in it has been sent. */
  sent(): void {
    this.prompt = '';
    this.attachments = [];
    this.attachFailure = null;
  }

  /** Lets the person choose files. */
  choose = (): Promise<void> =>
    this.#attaching(async () => {
      const { attached, trouble } = await choose_files();
      this.attachments = [...this.attachments, ...attached];
      return trouble;
    });

  /** Attaches what was dropped or pasted. */
  async add(files: Iterable<File>): Promise<void> {
    for (const file of files) {
      await this.#attaching(async () => {
        if (file.size > FILE_MAX) throw tooLarge(file);
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

function tooLarge(file: File): Failure {
  return {
    code: 'bad_input',
    message: `${file.name} is larger than any model takes.`,
    hint: 'Text files go up to 10 MB, pictures up to 5 MB.',
    remedy: null,
  };
}

async function base64(file: File): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let binary = '';
  for (let at = 0; at < bytes.length; at += 0x8000) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  }
  return btoa(binary);
}
