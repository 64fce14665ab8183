/** Plays a run: events come over some time, as from a server. */
import type {
  Basis,
  Draft,
  Failure,
  Instead,
  Offer,
  Receipt,
  Route,
  RunEvent,
  Tokens,
} from '../lib/bindings';
import { ANSWER } from './sample-runs';

const PIECE_MS = 35;
const PLACE_MS = 600;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** How a run ends, where it does not simply. */
export interface Ending {
  /** The text that takes the place of what was shown. */
  replaced?: string;
  /** Why it fails before anything comes. */
  failure?: Failure;
  /** What is told before anything comes, with a pause behind each: where on the farm it goes. */
  places?: RunEvent[];
  /** The host of the farm that has it in the end. */
  host?: string;
  /** What it stands in for. */
  instead?: Instead;
}

/** Streams an answer to a draft until it ends or `isCancelled` says so. */
export async function playRun(
  draft: Draft,
  run: number,
  { route, at_most }: Pick<Offer, 'route' | 'at_most'>,
  ending: Ending,
  isCancelled: () => boolean,
  tell: (event: RunEvent) => void,
): Promise<Receipt> {
  const began = Date.now();
  const conversation = draft.reply_to ?? run;
  const { payer_label: payer, key, tier, plan, model } = route;
  const instead_of = ending.instead ?? null;
  tell({ event: 'started', run, conversation, tier, model, payer_label: payer, at_most });
  for (const event of ending.places ?? []) {
    tell(event);
    await pause(PLACE_MS);
  }
  await pause(420);
  if (ending.failure) {
    const receipt = failed(run, conversation, route);
    tell({ event: 'failed', error: ending.failure, receipt });
    return receipt;
  }
  const first = Date.now() - began;
  const pieces = `You asked: ${draft.prompt.slice(0, 80)}\n\n${ANSWER}`.match(/.{1,9}/gs) ?? [];
  let output = 0;
  for (const text of pieces) {
    if (isCancelled()) break;
    tell({ event: 'text', text });
    output += 3;
    await pause(PIECE_MS);
  }
  const tokens: Tokens = {
    input: 40 + Math.ceil(draft.prompt.length / 4),
    output,
    cache_write_5m: 0,
    cache_write_1h: 0,
    cache_read: 0,
    thinking: 0,
    web_searches: 0,
  };
  tell({ event: 'usage', tokens });
  const state = isCancelled() ? 'cancelled' : 'finished';
  const within = plan?.is_extra ? 'extra' : 'plan';
  const basis: Basis = plan ? within : state === 'cancelled' ? 'estimated' : 'metered';
  if (ending.replaced) tell({ event: 'replaced', text: ending.replaced });
  if (plan?.known.limits) tell({ event: 'limits', limits: plan.known.limits });
  const receipt: Receipt = {
    run,
    conversation,
    state,
    tier,
    model,
    payer,
    payer_label: payer,
    key,
    ...(ending.host !== undefined && { host: ending.host }),
    booked: { tokens, cost: '0.001634', basis, priced_as_of: '2026-10-01' },
    books: 'kept',
    stop_reason: state === 'finished' ? 'end_turn' : null,
    stop_note: null,
    request_id: `req_${run}`,
    proof: plan ? 'claude: Claude Max, Acme GmbH, ann@example.org' : null,
    attempts: 1,
    first_token_ms: first,
    total_ms: Date.now() - began,
    instead_of,
    is_kept: true,
  };
  if (state === 'finished') tell({ event: 'finished', receipt });
  else
    tell({
      event: 'failed',
      error: { code: 'cancelled', message: 'You cancelled.', hint: null, remedy: null },
      receipt,
    });
  return receipt;
}

/** What remains of a run that failed before anything came. */
export function failed(
  run: number,
  conversation: number,
  { payer_label: payer, key, model, tier }: Route,
): Receipt {
  return {
    run,
    conversation,
    state: 'failed',
    tier,
    model,
    payer,
    payer_label: payer,
    key,
    booked: null,
    books: 'kept',
    stop_reason: null,
    stop_note: null,
    request_id: null,
    proof: null,
    attempts: 0,
    first_token_ms: null,
    total_ms: 640,
    instead_of: null,
    is_kept: true,
  };
}
