/** Where on the farm a run may go, and who may pay there, as lists to choose from. */
import type { HostRow, KeyId, KeyRow } from '../lib/bindings';
import type { OnFarm } from '../lib/draft.svelte';
import { count } from '../lib/format';
import { named } from '../lib/keys.svelte';
import { hostStanding, labelsOf } from './hosts.svelte';
import { offered } from './payers';

/** Any host, those with a label, or one. */
export type Place = 'any' | `label:${string}` | `host:${number}`;

/** Where on the farm, whoever pays there. */
type Where = Pick<OnFarm, 'host' | 'label'> & Partial<OnFarm>;

type Options<Value extends string> = { value: Value; label: string; hint?: string }[];

/** Lists the places. */
export function places(rows: readonly HostRow[]): Options<Place> {
  const bearing = (label: string) => rows.filter(({ labels }) => labels.includes(label)).length;
  return [
    { value: 'any', label: 'Any healthy host' },
    ...labelsOf(rows).map((label) => ({
      value: `label:${label}` as const,
      label: `With the label ${label}`,
      hint: count(bearing(label), 'host'),
    })),
    ...rows.map((row) => ({
      value: `host:${row.id}` as const,
      label: `Only ${row.name}`,
      hint: hostStanding(row).word,
    })),
  ];
}

/** Names the place that is chosen. */
export function placeOf({ host, label }: Where): Place {
  if (host !== null) return `host:${host}`;
  return label === null ? 'any' : `label:${label}`;
}

/** Reads what was chosen. */
export function whereOf(place: Place): Pick<OnFarm, 'host' | 'label'> {
  if (place === 'any') return { host: null, label: null };
  const [kind = '', ...rest] = place.split(':');
  const text = rest.join(':');
  return kind === 'host' ? { host: Number(text), label: null } : { host: null, label: text };
}

/** Lists who may pay: whoever is set for the host, or a key in their place. */
export function payersOf(keys: readonly KeyRow[], chosen: KeyId | null): Options<string> {
  return [
    { value: '', label: 'Whoever pays on the host' },
    ...offered(keys, '', [chosen]).rows.map((key) => ({ value: key.id, label: named(key) })),
  ];
}
