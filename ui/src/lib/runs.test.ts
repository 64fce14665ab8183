import { expect, test } from 'vitest';

import { TestHost } from '../dev/test-host';
import type { RunSummary } from './bindings';
import { Runs } from './runs.svelte';

const run = (id: number, title: string | null = null) => ({ run: id, title }) as RunSummary;

/** Answers like a store that holds so many runs. */
function store(count: number, title: () => string | null = () => null): TestHost {
  return new TestHost({
    list_runs: ({ before, limit }: { before: number | null; limit: number }) => {
      const newest = before === null ? count : before - 1;
      const length = Math.max(0, Math.min(limit, newest));
      return Array.from({ length }, (_, index) => run(newest - index, title()));
    },
  });
}

test('runs are read page by page, each older than the last', async () => {
  const host = store(250);
  const runs = new Runs();
  await runs.load();
  expect(runs.rows).toHaveLength(100);
  expect(runs.isWhole).toBe(false);
  await runs.more();
  await runs.more();
  await runs.more();
  expect(runs.rows.map((row) => row.run)).toEqual(Array.from({ length: 250 }, (_, i) => 250 - i));
  expect(runs.isWhole).toBe(true);
  expect(host.argsOf('list_runs').map((args) => args['before'])).toEqual([null, 151, 51]);
});

test('what has been read is read again when something changes', async () => {
  let title: string | null = null;
  store(250, () => title);
  const runs = new Runs();
  await runs.load();
  await runs.more();
  title = 'Now it can be opened';
  await runs.load();
  expect(runs.rows).toHaveLength(200);
  expect(runs.rows.every((row) => row.title === title)).toBe(true);
});

test('an empty history is whole at once', async () => {
  store(0);
  const runs = new Runs();
  await runs.load();
  expect(runs).toMatchObject({ rows: [], isWhole: true, isRead: true });
});

test('a failure leaves the rows that are there', async () => {
  const host = store(250);
  const runs = new Runs();
  await runs.load();
  host.on('list_runs', () =>
    Promise.reject({ code: 'failed', message: 'No.', hint: null, remedy: null }),
  );
  await runs.more();
  expect(runs.rows).toHaveLength(100);
  expect(runs.failure?.message).toBe('No.');
  expect(runs.isLoading).toBe(false);
});

test('two pages are never asked for at once', async () => {
  const host = store(250);
  const runs = new Runs();
  await Promise.all([runs.more(), runs.more()]);
  expect(host.argsOf('list_runs')).toHaveLength(1);
});
