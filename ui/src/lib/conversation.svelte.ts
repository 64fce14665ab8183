/** The turns of a conversation: what was sent, what comes back, and what remains of it. */
import { cancel, send, show_run } from './bindings';
import type {
  Class,
  Draft,
  Failure,
  Nano,
  PayWith,
  PlanLimits,
  Receipt,
  RunDetails,
  RunEvent,
  RunId,
  RunState,
  Tier,
  Tokens,
} from './bindings';
import type { Left, Move, Wait } from './conversation-moves';
import { ANY_HOST } from './draft.svelte';
import { failure } from './host';
import { Pace } from './pace';

/** So many turns before a reply are shown; older ones stand in the history. */
const EARLIER_MAX = 50;

let named = 0;

/** One prompt with its answer. */
export class Turn {
  /** Names the run to the program until it has a number. */
  readonly name = `run-${Date.now().toString(36)}-${(named += 1)}`;
  readonly draft: Draft;
  /** The names of the files that go with it. */
  readonly files: string[];

  run = $state<RunId | null>(null);
  model = $state('');
  payer = $state('');
  atMost = $state<Nano | null>(null);
  text = $state('');
  thinking = $state('');
  tokens = $state.raw<Tokens | null>(null);
  wait = $state.raw<Wait | null>(null);
  /** The host of the farm that has it. */
  host = $state<string | null>(null);
  /** Where else it was before. */
  moves = $state.raw<readonly Move[]>([]);
  /** The ways that were left, the first one first. */
  left = $state.raw<readonly Left[]>([]);
  failure = $state.raw<Failure | null>(null);
  receipt = $state.raw<Receipt | null>(null);
  /** The run of the history that this turn is, where it was not sent from here just now. */
  past = $state.raw<RunDetails | null>(null);
  /** How much of the plan was used when it was answered. */
  limits = $state.raw<PlanLimits | null>(null);
  /** It has been asked to end. */
  isEnding = $state(false);

  readonly state = $derived<RunState>(
    this.past?.state ?? this.receipt?.state ?? (this.failure === null ? 'started' : 'failed'),
  );
  readonly isRunning = $derived(this.state === 'started');
  /** A reply can go on from here: there is an answer, and its texts are kept to be sent again. */
  readonly canBeRepliedTo = $derived(
    (this.past ?? this.receipt)?.is_kept === true &&
      (this.state === 'finished' || this.state === 'cancelled') &&
      this.text !== '',
  );

  #text = '';
  /** The tier of the way that it is at. */
  #tier = $state<Tier | null>(null);
  /** Why it is not where it was: what was waited for first. */
  #why: string | null = null;
  #thinking = '';
  readonly #pace = new Pace(() => this.#show());

  constructor(draft: Draft, files: string[]) {
    this.draft = draft;
    this.files = files;
  }

  /** The tier that it goes through. */
  get tier(): Tier {
    const { with: payer } = this.draft.payer;
    const named = payer === 'plan' ? 'subscription' : payer === 'farm' ? 'farm' : 'metered';
    return (this.past ?? this.receipt)?.tier ?? this.#tier ?? named;
  }

  /** The class of work by which the routing table decided, where it did. */
  get auto(): Class | null {
    const { payer } = this.draft;
    return payer.with === 'auto' ? payer.class : null;
  }

  /** Makes a turn of a run of the history. */
  static ofPast(run: RunDetails): Turn {
    const draft: Draft = {
      prompt: run.prompt ?? '',
      system: run.system,
      model: run.model,
      payer: payerOf(run),
      reply_to: run.reply_to,
      max_tokens: null,
      effort: null,
      thinking: null,
      attachments: [],
      shown: null,
    };
    const turn = new Turn(draft, run.attachments);
    turn.past = run;
    turn.run = run.run;
    turn.model = run.model;
    turn.payer = run.payer_label;
    turn.host = run.host ?? null;
    turn.text = run.answer ?? '';
    return turn;
  }

  /** Takes an event. Pieces of text are shown at most once a frame, however many come. */
  take(event: RunEvent): void {
    switch (event.event) {
      case 'started':
        this.run = event.run;
        this.#tier = event.tier;
        this.model = event.model;
        this.payer = event.payer_label;
        this.atMost = event.at_most;
        return;
      case 'placed':
        return this.#place(event.host);
      case 'text':
        this.#text += event.text;
        return this.#soon();
      case 'replaced':
        this.#text = event.text;
        return this.#soon();
      case 'limits':
        this.limits = event.limits;
        return;
      case 'thinking':
        this.#thinking += event.text;
        return this.#soon();
      case 'usage':
        this.tokens = event.tokens;
        return;
      case 'waiting':
        this.#why ??= event.why;
        this.wait = { why: event.why, until: event.until, attempt: event.attempt };
        return;
      case 'fallback':
        return this.#leave(event);
      case 'failed':
        this.failure = event.error;
        return this.#end(event.receipt);
      case 'finished':
        return this.#end(event.receipt);
    }
  }

  #place(host: string): void {
    if (this.host !== null && this.#why !== null)
      this.moves = [...this.moves, { from: this.host, to: host, why: this.#why }];
    this.host = host;
    this.wait = null;
    this.#why = null;
  }

  /** Begins anew on another way: nothing of an answer had been shown. */
  #leave(left: Left): void {
    this.left = [...this.left, left];
    this.payer = left.to;
    this.host = null;
    this.moves = [];
    this.tokens = null;
    this.limits = null;
    this.wait = null;
    this.#why = null;
  }

  #soon(): void {
    if (this.wait !== null) this.wait = null;
    this.#pace.soon();
  }

  #show(): void {
    this.text = this.#text;
    this.thinking = this.#thinking;
  }

  /** Ends it without a receipt. */
  cutOff(error: Failure): void {
    if (!this.isRunning) return;
    this.#flush();
    this.failure = error;
  }

  #flush(): void {
    this.#pace.now();
    this.wait = null;
  }

  #end(receipt: Receipt): void {
    this.#flush();
    this.receipt = receipt;
    this.model = receipt.model;
    this.payer = receipt.payer_label;
    this.tokens = receipt.booked?.tokens ?? this.tokens;
  }
}

/** Names who paid for a run of the history, so that the same may pay once more. */
function payerOf({ tier, key }: RunDetails): PayWith {
  if (tier === 'subscription') return { with: 'plan', login: null };
  if (tier === 'farm') return ANY_HOST;
  return key === null ? { with: 'active' } : { with: 'key', id: key };
}

/** What a conversation tells of a turn. */
export interface TurnListener {
  begun: (turn: Turn) => void;
  ended: (turn: Turn) => void;
}

/** The conversation in the window. Turns come in the order in which they were sent. */
export class Conversation {
  turns = $state<Turn[]>([]);
  /** What was sent and has not begun: the vault may still have to be opened for it. */
  pending = $state<Turn | null>(null);

  readonly last = $derived(this.turns.at(-1) ?? null);
  /** What can be cancelled. */
  readonly running = $derived(this.pending ?? (this.last?.isRunning ? this.last : null));

  /** Sends a draft. Throws the failure of one that did not begin; then nothing was sent. */
  async start(draft: Draft, files: string[], listener: TurnListener): Promise<void> {
    const turn = new Turn(draft, files);
    this.pending = turn;
    const take = (event: RunEvent) => {
      if (this.pending === turn) {
        this.pending = null;
        this.turns.push(turn);
        listener.begun(turn);
      }
      turn.take(event);
      if (turn.receipt !== null) listener.ended(turn);
    };
    try {
      // The last events may come after the call has returned.
      await send(draft, turn.name, take);
    } catch (error) {
      if (this.pending === turn) {
        this.pending = null;
        throw error;
      }
      // The program went away in the middle: what has come is all that there is.
      turn.cutOff(failure(error));
    }
  }

  /** Ends what runs. What has come by then stays. */
  async cancel(): Promise<void> {
    const turn = this.running;
    if (turn === null || turn.isEnding) return;
    turn.isEnding = true;
    await cancel(turn.name);
  }

  /** Shows a run of the history, and those that it goes on from. */
  async recall(run: RunDetails): Promise<void> {
    const last = Turn.ofPast(run);
    this.turns = [last];
    let before = run.reply_to;
    for (let read = 1; before !== null && read < EARLIER_MAX; read += 1) {
      const earlier = await show_run(before);
      // Something else may have been begun by now.
      const at = this.turns.findIndex((turn) => turn.name === last.name);
      if (at < 0) return;
      this.turns = [Turn.ofPast(earlier), ...this.turns];
      before = earlier.reply_to;
    }
  }

  /** Forgets the turns; the runs stay in the history. */
  clear(): void {
    if (this.running === null) this.turns = [];
  }
}
