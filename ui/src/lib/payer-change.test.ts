import { expect, test } from 'vitest';

import { whoByKey, whoByPlan } from '../dev/sample';
import { PayerChange } from './payer-change.svelte';

test('the first answer is no news, and the same one is none either', () => {
  const change = new PayerChange();
  change.hear(whoByPlan());
  change.hear(whoByPlan());
  expect(change.notice).toBeNull();
});

test('a key that outranks the plan is told with its place', () => {
  const change = new PayerChange();
  change.hear(whoByPlan());
  change.hear(whoByKey());
  expect(change.notice).toEqual({
    kind: 'metered',
    sentence: 'Plain `claude` bills key …3f9a now, from ~/.zshrc, line 42.',
    before: 'your plan (Claude Max)',
  });
});

test('one that was gone and comes back bills again', () => {
  const change = new PayerChange();
  for (const who of [whoByKey(), whoByPlan(), whoByKey()]) change.hear(who);
  expect(change.notice?.sentence).toBe(
    'Plain `claude` bills key …3f9a again, from ~/.zshrc, line 42.',
  );
  change.dismiss();
  change.hear(whoByKey());
  expect(change.notice).toBeNull();
});
