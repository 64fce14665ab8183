/** Made-up runs with their texts. */
import type { Basis, Draft, Receipt, RunDetails, RunSummary } from '../lib/bindings';
import { NOW } from './sample';

const MINUTE = 60_000;

const PROMPTS = [
  'Explain this stack trace',
  'Write a migration that adds a column for the environment',
  'Summarise the diff of the last three commits for the changelog',
  'Why does this query scan the whole table although there is an index on (key_id, timestamp) and the planner was told about it?',
  'Translate the error texts into German',
  'Name five risks of storing tokens in a dotfile',
];

const PAYERS: [label: string, key: string][] = [
  ['Work …3f9a', 'key-work'],
  ['Personal …77c2', 'key-personal'],
  ['Work …3f9a', 'key-work'],
  ['Nightly evaluation of the retrieval prompts, second attempt …b04d', 'key-nightly'],
];

export const ANSWER = `The panic comes from \`unwrap()\` on a **missing header**, at the third frame.

1. \`parse_head\` returns \`None\` when the server closes early.
2. \`read_reply\` does not expect that.

\`\`\`rust
let head = parse_head(&bytes).ok_or(Error::ClosedEarly)?;
\`\`\`

| frame | what it says |
|---|---|
| 3 | \`called Option::unwrap() on a None value\` |
| 4 | the reply's reader |

See [the documentation](https://doc.rust-lang.org/std/option/) for more.
`;

function basisOf(state: string, isPlan: boolean, isExtra: boolean): Basis | null {
  if (state === 'failed') return null;
  if (isPlan) return isExtra ? 'extra' : 'plan';
  return state === 'cancelled' ? 'estimated' : 'metered';
}

/** A history of some length, newest first. */
export function someRuns(number: number): RunDetails[] {
  return Array.from({ length: number }, (_, index) => {
    const run = number - index;
    const state = index % 11 === 4 ? 'failed' : index % 13 === 6 ? 'cancelled' : 'finished';
    const isKept = index % 9 !== 8;
    const prompt = PROMPTS[index % PROMPTS.length] ?? '';
    const isPlan = index % 5 === 3;
    const isExtra = index % 15 === 8;
    const [payer, key] = PAYERS[index % PAYERS.length] ?? ['', ''];
    return {
      run,
      conversation: Math.ceil(run / 2),
      reply_to: run % 2 === 0 ? run - 1 : null,
      state,
      tier: isPlan ? 'subscription' : 'metered',
      class: 'interactive',
      model: index % 3 === 0 ? 'claude-sonnet-5' : 'claude-haiku-5-5',
      payer_label: isPlan ? 'your plan (work, Claude Max)' : payer,
      key: isPlan ? null : key,
      started_at: NOW - (index * index * 7 + 2) * MINUTE,
      finished_at: NOW - (index * index * 7 + 2) * MINUTE + 4200,
      title: isKept ? prompt : null,
      is_kept: isKept,
      cost:
        state === 'failed' ? null : index % 7 === 5 ? null : `0.00${(index * 37) % 90}${run % 10}5`,
      basis: basisOf(state, isPlan, isExtra),
      tokens: state === 'failed' ? null : 318 + index * 97,
      instead_of: null,
      system: index % 5 === 0 ? 'Answer in one paragraph.' : null,
      prompt: isKept ? prompt : null,
      answer: isKept && state !== 'failed' ? ANSWER : null,
      attachments: index % 6 === 2 ? ['trace.txt'] : [],
      stop_reason: state === 'finished' ? 'end_turn' : null,
      request_id: `req_011CT${run}`,
      proof: isPlan ? 'claude: Claude Max, Acme GmbH, ann@example.org' : null,
      error: state === 'failed' ? 'The server refused the key (401).' : null,
    };
  });
}

/** A run of the history as it is once it was sent, otherwise like another one. */
export function sentRun(like: RunDetails, { prompt }: Draft, receipt: Receipt): RunDetails {
  const { run, conversation, state, tier, payer_label, key, proof, host, instead_of } = receipt;
  const isAnswered = state !== 'failed';
  return {
    ...like,
    ...{ run, conversation, state, tier, payer_label, key, proof, instead_of, prompt },
    title: prompt,
    answer: isAnswered ? ANSWER : null,
    cost: isAnswered ? '0.001634' : null,
    basis: receipt.booked?.basis ?? null,
    ...(host !== undefined && { host }),
    started_at: Date.now() - receipt.total_ms,
    finished_at: Date.now(),
  };
}

const TEXTS = [
  'system',
  'prompt',
  'answer',
  'attachments',
  'stop_reason',
  'request_id',
  'proof',
  'error',
  'finished_at',
];

/** Leaves the texts out, as a list does. */
export function summary(run: RunDetails): RunSummary {
  return Object.fromEntries(
    Object.entries(run).filter(([name]) => !TEXTS.includes(name)),
  ) as RunSummary;
}
