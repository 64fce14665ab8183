/** What stands in Dispatch: the draft, the conversation, and the way from one to the other. */
import { detach } from './bindings';
import type {
  Draft,
  Failure,
  FarmRoute,
  HostId,
  Offer,
  PayWith,
  Route,
  RunDetails,
  RunId,
  ShownPayer,
} from './bindings';
import { Conversation, type Turn } from './conversation.svelte';
import { haveSameFollowers, orOthers } from './draft-auto';
import { ANY_HOST, DraftState } from './draft.svelte';
import { failure } from './host';
import { hush } from './said.svelte';

export class Desk {
  readonly draft = new DraftState();
  readonly conversation = new Conversation();
  /** Why the last thing that was sent did not begin. */
  failure = $state.raw<Failure | null>(null);
  /** What to look at before sending. */
  notice = $state<string | null>(null);

  #again: () => Promise<void> = async () => undefined;

  /**
   * Sends the draft to the payer that is shown. Where another one would pay by now, nothing is
   * sent: the page shows that one first.
   */
  send = async (): Promise<void> => {
    const { draft, conversation } = this;
    if (draft.isEmpty || conversation.running !== null) return;
    const shown = draft.offer;
    if (!draft.isFresh) await draft.ask();
    const { offer } = draft;
    if (offer === null || conversation.running !== null) return;
    if (!shown || !isSamePayer(shown.route, offer.route) || !haveSameFollowers(shown, offer)) {
      const who = [offer.route.payer_label, orOthers(offer)].filter(Boolean).join(', ');
      this.notice = `${who} pays for this. Send it if that is right.`;
      return;
    }
    const files = draft.attachments.map((file) => file.name);
    // Done again, it sends what stands in the editor by then: that is what a person sees.
    this.#again = this.send;
    await this.#start({ ...draft.wire, ...sentBy(offer, draft) }, files, () => draft.sent());
  };

  /** Sends the same once more, at the same payer's cost. */
  sendAgain = (turn: Turn): Promise<void> => {
    this.#again = () => this.sendAgain(turn);
    return this.#start(turn.draft, turn.files, () => undefined);
  };

  /** Sends a turn's prompt once more, through a route that is shown where that is chosen. */
  sendThrough = (turn: Turn, route: Route): Promise<void> => {
    const draft = {
      ...turn.draft,
      payer: named(route, turn.draft.payer),
      model: route.model,
      shown: shownPayer(route),
    };
    this.#again = () => this.sendThrough(turn, route);
    return this.#start(draft, turn.files, () => undefined);
  };

  /** Does again what failed, after what stood in the way is gone. */
  retry = (): Promise<void> => this.#again();

  /** Ends what runs. */
  cancel = (): void => {
    this.conversation.cancel().catch((error: unknown) => (this.failure = failure(error)));
  };

  /** Goes on from a turn. */
  reply = (turn: Turn): void => {
    if (turn.run !== null) this.#replyTo(turn, turn.run);
  };

  /** Goes on from a run of the history. */
  replyFrom(run: RunDetails): void {
    if (this.conversation.running !== null) return;
    this.failure = null;
    this.notice = null;
    const title = run.title ?? firstLine(run.prompt ?? '');
    this.draft.reply({ run: run.run, title, payer: run.payer_label, tier: run.tier });
    // What can't be read again is missing above; the reply is sent in any case.
    void this.conversation.recall(run).catch(() => undefined);
  }

  /** Begins a new conversation; what has been written stays. */
  anew = (): void => {
    // The files of what failed were kept to be sent again, which nobody can any more.
    const written = this.draft.wire.attachments;
    const left = this.conversation.turns.flatMap((turn) => turn.draft.attachments);
    const unused = left.filter((id) => !written.includes(id));
    if (unused.length > 0) void detach(unused).catch(() => undefined);
    this.conversation.clear();
    this.failure = null;
    this.notice = null;
    this.draft.anew();
  };

  async #start(wire: Draft, files: string[], begun: () => void): Promise<void> {
    this.failure = null;
    this.notice = null;
    try {
      await this.conversation.start(wire, files, { begun, ended: (turn) => this.#ended(turn) });
    } catch (error) {
      this.failure = failure(error);
      hush();
    }
  }

  #ended(turn: Turn): void {
    if (turn.failure !== null) hush();
    const { receipt } = turn;
    if (receipt === null) return;
    // What failed may be sent again, and needs its files then.
    if (receipt.state === 'failed') return;
    void detach(turn.draft.attachments).catch(() => undefined);
    if (turn.canBeRepliedTo) this.#replyTo(turn, receipt.run);
    else if (!receipt.is_kept) this.draft.anew();
  }

  #replyTo(turn: Turn, run: RunId): void {
    const { payer, tier } = turn;
    this.draft.reply({ run, title: firstLine(turn.draft.prompt), payer, tier }, turn.auto);
  }
}

/** Returns by whom and for which model a draft is sent. Where the table decides, it decides about both. */
function sentBy(
  { auto, route }: Offer,
  { payer, wire }: DraftState,
): Pick<Draft, 'payer' | 'model' | 'shown'> {
  const shown = shownPayer(route);
  if (payer.with === 'auto' && auto?.has_rule) return { payer, model: wire.model, shown };
  return { payer: named(route, payer), model: route.model, shown };
}

/** Says who was shown to pay, for the program to hold against who would by then. */
const shownPayer = ({ tier, key, gateway, plan, payer_label }: Route): ShownPayer => ({
  tier,
  key,
  gateway,
  login: plan?.login.name ?? null,
  label: payer_label,
});

/** Names the payer of a route, so that nobody else pays by the time that it is sent. */
function named({ key, plan, farm }: Route, asked: PayWith): PayWith {
  // On the farm a key is named by the user alone: one that pays on one box must not go to another.
  if (farm && asked.with === 'farm') return asked;
  if (farm) return { ...ANY_HOST, host: namedHost(farm), label: farm.label };
  if (plan) return { with: 'plan', login: plan.login.name };
  return key === null ? { with: 'usual' } : { with: 'key', id: key };
}

function isSamePayer(one: Route, other: Route): boolean {
  return (
    one.tier === other.tier &&
    one.key === other.key &&
    one.plan?.login.name === other.plan?.login.name &&
    // A host with a key of its own is known by its name alone.
    (one.key !== null || one.payer_label === other.payer_label)
  );
}

/** Returns the one host that was asked for, if one was. */
function namedHost({ hosts, is_named }: FarmRoute): HostId | null {
  return is_named ? (hosts[0]?.id ?? null) : null;
}

/** Returns what a prompt is known by. */
export function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0]?.slice(0, 120) ?? '';
}

/** The one desk: it outlives the view. */
export const desk = new Desk();
