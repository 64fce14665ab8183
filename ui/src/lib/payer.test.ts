import { describe, expect, it } from 'vitest';

import { whoByKey, whoByPlan, whoNobody } from '../dev/sample';
import { caution, payerKind, payingKey, pieces, verdict } from './payer';

describe('the strip', () => {
  it('sets the key apart from where it is set', () => {
    expect(verdict(whoByKey())).toEqual({
      kind: 'metered',
      lead: 'Plain `claude -p` bills',
      payer: 'key …3f9a',
      rest: 'from ~/.zshrc, line 42',
    });
  });

  it('names the plan', () => {
    const { kind, payer, rest } = verdict(whoByPlan());
    expect([kind, payer, rest]).toEqual([
      'plan',
      'your plan (Claude Max)',
      'through the login of the CLI',
    ]);
  });

  it('says why nobody pays', () => {
    const { kind, payer, rest } = verdict(whoNobody());
    expect([kind, payer, rest]).toEqual(['nobody', 'nobody', 'not logged in']);
  });

  it('names a cloud, and the switch to it apart', () => {
    const sentence = 'Plain `claude -p` bills Amazon Bedrock (CLAUDE_CODE_USE_BEDROCK, set here).';
    const { payer, rest } = verdict({ ...whoByKey(), sentence });
    expect([payer, rest]).toEqual(['Amazon Bedrock', 'CLAUDE_CODE_USE_BEDROCK, set here']);
  });

  it('shows a sentence of another make as a whole', () => {
    const sentence = 'Two credentials are sent';
    expect(verdict({ ...whoByKey(), sentence }).payer).toBe(sentence);
  });

  it('is unclear where two credentials are sent', () => {
    const { payer } = whoByKey();
    if (payer.payer !== 'one') throw new Error('the sample has one payer');
    const both = { payer: 'both', key: payer.source, bearer: payer.source } as const;
    expect(payerKind({ ...whoByKey(), payer: both })).toBe('unclear');
  });

  it('warns of a plan that is not used, and of nothing where the plan pays', () => {
    expect(caution(whoByKey())).toMatch(/Your plan is not used/);
    expect(caution(whoByPlan())).toBeNull();
  });
});

describe('taking over', () => {
  it('is offered for one API key that is in force, with its place', () => {
    expect(payingKey(whoByKey())).toEqual({
      name: 'ANTHROPIC_API_KEY',
      last4: '3f9a',
      source: 'from ~/.zshrc, line 42',
    });
  });

  it('is not offered for a plan, for nobody, or for a key that goes to another server', () => {
    const redirect = {
      host: 'proxy.example',
      place: { place: 'environment' },
      sentence: 'It goes to proxy.example.',
    } as const;
    expect(payingKey(whoByPlan())).toBeNull();
    expect(payingKey(whoNobody())).toBeNull();
    expect(payingKey({ ...whoByKey(), redirect })).toBeNull();
  });
});

it('code stands between backticks', () => {
  expect(pieces('Plain `claude -p` bills')).toEqual([
    { text: 'Plain ', isCode: false },
    { text: 'claude -p', isCode: true },
    { text: ' bills', isCode: false },
  ]);
});
