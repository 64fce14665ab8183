import { expect, it } from 'vitest';

import { hostRow, hostsOf, probe } from '../dev/sample-hosts';
import { keyRow } from '../dev/sample';
import { refuse } from '../dev/sample-replies';
import { hostPayer, hostStanding, isChanged, labelsOf } from './hosts.svelte';

const host = (more: Partial<Parameters<typeof hostRow>[0]> = {}) =>
  hostRow({ id: 1, name: 'box', ...more });
const changed = refuse('host_key', 'Another key.', null, 'pin_host');

it('a changed key outweighs all else that is to be said of a host', () => {
  const row = host({ state: 'paused', is_paused: true, last_failure: changed });
  expect(hostStanding(row)).toMatchObject({ state: 'bad', word: 'host key changed' });
});

it('a key that was pinned since the change is no change any more', () => {
  const row = host({ probe: probe({ trouble: changed }), probed_at: 5, pinned_at: 6 });
  expect(isChanged(row)).toBe(false);
  expect(isChanged({ ...row, pinned_at: 4 })).toBe(true);
});

it('a host without a pinned key has not changed it', () => {
  const row = host({ host_keys: [], state: 'unpinned', last_failure: changed });
  expect(hostStanding(row).word).toBe('host key not pinned');
});

it.each([
  [{}, 'healthy'],
  [{ probe: null, probed_at: null }, 'never probed'],
  [{ probe: probe({ trouble: refuse('host_failed', 'Too old.', null) }) }, 'in trouble'],
  [{ probe: probe({ service: 'failed' }) }, 'service failed'],
  [{ state: 'gone' as const }, 'gone'],
  [{ state: 'paused' as const }, 'paused'],
])('a host that is %j is called %s', (more, word) => {
  expect(hostStanding(host(more)).word).toBe(word);
});

it('a host that rests says until when', () => {
  const until = new Date(2026, 3, 1, 14, 5).getTime();
  const row = host({ state: 'resting', rests_until: until });
  expect(hostStanding(row).word).toBe('resting until 14:05');
});

it('the payer of a host is a key by its name, the active one, or the box itself', () => {
  const keys = [keyRow({ name: 'Farm', id: 'f', last4: '77c2' })];
  expect(hostPayer(host({ key: 'f' }), keys)).toBe('Farm …77c2');
  expect(hostPayer(host({ key: 'other' }), keys)).toBe('a key that is gone');
  const active = keyRow({ name: 'Work', id: 'w', last4: '3f9a', is_selected: true });
  expect(hostPayer(host(), [...keys, active])).toBe('Work …3f9a, active');
  expect(hostPayer(host({ own_command: '/bin/own' }), keys)).toBe('its own key');
});

it('a host that is sent the active key has no payer where no key is active', () => {
  const keys = [keyRow({ name: 'Farm', is_selected: false })];
  expect(hostPayer(host(), keys)).toBe('no active key');
  expect(hostPayer(host(), null)).toBe('the active key');
});

it('each label is listed once', () => {
  expect(labelsOf(hostsOf('three'))).toEqual(['cheap', 'eu']);
});
