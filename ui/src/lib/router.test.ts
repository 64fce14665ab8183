import { expect, it } from 'vitest';

import { go, hrefTo, parseRoute, route } from './router.svelte';

it.each([
  ['', 'dispatch', null],
  ['#/keys', 'keys', null],
  ['#/history/12', 'history', '12'],
  ['#/history/a%20b%2Fc', 'history', 'a b/c'],
  ['#/nothing', 'dispatch', null],
  ['#/history/%E0%A4%A', 'history', null],
])('%s leads to %s', (hash, screen, rest) => {
  expect(parseRoute(hash)).toEqual({ screen, rest });
});

it('an address that was written is read the same', () => {
  expect(parseRoute(hrefTo('history', 'a/b c'))).toEqual({ screen: 'history', rest: 'a/b c' });
});

it('going somewhere is seen at once', () => {
  go('usage');
  expect([route().screen, location.hash]).toEqual(['usage', '#/usage']);
});
