import { expect, test } from 'vitest';

import { ledger, report } from '../dev/sample-ledger';
import type { UsageReport } from './bindings';
import { csv, fileName, json, rows } from './export';

const whole = report(ledger(), 'month', { keys: [], tiers: [], models: [], environments: [] });

test('every shown row is exported with its exact money', () => {
  const all = rows(whole);
  expect(all).toHaveLength(whole.payers.length + whole.keys.length + whole.models.length);
  expect(all[0]).toMatchObject({
    table: 'payer',
    name: whole.payers[0]?.label,
    leaving_usd: whole.payers[0]?.sums.leaving.cost,
  });
});

test('a sum of which nothing is known is left empty, not zero', () => {
  const unknown = rows(whole).find((row) => row.runs > 0 && row.runs === row.unpriced_runs);
  expect(unknown?.leaving_usd).toBe('');
});

test('a name with commas and quotes stays one field, and no formula', () => {
  const [payer] = whole.payers;
  if (!payer) throw new Error('the sample has no payer');
  const odd = (label: string): UsageReport => ({
    ...whole,
    payers: [{ ...payer, label }],
    keys: [],
    models: [],
  });
  expect(csv(odd('A "big", old one')).split('\r\n')[1]).toMatch(/^payer,"A ""big"", old one",/);
  expect(csv(odd('=1+1')).split('\r\n')[1]).toMatch(/^payer,'=1\+1,/);
});

test('the JSON says of which days it is', () => {
  expect(JSON.parse(json(whole))).toMatchObject({ days: whole.days, zone: whole.zone });
});

test('a file is named after its days, of which there may be one', () => {
  const [first, last] = ['2026-11-01', '2026-11-22'];
  expect(fileName({ first, last }, 'csv')).toBe('switchyard-usage-2026-11-01-to-2026-11-22.csv');
  expect(fileName({ first, last: first }, 'json')).toBe('switchyard-usage-2026-11-01.json');
});
