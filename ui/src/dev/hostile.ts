/** Names and texts that are as long, as odd and as misleading as they may be. */
import type { KeyRow, RunDetails, Who } from '../lib/bindings';

const NAMES = [
  'Nightly-evaluation-of-the-retrieval-prompts-for-every-customer-in-every-region-second-attempt-with-cache',
  '<b>Work</b> & "Personal" &amp; \'Others\'',
  'مفتاح الاختبار للفريق الثاني في برلين مع اسم طويل جدا لا ينتهي',
  '👩‍👩‍👧‍👦 Z̷a̷l̷g̷o̷ 🚂🚃🚃🚃🚃🚃🚃🚃🚃🚃🚃🚃🚃🚃',
  '開発環境の鍵（本番ではありません・絶対に使わないでください）',
  '...',
  'Work',
];

const name = (index: number): string => NAMES[index % NAMES.length] ?? '';

/** Gives keys such names, environments and sums. */
export function hostileKeys(keys: KeyRow[]): KeyRow[] {
  return keys.map((key, index) => ({
    ...key,
    name: name(index),
    environment: name(index + 1),
    month: { cost: '1234567.891234567', runs: 98_765_432, unpriced: index % 3 },
  }));
}

/** Gives runs such titles, payers and texts. */
export function hostileRuns(runs: RunDetails[]): RunDetails[] {
  return runs.map((run, index) => ({
    ...run,
    title: run.title && name(index),
    prompt: run.prompt && `${name(index)}\n${'x'.repeat(400)}`,
    payer_label: `${name(index + 2)} …3f9a`,
    model: 'gateway/a-model-with-a-name-that-goes-on-and-on-2026-11-22-preview',
    request_id: `req_${'011CT'.repeat(16)}`,
    cost: run.cost && '98765.432101234',
    tokens: run.tokens && 987_654_321,
    attachments: [`${name(0)}.txt`],
    error: run.error && `The server refused: ${name(0)}`,
  }));
}

/** A machine where the payer is set in a place with an endless path. */
export function hostileWho(who: Who): Who {
  const path = `~/${'a-folder-with-a-long-name/'.repeat(6)}settings.json, line 1234`;
  return {
    ...who,
    sentence: `Plain \`claude -p\` bills key …3f9a, from ${path}.`,
    findings: who.findings.map((finding) => ({ ...finding, source: `from ${path}` })),
  };
}
