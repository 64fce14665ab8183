/** Plays a run: events come over some time, as from a server. */
import type { Draft, Receipt, RunEvent, Tokens } from '../lib/bindings';
import { ANSWER } from './sample-runs';

const PIECE_MS = 35;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Streams an answer to a draft until it ends or `isCancelled` says so. */
export async function playRun(
  draft: Draft,
  run: number,
  payer: string,
  isCancelled: () => boolean,
  tell: (event: RunEvent) => void,
): Promise<Receipt> {
  const began = Date.now();
  const conversation = draft.reply_to ?? run;
  const model = draft.model ?? 'claude-haiku-5-5';
  tell({ event: 'started', run, conversation, model, payer_label: payer, at_most: '0.0041' });
  await pause(420);
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
  const basis = state === 'cancelled' ? 'estimated' : 'metered';
  const receipt: Receipt = {
    run,
    conversation,
    state,
    tier: 'metered',
    model,
    payer,
    payer_label: payer,
    key: draft.key,
    booked: { tokens, cost: '0.001634', basis, priced_as_of: '2026-10-01' },
    books: 'kept',
    stop_reason: state === 'finished' ? 'end_turn' : null,
    stop_note: null,
    request_id: `req_${run}`,
    attempts: 1,
    first_token_ms: first,
    total_ms: Date.now() - began,
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
