import { expect, test } from 'vitest';

import { keyRow, manyKeys } from '../dev/sample';
import { offered } from './payers';

test('a handful of keys is offered whole', () => {
  const keys = [keyRow({ name: 'Work' }), keyRow({ name: 'Home' })];
  expect(offered(keys, '', [null])).toMatchObject({ left: 0, isLong: false });
});

test('of many keys those used last are offered, and the one that pays', () => {
  const keys = [
    keyRow({ name: 'Never used' }),
    ...Array.from({ length: 20 }, (_, used) => keyRow({ name: `Key ${used}`, last_used_at: used })),
  ];
  const { rows, left, isLong } = offered(keys, '', ['key-never-used']);
  const names = rows.map(({ name }) => name);
  expect(names.slice(0, 2)).toEqual(['Key 19', 'Key 18']);
  expect(names.at(-1)).toBe('Never used');
  expect(left).toBe(21 - rows.length);
  expect(isLong).toBe(true);
});

test('a search finds keys by name, last characters and environment', () => {
  const keys = [
    ...Array.from({ length: 20 }, (_, used) => keyRow({ name: `Key ${used}` })),
    keyRow({ name: 'Billing', last4: 'zz9z', environment: 'staging' }),
  ];
  for (const query of ['bill', 'ZZ9', 'staging', 'stag bill']) {
    expect(offered(keys, query, []).rows.map(({ name }) => name)).toEqual(['Billing']);
  }
});

test('admin keys and retired keys pay for nothing', () => {
  const keys = [
    keyRow({ name: 'Admin', kind: 'admin' }),
    keyRow({ name: 'Old', is_active: false }),
  ];
  expect(offered(keys, '', []).rows).toEqual([]);
});

test('ten thousand keys are searched without a pause', () => {
  const keys = manyKeys(10_000);
  offered(keys, 'warm', []);
  const began = performance.now();
  offered(keys, 'key 99', []);
  expect(performance.now() - began).toBeLessThan(200);
});

test('a row stays where it is when it is chosen', () => {
  const keys = [1, 2, 3].map((used) => keyRow({ name: `Key ${used}`, last_used_at: used }));
  const before = offered(keys, '', [null, null]).rows;
  expect(offered(keys, '', ['key-key-1', 'key-key-1']).rows).toEqual(before);
});
