import { describe, expect, test } from 'vitest';

import type { Sums, UsageGroup, UsageReport } from './bindings';
import * as report from './report';

const sums = (cost: string, runs = 1, unpriced = 0): Sums => ({
  leaving: { cost, runs, unpriced },
  plan: { cost: '0', runs: 0, unpriced: 0 },
  by_basis: {},
  tokens: {
    input: 100,
    output: 20,
    cache_write_5m: 3,
    cache_write_1h: 4,
    cache_read: 5,
    thinking: 10,
    web_searches: 0,
  },
});

const group = (id: string, cost: string, runs = 1): UsageGroup => ({
  id,
  label: `Name ${id}`,
  is_deleted: false,
  sums: sums(cost, runs),
});

const reportOf = (more: Partial<UsageReport>): UsageReport => ({
  days: { first: '2026-11-01', last: '2026-11-03' },
  zone: 'UTC',
  total: sums('0.3'),
  cached_permille: null,
  previous_days: { first: '2026-10-29', last: '2026-10-31' },
  previous: sums('0'),
  projected: null,
  payers: [],
  keys: [],
  models: [],
  tiers: [],
  environments: [],
  hosts: [],
  series: [],
  ...more,
});

describe('the chart', () => {
  test('has a bar for each day, also for those without runs', () => {
    const { buckets, hues } = report.chart(
      reportOf({
        payers: [group('a', '0.2'), group('b', '0.1')],
        series: [
          {
            date: '2026-11-02',
            sums: sums('0.3', 3, 1),
            payers: { a: sums('0.2'), b: sums('0.1') },
          },
        ],
      }),
    );
    expect(buckets.map(({ date, cost }) => [date, cost])).toEqual([
      ['2026-11-01', '0'],
      ['2026-11-02', '0.3'],
      ['2026-11-03', '0'],
    ]);
    expect(buckets[1]).toMatchObject({ runs: 3, unpriced: 1 });
    expect(buckets[1]?.parts.map(({ hue, cost }) => [hue, cost])).toEqual([
      [0, '0.2'],
      [1, '0.1'],
    ]);
    expect(hues.map(({ label }) => label)).toEqual(['Name a', 'Name b']);
  });

  test('adds up to the last nano-dollar', () => {
    const series = ['01', '02', '03'].map((day) => ({
      date: `2026-11-${day}`,
      sums: sums('0.100000001'),
      payers: { a: sums('0.100000001') },
    }));
    const year = { first: '2026-01-01', last: '2026-12-31' };
    const { buckets, isByMonth } = report.chart(
      reportOf({ days: year, payers: [group('a', '0.300000003')], series }),
    );
    expect(isByMonth).toBe(true);
    expect(buckets).toHaveLength(12);
    expect(buckets[10]).toMatchObject({ date: '2026-11', cost: '0.300000003', runs: 3 });
  });

  test('gives those who pay least one hue together', () => {
    const payers = 'abcdefgh'.split('').map((id, index) => group(id, `${9 - index}`));
    const day = Object.fromEntries(payers.map(({ id, sums }) => [id, sums]));
    const { hues, buckets } = report.chart(
      reportOf({ payers, series: [{ date: '2026-11-01', sums: sums('44', 8), payers: day }] }),
    );
    expect(hues).toHaveLength(report.HUES + 1);
    expect(hues.at(-1)?.label).toBe('3 others');
    expect(buckets[0]?.parts.at(-1)).toMatchObject({ hue: report.HUES, cost: '9' });
  });

  test('leaves out who paid no money', () => {
    expect(report.chart(reportOf({ payers: [group('plan', '0')] })).hues).toEqual([]);
  });

  test('has lines at round amounts that reach above every bar', () => {
    expect(report.gridLines(2_040_000_000n)).toEqual(['1', '2', '3']);
    expect(report.gridLines(400_000n)).toEqual(['0.0001', '0.0002', '0.0003', '0.0004']);
    expect(report.gridLines(1n)).toEqual(['0.000000001']);
    expect(report.gridLines(0n)).toEqual([]);
    expect(report.gridLines(38_720_000_000n)).toEqual(['10', '20', '30', '40']);
  });
});

describe('days', () => {
  test('are counted across a change of the clock', () => {
    expect(report.allDays({ first: '2026-03-28', last: '2026-03-30' })).toEqual([
      '2026-03-28',
      '2026-03-29',
      '2026-03-30',
    ]);
  });

  test('are named as people do', () => {
    expect(report.daysName({ first: '2026-11-03', last: '2026-11-03' })).toBe('3 Nov');
    expect(report.daysName({ first: '2026-11-01', last: '2026-11-22' })).toBe('1 to 22 Nov');
    expect(report.daysName({ first: '2026-10-28', last: '2026-11-03' })).toBe('28 Oct to 3 Nov');
    expect(report.bucketName('2026-11', 'short')).toBe('Nov 2026');
  });

  test('begin when they do in the ledger’s zone', () => {
    const late = new Date('2026-11-21T23:30:00Z');
    expect(report.today('Europe/Berlin', late)).toBe('2026-11-22');
    expect(report.today('America/New_York', late)).toBe('2026-11-21');
    expect(report.today('Nowhere/None', late)).toBe('2026-11-21');
  });
});

describe('changes', () => {
  test('are told against the days before', () => {
    const text = (now: string, before: string) => {
      const permille = report.change(now, before);
      return permille === null ? null : report.changeText(permille, 'Oct');
    };
    expect(text('1.12', '1')).toBe('+12% against Oct');
    expect(text('0.5', '1')).toBe('−50% against Oct');
    expect(text('1.001', '1')).toBe('as much as in Oct');
    expect(text('14', '1')).toBe('14 times that of Oct');
    expect(text('14', '0')).toBeNull();
  });
});

describe('tables', () => {
  const groups = [group('a', '2', 1), group('b', '10', 3), group('c', '10', 2)];
  const ids = (column: report.Column, isUp: boolean) =>
    report.sorted(groups, column, isUp).map(({ id }) => id);

  test('are sorted by amounts and not by their digits', () => {
    expect(ids('cost', false)).toEqual(['b', 'c', 'a']);
    expect(ids('cost', true)).toEqual(['a', 'b', 'c']);
    expect(ids('runs', true)).toEqual(['a', 'c', 'b']);
    expect(ids('label', false)).toEqual(['c', 'b', 'a']);
  });

  test('count thinking once', () => {
    expect(report.allTokens(sums('0').tokens)).toBe(132);
  });
});
