/** What the usage screen makes of a report: bars, changes and shares. Money stays exact. */
import type { Days, Nano, Sums, Tokens, UsageGroup, UsageReport } from './bindings';
import { exact, nanos } from './money';

/** With more days than this, a bar is a month. */
const DAYS_MAX = 92;
const DAY_MS = 86_400_000;

/** So many payers have a hue of their own; all others share the last one. */
export const HUES = 5;

/** A payer in the legend. */
export interface Hue {
  hue: number;
  label: string;
}

/** One payer's part of a bar. */
export interface Part extends Hue {
  cost: Nano;
}

/** One bar: a day, or a month. */
export interface Bucket {
  /** `2026-11-22`, or `2026-11`. */
  date: string;
  cost: Nano;
  runs: number;
  unpriced: number;
  /** From the bottom up, only those that paid something. */
  parts: Part[];
}

/** The bars of a report, and what they are measured against. */
export interface Chart {
  buckets: Bucket[];
  hues: Hue[];
  isByMonth: boolean;
  /** What the grid's lines stand for, from the lowest. */
  lines: Nano[];
}

/** Returns every day from the first to the last. */
export function allDays({ first, last }: Days): string[] {
  const days = [];
  for (let at = Date.parse(first); at <= Date.parse(last); at += DAY_MS) {
    days.push(new Date(at).toISOString().slice(0, 10));
  }
  return days;
}

/** Makes the bars of the money that leaves. */
export function chart(report: UsageReport): Chart {
  const days = allDays(report.days);
  const isByMonth = days.length > DAYS_MAX;
  const paying = report.payers.filter((payer) => payer.sums.leaving.cost !== '0');
  const hues = paying.slice(0, HUES).map(({ label }, hue) => ({ hue, label }));
  if (paying.length > HUES) hues.push({ hue: HUES, label: `${paying.length - HUES} others` });
  const hueOf = new Map(paying.map(({ id }, index) => [id, Math.min(index, HUES)]));

  const buckets = new Map<string, { sums: Sums; parts: bigint[] }[]>();
  const nameOf = (day: string) => (isByMonth ? day.slice(0, 7) : day);
  for (const day of days) buckets.set(nameOf(day), []);
  for (const { date, sums, payers } of report.series) {
    const parts = hues.map(() => 0n);
    for (const [payer, of] of Object.entries(payers)) {
      const hue = hueOf.get(payer);
      if (hue !== undefined) parts[hue] = (parts[hue] ?? 0n) + nanos(of.leaving.cost);
    }
    buckets.get(nameOf(date))?.push({ sums, parts });
  }

  const bars = [...buckets].map(([date, rows]): Bucket => {
    const leaving = rows.map((row) => row.sums.leaving);
    return {
      date,
      cost: exact(leaving.reduce((all, { cost }) => all + nanos(cost), 0n)),
      runs: leaving.reduce((all, { runs }) => all + runs, 0),
      unpriced: leaving.reduce((all, { unpriced }) => all + unpriced, 0),
      parts: hues.flatMap(({ hue, label }) => {
        const cost = rows.reduce((all, row) => all + (row.parts[hue] ?? 0n), 0n);
        return cost > 0n ? [{ hue, label, cost: exact(cost) }] : [];
      }),
    };
  });
  const most = bars.reduce((max, { cost }) => (nanos(cost) > max ? nanos(cost) : max), 0n);
  return { buckets: bars, hues, isByMonth, lines: gridLines(most) };
}

/** Returns two to five round amounts, of which the last is at least `most`. */
export function gridLines(most: bigint): Nano[] {
  if (most <= 0n) return [];
  let step = 1n;
  // 1, 2, 5, 10, 20, 50 …: the smallest one that needs no more than four lines.
  for (let turn = 0; step * 4n < most; turn += 1)
    step = turn % 3 === 1 ? (step * 5n) / 2n : step * 2n;
  const count = (most + step - 1n) / step;
  return Array.from({ length: Number(count) }, (_, line) => exact(step * BigInt(line + 1)));
}

/** Returns how much an amount has changed, in thousandths; nothing where nothing was before. */
export function change(now: Nano, before: Nano): number | null {
  const from = nanos(before);
  return from <= 0n ? null : Number(((nanos(now) - from) * 1000n) / from);
}

/** Writes a change: `+12% against 1 to 22 Oct`, `as much as in …`, `14 times that of …`. */
export function changeText(permille: number, before: string): string {
  const percent = Math.round(Math.abs(permille) / 10);
  if (percent === 0) return `as much as in ${before}`;
  if (percent > 999) return `${Math.round(permille / 1000) + 1} times that of ${before}`;
  return `${permille < 0 ? '−' : '+'}${percent}% against ${before}`;
}

/** Returns all tokens of some runs: thinking is in the output already. */
export function allTokens(tokens: Tokens): number {
  const { input, output, cache_write_5m, cache_write_1h, cache_read } = tokens;
  return input + output + cache_write_5m + cache_write_1h + cache_read;
}

/** Returns how many runs some sums are of, those on a plan included. */
export function allRuns(sums: Sums): number {
  return sums.leaving.runs + sums.plan.runs;
}

/** What a table of groups can be sorted by. */
export type Column = 'label' | 'cost' | 'runs' | 'tokens';

/** Sorts groups; where a column says the same, by name. */
export function sorted(groups: readonly UsageGroup[], column: Column, isUp: boolean): UsageGroup[] {
  const names = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });
  const byName = (a: UsageGroup, b: UsageGroup) => names.compare(a.label, b.label);
  const by: Record<Column, (a: UsageGroup, b: UsageGroup) => number> = {
    label: byName,
    cost: (a, b) => sign(nanos(a.sums.leaving.cost) - nanos(b.sums.leaving.cost)),
    runs: (a, b) => allRuns(a.sums) - allRuns(b.sums),
    tokens: (a, b) => allTokens(a.sums.tokens) - allTokens(b.sums.tokens),
  };
  return groups.toSorted((a, b) => (isUp ? 1 : -1) * by[column](a, b) || byName(a, b));
}

/** Tells whether two tables say the same, but for what they call their rows. */
export function areSameSums(one: readonly UsageGroup[], other: readonly UsageGroup[]): boolean {
  const sums = (groups: readonly UsageGroup[]) =>
    groups.map((group) => JSON.stringify(group.sums)).toSorted();
  return sums(one).join() === sums(other).join();
}

function sign(amount: bigint): number {
  return amount < 0n ? -1 : amount > 0n ? 1 : 0;
}

/** Names a bar's day or month: `3 Nov`, `Tuesday, 3 November 2026`, `Nov 2026`. */
export function bucketName(date: string, length: 'short' | 'long'): string {
  const isMonth = date.length === 7;
  const at = new Date(`${isMonth ? `${date}-01` : date}T12:00:00Z`);
  const style: Intl.DateTimeFormatOptions = isMonth
    ? { month: length, year: 'numeric' }
    : length === 'short'
      ? { day: 'numeric', month: 'short' }
      : { weekday: 'short', day: 'numeric', month: 'long', year: 'numeric' };
  return at.toLocaleDateString('en-GB', { ...style, timeZone: 'UTC' });
}

/** Names a stretch of days: `3 Nov`, `1 to 22 Nov`, `28 Oct to 3 Nov`. */
export function daysName({ first, last }: Days): string {
  const end = bucketName(last, 'short');
  if (first === last) return end;
  const isSameMonth = first.slice(0, 7) === last.slice(0, 7);
  return `${isSameMonth ? Number(first.slice(8)) : bucketName(first, 'short')} to ${end}`;
}

/** Returns the day that it is in a zone, as `2026-11-22`. */
export function today(zone: string, now: Date = new Date()): string {
  try {
    return new Intl.DateTimeFormat('en-CA', { timeZone: zone }).format(now);
  } catch {
    return now.toISOString().slice(0, 10);
  }
}
