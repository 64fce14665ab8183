/** Money as the wire carries it, exact, and as people read it. Never a float. */
import type { Figure, Nano } from './bindings';

const DOLLAR = 1_000_000_000n;
const CENT = DOLLAR / 100n;
/** The smallest amount that is shown by its digits. */
const SMALL = DOLLAR / 10_000n;

/** Reads an exact amount in dollars as nano-dollars. */
export function nanos(amount: Nano): bigint {
  const [, sign, whole, fraction = ''] = /^(-?)(\d+)(?:\.(\d{1,9}))?$/.exec(amount) ?? [];
  if (whole === undefined) throw new RangeError('not an amount of money');
  const size = BigInt(whole) * DOLLAR + BigInt(fraction.padEnd(9, '0'));
  return sign === '-' ? -size : size;
}

/** Writes nano-dollars as the wire does. */
export function exact(amount: bigint): Nano {
  const size = amount < 0n ? -amount : amount;
  const fraction = (size % DOLLAR).toString().padStart(9, '0').replace(/0+$/, '');
  const whole = `${amount < 0n ? '-' : ''}${size / DOLLAR}`;
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

/** Adds up exact amounts. */
export function sum(amounts: Nano[]): Nano {
  return exact(amounts.reduce((all, amount) => all + nanos(amount), 0n));
}

/** Orders two amounts, for `sort`. */
export function compareMoney(a: Nano, b: Nano): number {
  const difference = nanos(a) - nanos(b);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** Returns `part` of `whole` as a number from 0 to 1, for the length of a bar. */
export function share(part: Nano, whole: Nano): number {
  const all = nanos(whole);
  return all <= 0n ? 0 : Number((nanos(part) * 10_000n) / all) / 10_000;
}

/** Writes an amount for people: `$0`, `<$0.0001`, `$0.0123`, `$12.40`, `$1,234.56`, `unknown`. */
export function money(amount: Nano | null | undefined): string {
  if (amount == null) return 'unknown';
  const value = nanos(amount);
  const size = value < 0n ? -value : value;
  if (size === 0n) return '$0';
  const sign = value < 0n ? '-' : '';
  if (size < SMALL) return `${sign}<$0.0001`;
  const small = rounded(size, SMALL);
  if (small < 10_000n) return `${sign}$0.${small.toString().padStart(4, '0')}`;
  const cents = rounded(size, CENT);
  const rest = (cents % 100n).toString().padStart(2, '0');
  return `${sign}$${thousands(cents / 100n)}.${rest}`;
}

/** Writes the most that something can cost: as `money`, but never rounded down. */
export function atMost(amount: Nano | null | undefined): string {
  if (amount == null) return 'unknown';
  const value = nanos(amount);
  const unit = value < DOLLAR ? SMALL : CENT;
  const rest = value % unit;
  return money(rest > 0n ? exact(value + unit - rest) : amount);
}

/** Writes a sum; where no run in it has a price, nothing is known of it. */
export function figure({ cost, runs, unpriced }: Figure): string {
  return runs > 0 && runs === unpriced ? 'unknown' : money(cost);
}

/** The same, marked where more was spent than has a price: `≥ $12.40`. */
export function atLeast(sum: Figure): string {
  return sum.unpriced > 0 && sum.unpriced < sum.runs ? `≥ ${figure(sum)}` : figure(sum);
}

/** Says how much a sum leaves out, or nothing where it is whole. */
export function leftOut({ unpriced }: Figure): string | null {
  if (unpriced === 0) return null;
  return unpriced === 1 ? '1 run without a price' : `${thousands(unpriced)} runs without a price`;
}

/** Writes a whole number with commas. */
export function thousands(value: bigint | number): string {
  return value.toString().replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Rounds to whole units, half to even. */
function rounded(amount: bigint, unit: bigint): bigint {
  const whole = amount / unit;
  const twice = (amount % unit) * 2n;
  return twice > unit || (twice === unit && whole % 2n === 1n) ? whole + 1n : whole;
}
