import { expect, it } from 'vitest';

import { begin, desk, press, program, write } from '../dev/test-desk';
import { offer, receipt, started, text } from '../dev/test-program';
import type { AutoRoute, FallbackWay, Offer, RunEvent } from './bindings';
import { Turn } from './conversation.svelte';

const AUTO = { with: 'auto', class: 'review' } as const;

/** A fallback to the key Spare, allowed or not. */
function fallback(version: string, allowed_at: number | null): FallbackWay {
  const { route, estimate, at_most } = offer('spare', 'Spare');
  return {
    cause: 'overloaded',
    to: { through: { tier: 'metered', key: 'spare' }, model: null, effort: null },
    agreement: { sentence: 'For review: …', version },
    payer_label: 'the key Spare (…wxyz)',
    allowed_at,
    ...{ tier: 'metered', route, estimate, at_most, budget_left: null, why_not: null },
  };
}

/** An offer by the class of work: Work first, and then whoever is told. */
function byClass(fallbacks: FallbackWay[], more: Partial<AutoRoute> = {}): Offer {
  const plain = offer();
  const first = { ...plain, tier: 'metered' as const, budget_left: null, why_not: null };
  const auto = { class: 'review' as const, has_rule: true, first, fallbacks, begins_with: null };
  return { ...plain, auto: { ...auto, at_most: '0.0082', ...more } };
}

/** Writes a prompt that goes by its class. */
async function writeByClass(offered: () => Offer): Promise<void> {
  program.offers = () => Promise.resolve(offered());
  desk.draft.chooseAuto('review');
  await write('Hello');
}

it('the table decides about payer and model of what is sent by it', async () => {
  await writeByClass(() => byClass([fallback('1', 5)]));
  await press();
  expect(program.sent[0]?.draft).toMatchObject({ payer: AUTO, model: null });
});

it('where a class has lost its rule, the payer that was shown is named', async () => {
  await writeByClass(() => byClass([], { has_rule: false }));
  await press();
  expect(program.sent[0]?.draft.payer).toEqual({ with: 'key', id: 'a' });
});

it('only what is allowed and can pay counts among those who may follow', async () => {
  const barred = { ...fallback('3', 5), route: null };
  await writeByClass(() => byClass([fallback('1', 5), fallback('2', null), barred]));
  expect([desk.draft.others, desk.draft.most]).toEqual(['or Spare', '0.0082']);
});

it('the fallback that it begins with is not counted once more', async () => {
  await writeByClass(() => byClass([fallback('1', 5)], { begins_with: 0 }));
  expect(desk.draft.others).toBe('');
});

it('where others may follow by now, nothing is sent before that is seen', async () => {
  let fallbacks: FallbackWay[] = [];
  await writeByClass(() => byClass(fallbacks));
  fallbacks = [fallback('1', 5)];
  desk.draft.isFresh = false;
  await press();
  expect(program.sent).toEqual([]);
  expect(desk.notice).toBe('Work, or Spare pays for this. Send it if that is right.');
  await press();
  expect(program.sent).toHaveLength(1);
});

it('a run that goes on another way says why, from whom, to whom, and begins anew', () => {
  const turn = new Turn({ ...desk.draft.wire, payer: AUTO }, []);
  turn.take({ ...started, tier: 'farm' } as RunEvent);
  turn.take({ event: 'placed', host: 'box-1' });
  const ended = receipt({ state: 'failed' });
  const error = { code: 'busy', message: 'It is overloaded.', hint: null, remedy: null } as const;
  const left = { cause: 'overloaded', from: 'Work', to: 'Spare', error, receipt: ended } as const;
  turn.take({ event: 'fallback', ...left });
  expect(turn.left).toEqual([{ event: 'fallback', ...left }]);
  expect([turn.isRunning, turn.payer, turn.host]).toEqual([true, 'Spare', null]);
  turn.take({ ...started, run: 42, payer_label: 'Spare' } as RunEvent);
  turn.take({ event: 'finished', receipt: receipt({ run: 42, payer_label: 'Spare' }) });
  expect([turn.tier, turn.run, turn.state]).toEqual(['metered', 42, 'finished']);
});

it('a reply goes by the table again, and one from the history does not', async () => {
  await writeByClass(() => byClass([]));
  await press();
  program.tell(started, text('Hi'), { event: 'finished', receipt: receipt() });
  expect(desk.draft.payer).toEqual(AUTO);
  desk.draft.reply({ run: 3, title: 'Before', payer: 'Work', tier: 'metered' });
  expect(desk.draft.payer).toEqual({ with: 'usual' });
});

it('sent once more through one tier, it names that payer and nobody may follow', async () => {
  desk.draft.chooseAuto('review');
  program.offers = () => Promise.resolve(byClass([]));
  await begin();
  program.tell({ event: 'finished', receipt: receipt() });
  const [turn] = desk.conversation.turns;
  if (turn) void desk.sendThrough(turn, offer('b', 'Home').route);
  expect(program.sent.at(-1)?.draft.payer).toEqual({ with: 'key', id: 'b' });
});
