/** The farm's hosts: one reading for the screen and for the choice of a route. */
import { list_hosts, type HostRow, type KeyRow } from '../lib/bindings';
import { clock } from '../lib/format';
import { named } from '../lib/keys.svelte';
import { Resource } from '../lib/resource.svelte';

export const hosts = new Resource<HostRow[]>(list_hosts);

/** How a host stands: loudly where its key is another one than the pinned. */
export interface HostStanding {
  state: 'ok' | 'warn' | 'bad' | 'idle';
  word: string;
  about: string;
}

/** Tells whether a host has shown another key than the pinned, and nobody has looked at that since. */
export function isChanged({
  host_keys,
  last_failure,
  probe,
  probed_at,
  pinned_at,
}: HostRow): boolean {
  if (host_keys.length === 0) return false;
  const isNewer = (probed_at ?? 0) >= (pinned_at ?? 0);
  return last_failure?.code === 'host_key' || (isNewer && probe?.trouble?.code === 'host_key');
}

/** Tells whether nothing can be done with a host before its key is looked at. */
export const wantsPin = (row: HostRow): boolean => row.state === 'unpinned' || isChanged(row);

const changed: HostStanding = {
  state: 'bad',
  word: 'host key changed',
  about: 'It showed another host key than the pinned one. Nothing is sent to it.',
};

/** Says how a host stands, the gravest first. */
export function hostStanding(row: HostRow): HostStanding {
  if (isChanged(row)) return changed;
  switch (row.state) {
    case 'key_changed':
      return changed;
    case 'paused':
      return { state: 'idle', word: 'paused', about: 'You paused it: it takes no runs.' };
    case 'gone':
      return {
        state: 'warn',
        word: 'gone',
        about: 'The list that it was imported from does not name it any more: it takes no runs.',
      };
    case 'unpinned':
      return {
        state: 'warn',
        word: 'host key not pinned',
        about: 'Nothing is sent to it before you have pinned its host key.',
      };
    case 'resting':
      return {
        state: 'warn',
        word: `resting until ${clock(row.rests_until ?? 0)}`,
        about: 'It has failed and is left alone for a while.',
      };
    case 'ready':
      return answered(row);
  }
}

function answered({ probe, probed_at }: HostRow): HostStanding {
  if (probe === null || probed_at === null)
    return {
      state: 'idle',
      word: 'never probed',
      about: 'It takes runs. It was never asked how it stands.',
    };
  const service = probe.service ?? 'active';
  if (!probe.trouble && service !== 'active' && service !== 'reloading')
    return {
      state: 'warn',
      word: `service ${service}`,
      about: 'It takes runs, but the unit that is watched there does not run.',
    };
  return probe.trouble
    ? { state: 'bad', word: 'in trouble', about: 'When it was asked last, it could take no runs.' }
    : { state: 'ok', word: 'healthy', about: 'When it was asked last, all was well.' };
}

/** Names who pays on a host; the keys are `null` until they are read. */
export function hostPayer({ own_command, key }: HostRow, keys: readonly KeyRow[] | null): string {
  if (own_command !== null) return 'its own key';
  if (keys === null) return key === null ? 'the active key' : 'a key';
  if (key === null) {
    const active = keys.find(({ is_selected }) => is_selected);
    return active ? `${named(active)}, active` : 'no active key';
  }
  const row = keys.find(({ id }) => id === key);
  return row ? named(row) : 'a key that is gone';
}

/** Returns every label, once, in the order of the alphabet. */
export function labelsOf(rows: readonly HostRow[]): string[] {
  const labels = rows.flatMap(({ labels }) => labels).toSorted((a, b) => a.localeCompare(b));
  return labels.filter((label, index) => label !== labels[index - 1]);
}
