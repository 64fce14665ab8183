import { expect, it } from 'vitest';

import { ago, bytes, count, duration, percent, tokens } from './format';

const NOW = Date.UTC(2026, 2, 3, 12);

it.each([
  [0, 'just now'],
  [-5000, 'just now'],
  [2 * 60_000, '2 min ago'],
  [3 * 3_600_000, '3 h ago'],
  [12 * 86_400_000, '12 d ago'],
])('%i ms back is %s', (past, said) => {
  expect(ago(NOW - past, NOW)).toBe(said);
});

it('what never happened was never', () => {
  expect(ago(null)).toBe('never');
});

it('what is long ago is a date', () => {
  expect(ago(NOW - 100 * 86_400_000, NOW)).toMatch(/Nov 2025$/);
});

it.each([
  [318, '318'],
  [12_400, '12,400'],
  [412_900, '412 k'],
  [1_000_000, '1 M'],
  [18_400_000, '18.4 M'],
  [1_250_000_000, '1,250 M'],
  [null, 'unknown'],
])('%s tokens are written %s', (number, said) => {
  expect(tokens(number)).toBe(said);
});

it('short and long times are written with the digits that matter', () => {
  expect([duration(420), duration(12_340), duration(125_000)]).toEqual([
    '0.42 s',
    '12.3 s',
    '2 min 5 s',
  ]);
});

it('thousandths are percents', () => {
  expect([percent(710), percent(4), percent(0), percent(null)]).toEqual([
    '71%',
    '0.4%',
    '0%',
    'unknown',
  ]);
});

it('one thing is not many', () => {
  expect([count(1, 'key'), count(1204, 'run')]).toEqual(['1 key', '1,204 runs']);
});

it('sizes are written in the unit that fits', () => {
  expect([bytes(640), bytes(12_300), bytes(3_400_000)]).toEqual(['640 B', '12 KB', '3.4 MB']);
});
