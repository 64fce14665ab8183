import { expect, it } from 'vitest';

import { keyRow } from '../dev/sample';
import { health } from './health';

const NOW = Date.UTC(2026, 2, 3);
const DAY = 86_400_000;
const word = (change: Parameters<typeof keyRow>[0]): string => health(keyRow(change), NOW).word;

it('the last verdict is the health', () => {
  expect(word({ name: 'a', validity: 'no_credit' })).toBe('no credit');
});

it('an end that is near is said of a valid key, and never hides what is worse', () => {
  expect(word({ name: 'a', expires_at: NOW + 5 * DAY })).toBe('5 d left');
  expect(word({ name: 'a', expires_at: NOW + 90 * DAY })).toBe('valid');
  expect(word({ name: 'a', validity: 'refused', expires_at: NOW + 5 * DAY })).toBe('refused');
});

it('a key that has expired or was retired says so', () => {
  expect(word({ name: 'a', expires_at: NOW - DAY })).toBe('expired');
  expect(word({ name: 'a', is_active: false })).toBe('retired');
});
