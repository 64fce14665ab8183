import { expect, test } from 'vitest';

import type { Destination, FallbackWay, RoutingRow, RoutingRule } from '../../lib/bindings';
import { RuleForm } from './rule-form.svelte';

const metered = (key: string | null, model: string | null = null): Destination => ({
  through: { tier: 'metered', key },
  model,
  effort: null,
});
const FARM: Destination = {
  through: { tier: 'farm', host: null, label: 'eu', key: 'b' },
  model: 'haiku',
  effort: 'high',
};
const RULE: RoutingRule = {
  class: 'review',
  first: metered(null),
  fallbacks: [
    { cause: 'overloaded', to: metered('a') },
    { cause: 'host_down', to: FARM },
  ],
};
const USUAL = { key: 'a', login: 'work' };

/** A row whose fallbacks are all allowed. */
function allowed(rule: RoutingRule): RoutingRow {
  const fallbacks = rule.fallbacks.map(() => ({ allowed_at: 5 }) as FallbackWay);
  return { rule, auto: { fallbacks } as RoutingRow['auto'] };
}

test('a rule that is not changed is written as it was read', () => {
  const form = new RuleForm('review', RULE);
  expect([form.wire, form.isChanged, form.isReady]).toEqual([RULE, false, true]);
});

test('what is allowed stays so where fallbacks only change places', () => {
  const form = new RuleForm('review', RULE);
  form.move(1, -1);
  expect(form.wire.fallbacks.map(({ cause }) => cause)).toEqual(['host_down', 'overloaded']);
  expect([form.isChanged, form.voids(allowed(RULE))]).toEqual([true, 0]);
});

test('another first way voids all that was allowed, another fallback itself alone', () => {
  const form = new RuleForm('review', RULE);
  const [, second] = form.fallbacks;
  if (second) second.effort = 'low';
  expect(form.voids(allowed(RULE))).toBe(1);
  form.first.model = 'opus';
  expect(form.voids(allowed(RULE))).toBe(2);
});

test('a fallback begins with the cause that fits the first way, and names its payer', () => {
  const form = new RuleForm('chat', null);
  form.first.tier = 'subscription';
  form.add(USUAL);
  expect(form.wire.fallbacks).toEqual([{ cause: 'plan_limit', to: metered('a') }]);
  const [one] = form.fallbacks;
  if (one) one.tier = 'subscription';
  expect(form.isReady).toBe(false);
  one?.fill(USUAL);
  expect(one?.wire.through).toEqual({ tier: 'subscription', login: 'work' });
  expect(form.isReady).toBe(true);
});

test('eight fallbacks are the most', () => {
  const form = new RuleForm('chat', null);
  for (let at = 0; at < 8; at += 1) form.add(USUAL);
  expect(form.canAdd).toBe(false);
  form.remove(0);
  expect([form.canAdd, form.fallbacks.length]).toEqual([true, 7]);
});
