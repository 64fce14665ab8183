import { describe, expect, it, onTestFinished, vi } from 'vitest';

import { keyRow, manyKeys, someKeys } from '../../dev/sample';
import { ANY, KeyList } from './list.svelte';

const names = (list: KeyList): string[] => list.rows.map(({ name }) => name);

describe('the list of keys', () => {
  it('begins with what was used last', () => {
    expect(names(new KeyList(someKeys)).slice(0, 2)).toEqual(['Work', 'Personal']);
  });

  it('finds by name, last four, environment and health, whatever the case', () => {
    const list = new KeyList(someKeys);
    const found = (query: string): string[] => {
      list.query = query;
      return names(list);
    };
    expect(found('WORK')).toEqual(['Work']);
    expect(found('c01d')).toEqual(['Old CI']);
    expect(found('production gateway')).toEqual(['Gateway Frankfurt']);
    expect(found('no credit')).toHaveLength(1);
    expect(found('nothing like that')).toEqual([]);
  });

  it('the environment without a name is one of them', () => {
    const list = new KeyList(someKeys);
    expect(list.environments).toEqual(['', 'ci', 'production', 'staging']);
    list.environment = '';
    expect(names(list)).toEqual(['Personal', 'Org admin']);
    list.widen();
    expect([list.environment, list.narrowed]).toEqual([ANY, null]);
  });

  it('where nothing is left, it says what left it out', () => {
    const list = new KeyList(someKeys);
    list.query = ' zzz ';
    expect(list.why).toBe('Nothing that is known of a key matches “zzz”.');
    list.environment = 'ci';
    expect(list.why).toBe('Nothing in ci matches “zzz”. Keys elsewhere were not searched.');
    list.environment = '';
    expect(list.why).toMatch(/^Nothing without an environment matches/);
    list.everywhere();
    expect([list.narrowed, list.query]).toEqual(['search', ' zzz ']);
    list.query = '';
    list.environment = 'gone';
    expect(list.why).toBe('There is no key in gone any more.');
  });

  it('a column orders, and turns round when it is asked again', () => {
    const list = new KeyList(() => [
      keyRow({ name: 'b', month: { cost: '9', runs: 1, unpriced: 0 } }),
      keyRow({ name: 'a', month: { cost: '10', runs: 1, unpriced: 0 } }),
    ]);
    list.sortBy('month');
    expect(names(list)).toEqual(['a', 'b']);
    list.sortBy('month');
    expect(names(list)).toEqual(['b', 'a']);
    list.sortBy('name');
    expect(names(list)).toEqual(['a', 'b']);
  });

  it('numbers in names are ordered as numbers', () => {
    const list = new KeyList(() => [keyRow({ name: 'Team 10' }), keyRow({ name: 'Team 9' })]);
    list.sortBy('name');
    expect(names(list)).toEqual(['Team 9', 'Team 10']);
  });

  it('what is worst stands first when ordered by health', () => {
    const list = new KeyList(someKeys);
    list.sortBy('health');
    expect(list.rows[0]?.validity).toBe('refused');
  });

  it('a letter typed into ten thousand keys is answered within a frame', () => {
    const all = manyKeys(10_000);
    const list = new KeyList(() => all);
    expect(list.rows).toHaveLength(10_000);
    const began = performance.now();
    for (const query of ['t', 'te', 'team 1', 'team 12', 'team 123']) {
      list.query = query;
      expect(list.rows.length).toBeGreaterThan(0);
    }
    // Generous for a machine that is busy with other things; on its own it takes a few ms each.
    expect((performance.now() - began) / 5).toBeLessThan(50);
  });

  it('names are ordered as people order them, before that was worked out ahead and after', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const ordered = ['Emil', 'émile', 'Key 2', 'key 2b', 'key 10', 'zoo'];
    const all = ['zoo', 'key 10', 'émile', 'key 2b', 'Key 2', 'Emil'].map((name) =>
      keyRow({ name }),
    );
    const list = new KeyList(() => all);
    list.sortBy('name');
    expect(names(list)).toEqual(ordered);
    list.prepare();
    vi.runAllTimers();
    list.sortBy('name');
    expect(names(list)).toEqual([...ordered].reverse());
    list.sortBy('name');
    expect(names(list)).toEqual(ordered);
  });
});
