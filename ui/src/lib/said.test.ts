import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { hush, said, say } from './said.svelte';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const goElsewhere = () => window.dispatchEvent(new Event('hashchange'));

it('what was said goes with the screen that it was said on', () => {
  say('Work pays from now on.');
  vi.advanceTimersByTime(1000);
  goElsewhere();
  expect(said()).toBeNull();
});

it('what was said on the way to a screen is read there, for a while', () => {
  say('Work is stored and checked.');
  goElsewhere();
  expect(said()?.text).toBe('Work is stored and checked.');
  vi.advanceTimersByTime(5000);
  expect(said()).toBeNull();
});

it('something that is to be read now ends it', () => {
  say('The vault is unlocked.');
  hush();
  expect(said()).toBeNull();
});
