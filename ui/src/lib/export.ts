/** The usage screen's sums for other programs: every amount exact, never a float. */
import type { Days, UsageGroup, UsageReport } from './bindings';
import { allRuns } from './report';

/** One row of the shown tables. */
export interface Row {
  table: 'payer' | 'key' | 'model';
  name: string;
  /** Money that leaves, in dollars; empty where no run has a price. */
  leaving_usd: string;
  runs: number;
  unpriced_runs: number;
  /** What runs on a plan would have cost without it; not billed. */
  plan_usd: string;
  plan_runs: number;
  input_tokens: number;
  output_tokens: number;
  cache_write_tokens: number;
  cache_read_tokens: number;
}

/** Returns the rows of all tables of a report. */
export function rows({ payers, keys, models }: UsageReport): Row[] {
  return [
    ...payers.map((group) => row('payer', group)),
    ...keys.map((group) => row('key', group)),
    ...models.map((group) => row('model', group)),
  ];
}

/** Writes a report's tables as CSV (RFC 4180), with a header. */
export function csv(report: UsageReport): string {
  const all = rows(report);
  const [first] = all;
  if (!first) return '';
  const lines = [Object.keys(first), ...all.map((one) => Object.values(one).map(String))];
  return lines.map((fields) => fields.map(quoted).join(',') + '\r\n').join('');
}

/** Writes a report's tables and the days that they are of as JSON. */
export function json(report: UsageReport): string {
  const { days, zone } = report;
  return JSON.stringify({ days, zone, rows: rows(report) }, null, 2);
}

/** The forms that the tables can be had in. */
export const forms = {
  csv: { name: 'CSV', write: csv },
  json: { name: 'JSON', write: json },
} as const;

export type Form = keyof typeof forms;

/** Names a file after the days that it is about. */
export function fileName({ first, last }: Days, form: Form): string {
  return `switchyard-usage-${first === last ? first : `${first}-to-${last}`}.${form}`;
}

function row(table: Row['table'], { label, sums }: UsageGroup): Row {
  const { leaving, plan, tokens } = sums;
  const known = (figure: typeof leaving) =>
    figure.runs > 0 && figure.runs === figure.unpriced ? '' : figure.cost;
  return {
    table,
    name: label,
    leaving_usd: known(leaving),
    runs: allRuns(sums),
    unpriced_runs: leaving.unpriced,
    plan_usd: known(plan),
    plan_runs: plan.runs,
    input_tokens: tokens.input,
    output_tokens: tokens.output,
    cache_write_tokens: tokens.cache_write_5m + tokens.cache_write_1h,
    cache_read_tokens: tokens.cache_read,
  };
}

/** A name may begin like a formula; a spreadsheet must not run it. */
function quoted(field: string): string {
  const safe = /^[=+\-@\t\r]/.test(field) ? `'${field}` : field;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
