/** A made-up ledger, and sums of it in the shape that the program returns. */
import type {
  Basis,
  Figure,
  Range,
  Sums,
  Tier,
  Tokens,
  UsageFilter,
  UsageGroup,
  UsageReport,
} from '../lib/bindings';
import { exact, nanos } from '../lib/money';

type Row = {
  date: string;
  payer: string;
  payerLabel: string;
  key: string;
  model: string;
  tier: Tier;
  environment: string;
  basis: Basis;
  cost: bigint | null;
  runs: number;
  input: number;
  output: number;
  cached: number;
};

const DAY = 86_400_000;

/** Returns a local day, `ago` days before today. */
export function day(ago: number): string {
  const then = new Date(Date.now() - ago * DAY);
  const two = (part: number): string => String(part).padStart(2, '0');
  return `${then.getFullYear()}-${two(then.getMonth() + 1)}-${two(then.getDate())}`;
}

const PAYERS = [
  ['key-work', 'Work …3f9a', 'production', 'metered', 'claude-sonnet-5', 900_000_000],
  ['key-work', 'Work …3f9a', 'production', 'metered', 'claude-haiku-5-5', 420_000_000],
  ['key-personal', 'Personal …77c2', '', 'metered', 'claude-opus-5', 160_000_000],
  ['key-old-ci', 'Old CI …c01d', 'ci', 'metered', 'claude-haiku-5-5', 90_000_000],
  [
    'key-gateway-frankfurt',
    'Gateway Frankfurt …9ab1',
    'production',
    'metered',
    'gateway/sonnet',
    0,
  ],
] as const;

/** Four months of rows, the same each time. */
export function ledger(): Row[] {
  let seed = 20260101;
  const next = (): number => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
  return Array.from({ length: 120 }, (_, ago) => ago).flatMap((ago) => {
    const quiet = [0, 6].includes(new Date(Date.now() - ago * DAY).getDay());
    return PAYERS.filter(() => next() < (quiet ? 0.25 : 0.8)).map(
      ([key, payerLabel, environment, tier, model, usual]) => {
        const size = next() * 1.7 + 0.1;
        const runs = Math.ceil(size * 22);
        return {
          date: day(ago),
          payer: key,
          payerLabel,
          key,
          model,
          tier,
          environment,
          basis: 'metered' as const,
          cost: usual === 0 ? null : BigInt(Math.round(usual * size)),
          runs,
          input: Math.round(runs * 900 * next()),
          output: Math.round(runs * 500 * next()),
          cached: Math.round(runs * 2600 * next()),
        };
      },
    );
  });
}

const PLAN = {
  payer: 'plan:work',
  payerLabel: 'plan work',
  key: '',
  tier: 'subscription',
  environment: '',
} as const;

/** What went through a plan, mostly within its limits: runs that cost dollars only beyond them. */
export function planLedger(): Row[] {
  return [1, 2, 3, 5, 6, 9, 12, 15, 16, 20, 31, 33, 40].flatMap((ago, index) => {
    const size = 1 + (index % 4);
    const row = (basis: 'plan' | 'extra', runs: number): Row => ({
      ...PLAN,
      date: day(ago),
      model: index % 3 === 0 ? 'claude-opus-5' : 'claude-sonnet-5',
      basis,
      cost: BigInt(runs * size * 37_000_000),
      runs,
      input: runs * 900,
      output: runs * 420,
      cached: runs * 2100,
    });
    return index % 6 === 3 ? [row('plan', 18 * size), row('extra', 4)] : [row('plan', 18 * size)];
  });
}

function tokensOf(rows: Row[]): Tokens {
  const sum = (of: (row: Row) => number): number => rows.reduce((all, row) => all + of(row), 0);
  return {
    input: sum((row) => row.input),
    output: sum((row) => row.output),
    cache_write_5m: Math.round(sum((row) => row.cached) / 9),
    cache_write_1h: 0,
    cache_read: sum((row) => row.cached),
    thinking: Math.round(sum((row) => row.output) / 5),
    web_searches: 0,
  };
}

function figureOf(rows: Row[]): Figure {
  return {
    cost: exact(rows.reduce((all, row) => all + (row.cost ?? 0n), 0n)),
    runs: rows.reduce((all, row) => all + row.runs, 0),
    unpriced: rows.reduce((all, row) => all + (row.cost === null ? row.runs : 0), 0),
  };
}

function sumsOf(rows: Row[]): Sums {
  const byBasis = [...grouped(rows, (row) => row.basis)];
  return {
    leaving: figureOf(rows.filter((row) => row.basis !== 'plan')),
    plan: figureOf(rows.filter((row) => row.basis === 'plan')),
    by_basis: Object.fromEntries(byBasis.map(([basis, part]) => [basis, figureOf(part)])),
    tokens: tokensOf(rows),
  };
}

function grouped(rows: Row[], id: (row: Row) => string): Map<string, Row[]> {
  const parts = new Map<string, Row[]>();
  for (const row of rows) parts.set(id(row), [...(parts.get(id(row)) ?? []), row]);
  return parts;
}

function groups(rows: Row[], id: (row: Row) => string, label = id): UsageGroup[] {
  return [...grouped(rows, id)]
    .map(([key, part]) => ({
      id: key,
      label: part[0] ? label(part[0]) : key,
      is_deleted: key === 'key-old-ci',
      sums: sumsOf(part),
    }))
    .sort((a, b) => (nanos(b.sums.leaving.cost) > nanos(a.sums.leaving.cost) ? 1 : -1));
}

function daysOf(range: Range): [number, number] {
  const today = new Date();
  if (range === 'today') return [0, 0];
  if (range === 'month') return [today.getDate() - 1, 0];
  if (range === 'last_month') return [today.getDate() + 29, today.getDate()];
  if ('last' in range) return [range.last - 1, 0];
  const ago = (date: string): number => Math.round((Date.parse(day(0)) - Date.parse(date)) / DAY);
  return [ago(range.between.first), ago(range.between.last)];
}

/** Sums up rows as the program does. */
export function report(all: Row[], range: Range, filter: UsageFilter): UsageReport {
  const [from, to] = daysOf(range);
  const length = from - to + 1;
  const isIn = (list: string[], value: string): boolean =>
    list.length === 0 || list.includes(value);
  const wanted = all.filter(
    (row) =>
      isIn(filter.keys, row.key) &&
      isIn(filter.models, row.model) &&
      isIn(filter.environments, row.environment) &&
      isIn(filter.tiers, row.tier),
  );
  const within = (first: number, last: number): Row[] =>
    wanted.filter((row) => row.date >= day(first) && row.date <= day(last));
  const rows = within(from, to);
  const total = sumsOf(rows);
  const cost = nanos(total.leaving.cost);
  const { input, cache_read } = total.tokens;
  const dated = [...grouped(rows, (row) => row.date)].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    days: { first: day(from), last: day(to) },
    zone: 'Europe/Berlin',
    total,
    cached_permille:
      input + cache_read === 0 ? null : Math.round((1000 * cache_read) / (input + cache_read)),
    previous_days: { first: day(from + length), last: day(from + 1) },
    previous: sumsOf(within(from + length, from + 1)),
    projected: range === 'month' ? exact((cost * 30n) / BigInt(length)) : null,
    payers: groups(
      rows,
      (row) => row.payer,
      (row) => row.payerLabel,
    ),
    keys: groups(
      rows,
      (row) => row.key,
      (row) => (row.key === '' ? 'no stored key' : row.payerLabel),
    ),
    models: groups(rows, (row) => row.model),
    tiers: groups(rows, (row) => row.tier),
    environments: groups(
      rows,
      (row) => row.environment,
      (row) => row.environment || 'no environment',
    ),
    hosts: groups(
      rows,
      () => '0',
      () => 'not on the farm',
    ),
    series: dated.map(([date, part]) => ({
      date,
      sums: sumsOf(part),
      payers: Object.fromEntries(
        groups(part, (row) => row.payer).map((group) => [group.id, group.sums]),
      ),
    })),
  };
}
