import { expect, test } from 'vitest';

import { known } from '../dev/fake-plan';
import { anew, share, tightest } from './plan';

const NOW = new Date(2026, 10, 22, 14, 0).getTime();
const HOUR = 3_600_000;
const window = {
  kind: 'five_hour',
  used: 0.62,
  resets_at: NOW + HOUR,
  standing: 'allowed',
} as const;

test('a window says its share and when it begins anew', () => {
  expect(share(window, NOW)).toEqual({
    kind: 'five_hour',
    used: '62% of 5 h used',
    part: 0.62,
    resets: 'resets 15:00',
    nearness: 'ok',
  });
});

test('a window that has begun anew since it was told is not used', () => {
  const past = share({ ...window, used: 1, standing: 'rejected' }, NOW + 2 * HOUR);
  expect([past.part, past.nearness]).toEqual([0, 'ok']);
});

test('what is nearly used up warns, and is not shown as used up', () => {
  const near = share({ ...window, used: 0.997, standing: 'allowed_warning' }, NOW);
  expect([near.used, near.nearness]).toEqual(['99% of 5 h used', 'warn']);
  expect(share({ ...window, used: 1.2, standing: 'rejected' }, NOW).nearness).toBe('bad');
});

test('a share that was not told is not zero', () => {
  expect(share({ ...window, used: null }, NOW).used).toBe('5 h used');
});

test('a window of a new kind is named as the program names it', () => {
  expect(share({ ...window, kind: 'thirty_day' }, NOW).used).toBe('62% of thirty day used');
});

test('a day further away is named', () => {
  expect(anew(NOW + 50 * HOUR, NOW)).toBe('Tue 16:00');
  expect(anew(NOW - 1, NOW)).toBe('');
});

test('the window that is nearest to its end stands on the line', () => {
  expect(tightest(known(0.91).limits)?.used).toBe('91% of 5 h used');
  expect(tightest(null)).toBeNull();
});
