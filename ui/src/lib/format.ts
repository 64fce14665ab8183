/** Times, counts and sizes as people read them. */
import { thousands } from './money';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
// Made once, when first needed: making one takes longer than all else in a row of a list.
let dates: Intl.DateTimeFormat | undefined;
let times: Intl.DateTimeFormat | undefined;

/** Says how long ago a moment was: `just now`, `2 min ago`, `3 h ago`, `12 d ago`, then the date. */
export function ago(then: number | null, now: number = Date.now()): string {
  if (then === null) return 'never';
  const past = now - then;
  if (past < MINUTE) return 'just now';
  if (past < HOUR) return `${Math.floor(past / MINUTE)} min ago`;
  if (past < DAY) return `${Math.floor(past / HOUR)} h ago`;
  if (past < 60 * DAY) return `${Math.floor(past / DAY)} d ago`;
  return date(then);
}

/** Writes a moment's day: `3 Mar 2026`. */
export function date(then: number): string {
  dates ??= new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
  return dates.format(then);
}

/** Writes a moment in full: `3 Mar 2026, 14:05:09`. */
export function moment(then: number): string {
  times ??= new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
  return `${date(then)}, ${times.format(then)}`;
}

/** Writes a time of day: `14:05`. */
export function clock(then: number): string {
  return new Date(then).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
}

/** Writes how long something took: `0.42 s`, `12.3 s`, `2 min 5 s`. */
export function duration(ms: number): string {
  if (ms < 10_000) return `${(ms / 1000).toFixed(2)} s`;
  if (ms < MINUTE) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** Writes a count of tokens: `318`, `12,400`, `1.2 M`, `18 M`. */
export function tokens(count: number | null): string {
  if (count === null) return 'unknown';
  if (count < 100_000) return thousands(count);
  if (count < 1_000_000) return `${Math.floor(count / 1000)} k`;
  const millions = count / 1_000_000;
  return `${millions < 100 ? millions.toFixed(1).replace(/\.0$/, '') : thousands(Math.round(millions))} M`;
}

/** Writes thousandths as a percentage: `71%`, `0.4%`. */
export function percent(permille: number | null): string {
  if (permille === null) return 'unknown';
  return permille < 10 && permille > 0 ? `${permille / 10}%` : `${Math.round(permille / 10)}%`;
}

/** Writes a size in bytes: `640 B`, `12 KB`, `3.4 MB`. */
export function bytes(size: number): string {
  if (size < 1000) return `${size} B`;
  if (size < 1_000_000) return `${Math.round(size / 1000)} KB`;
  return `${(size / 1_000_000).toFixed(1)} MB`;
}

/** Writes a number of things: `1 run`, `1,204 runs`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${thousands(number)} ${number === 1 ? one : many}`;
}
