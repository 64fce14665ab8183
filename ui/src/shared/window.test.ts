import { expect, it } from 'vitest';

import { most, scrolledTo, visible } from './window';

it('only the rows in view are drawn, with a margin', () => {
  expect(visible(3200, 320, 32, 10_000)).toEqual({ first: 94, end: 116 });
});

it('the ends of the list are the ends of what is drawn', () => {
  expect(visible(0, 320, 32, 5)).toEqual({ first: 0, end: 5 });
  expect(visible(9999, 320, 32, 5)).toEqual({ first: 5, end: 5 });
});

it('a row in view is not scrolled to', () => {
  expect(scrolledTo(3, 0, 320, 32)).toBe(0);
  expect(scrolledTo(10, 0, 320, 32)).toBe(32);
  expect(scrolledTo(2, 320, 320, 32)).toBe(64);
});

it('no more rows are drawn than there are slots for, wherever the list stands', () => {
  for (let top = 0; top < 400; top += 7) {
    const { first, end } = visible(top, 330, 32, 1000);
    expect(end - first).toBeLessThanOrEqual(most(330, 32));
  }
});
