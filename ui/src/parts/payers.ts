import type { KeyId, KeyRow } from '../lib/bindings';
import { canPay } from '../lib/keys.svelte';

/** With more keys than this, they are searched and not read through. */
const SHORT = 8;
const FOUND_MAX = 20;

/** The keys that are offered to pay, and how many are not shown. */
export interface Offered {
  rows: KeyRow[];
  left: number;
  isLong: boolean;
}

/** Picks the keys that could pay: those that match, or those used last; some in any case. */
export function offered(
  keys: readonly KeyRow[],
  query: string,
  always: readonly (KeyId | null)[],
  short = SHORT,
): Offered {
  const able = keys.filter(canPay);
  const words = query.trim().toLowerCase().split(/\s+/);
  const fits = ({ name, last4, environment }: KeyRow) => {
    const text = `${name} ${last4} ${environment}`.toLowerCase();
    return words.every((word) => text.includes(word));
  };
  const found = able.filter(fits).toSorted((a, b) => (b.last_used_at ?? 0) - (a.last_used_at ?? 0));
  const shown = found.slice(0, query.trim() === '' ? short : FOUND_MAX);
  // At the end, so that a row does not move when it is chosen.
  const others = able.filter((key) => always.includes(key.id) && !shown.includes(key));
  return {
    rows: [...shown, ...others],
    left: found.length - shown.length - others.filter(fits).length,
    isLong: able.length > short,
  };
}
