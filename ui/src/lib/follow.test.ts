import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { TestHost } from '../dev/test-host';
import type { Change } from './bindings';
import { hear, onChange, startFollowing } from './follow.svelte';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

it('changes that come close together are told once, and only to those who asked', async () => {
  const store = vi.fn();
  const who = vi.fn();
  const ends = [onChange(['store'], store), onChange(['who'], who)];
  hear('store');
  hear('store');
  await vi.advanceTimersByTimeAsync(100);
  expect([store.mock.calls.length, who.mock.calls.length]).toEqual([1, 0]);
  ends.forEach((end) => end());
  hear('store');
  await vi.advanceTimersByTimeAsync(100);
  expect(store).toHaveBeenCalledTimes(1);
});

it('a broken line is called again', async () => {
  const host = new TestHost({
    next_changes: () =>
      Promise.reject({ code: 'failed', message: 'Gone.', hint: null, remedy: null }),
  });
  startFollowing();
  await vi.advanceTimersByTimeAsync(100);
  host.on('next_changes', () => new Promise(() => undefined));
  await vi.advanceTimersByTimeAsync(2500);
  expect(host.argsOf('next_changes')).toHaveLength(2);
});

it('what changed is heard, and what changes next is asked for at once', async () => {
  let tell: (changes: Change[]) => void = () => undefined;
  const host = new TestHost({
    next_changes: () => new Promise<Change[]>((resolve) => (tell = resolve)),
  });
  const heard = vi.fn();
  const end = onChange(['store', 'who'], heard);
  startFollowing();
  tell(['store', 'who']);
  await vi.advanceTimersByTimeAsync(100);
  expect(heard).toHaveBeenCalledWith(['store', 'who']);
  expect(host.argsOf('next_changes')).toHaveLength(2);
  end();
});

it('those who asked hear what changed in its order', async () => {
  const heard = vi.fn();
  const end = onChange(['keychain_waits', 'keychain_done'], heard);
  hear('keychain_done');
  hear('store');
  hear('keychain_waits');
  await vi.advanceTimersByTimeAsync(100);
  expect(heard).toHaveBeenCalledWith(['keychain_done', 'keychain_waits']);
  end();
});
