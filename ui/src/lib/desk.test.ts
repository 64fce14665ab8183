import { describe, expect, test, vi } from 'vitest';

import { known } from '../dev/fake-plan';
import { someRuns } from '../dev/sample-runs';
import { begin, desk, press, program, write } from '../dev/test-desk';
import { locked, offer, receipt, started, text } from '../dev/test-program';
import type { Offer, RunDetails, RunEvent } from './bindings';

const older = someRuns(1)[0] as RunDetails;

describe('who would pay', () => {
  test('is asked once the writing pauses', async () => {
    for (const end of [1, 2, 3, 4, 5]) {
      desk.draft.prompt = 'Hello'.slice(0, end);
      desk.draft.askSoon();
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(program.called('preflight')).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(50);
    expect(program.called('preflight')).toHaveLength(1);
    expect(desk.draft.offer?.route.payer_label).toBe('Work');
    expect(desk.draft.isFresh).toBe(true);
  });

  test('is answered by the newest question, whichever answer comes last', async () => {
    const answers: ((offer: Offer) => void)[] = [];
    program.offers = () => new Promise((resolve) => answers.push(resolve));
    await write('one');
    await write('two');
    answers[1]?.(offer('b', 'Second'));
    answers[0]?.(offer('a', 'First'));
    await vi.advanceTimersByTimeAsync(0);
    expect(desk.draft.offer?.route.payer_label).toBe('Second');
  });

  test('is known before anything is written', async () => {
    await write('');
    expect(desk.draft.offer?.route.payer_label).toBe('Work');
    expect(desk.draft.isEmpty).toBe(true);
    await desk.send();
    expect(program.sent).toHaveLength(0);
  });

  test('is said again where nobody would', async () => {
    program.offers = () =>
      Promise.reject({ code: 'not_found', message: 'No key is active.', hint: null, remedy: null });
    await write('Hello');
    expect(desk.draft.offer).toBeNull();
    expect(desk.draft.refusal?.code).toBe('not_found');
  });
});

describe('sending', () => {
  test('names the payer and model that were shown', async () => {
    await write('Hello');
    await press();
    expect(program.sent[0]?.draft).toMatchObject({
      payer: { with: 'key', id: 'a' },
      model: 'claude-haiku-4-5',
    });
  });

  test('stops where another key would pay by now', async () => {
    await write('Hello');
    program.offers = () => Promise.resolve(offer('b', 'Other'));
    desk.draft.prompt = 'Hello there';
    desk.draft.askSoon();
    await desk.send();
    expect(program.sent).toHaveLength(0);
    expect(desk.notice).toContain('Other');
    await press();
    expect(program.sent).toHaveLength(1);
  });

  test('keeps the prompt until the run has begun', async () => {
    await write('Hello');
    await press();
    expect(desk.draft.prompt).toBe('Hello');
    expect(desk.conversation.turns).toHaveLength(0);
    program.tell(started);
    expect(desk.draft.prompt).toBe('');
    expect(desk.conversation.turns).toHaveLength(1);
  });

  test('keeps the prompt through a locked vault, and goes on after it', async () => {
    await write('Hello');
    program.refuse = locked;
    await desk.send();
    expect(desk.failure?.code).toBe('locked');
    expect(desk.draft.prompt).toBe('Hello');
    expect(desk.conversation.running).toBeNull();
    program.refuse = null;
    desk.draft.prompt = 'Hello there';
    void desk.retry();
    await vi.advanceTimersByTimeAsync(0);
    expect(desk.failure).toBeNull();
    expect(program.sent[0]?.draft.prompt).toBe('Hello there');
  });

  test('waits for the run before', async () => {
    await write('Hello');
    await press();
    program.tell(started);
    await write('And?');
    await desk.send();
    expect(program.sent).toHaveLength(1);
    expect(desk.draft.prompt).toBe('And?');
  });
});

describe('a reply', () => {
  const ended: RunEvent = { event: 'finished', receipt: receipt() };

  test('goes on from the last answer and leaves the payer to the program', async () => {
    desk.draft.choose('a');
    await begin();
    program.tell(text('Hi'), ended);
    expect(desk.draft.wire).toMatchObject({ reply_to: 41, payer: { with: 'usual' } });
    expect(desk.draft.before).toEqual({ run: 41, title: 'Hello', payer: 'Work', tier: 'metered' });
  });

  test('is not offered where nothing was kept', async () => {
    await begin();
    program.tell(text('Hi'), { event: 'finished', receipt: receipt({ is_kept: false }) });
    expect(desk.draft.before).toBeNull();
  });

  test('from the history takes the place of what is shown and keeps what was written', async () => {
    await begin();
    program.tell(text('Hi'), ended);
    desk.draft.prompt = 'What else?';
    desk.replyFrom({ ...older, run: 12 });
    expect(desk.conversation.turns.map((turn) => turn.run)).toEqual([12]);
    expect(desk.draft.wire).toMatchObject({ reply_to: 12, prompt: 'What else?' });
  });

  test('ends where a new conversation begins', async () => {
    await begin();
    program.tell(text('Hi'), ended);
    desk.anew();
    expect(desk.draft.before).toBeNull();
    expect(desk.conversation.turns).toHaveLength(0);
  });
});

describe('files', () => {
  test('are handed over as base64', async () => {
    await desk.draft.add([new File([new Uint8Array([0, 255, 10])], 'a.bin')]);
    expect(program.called('attach')[0]).toEqual({ name: 'a.bin', body: 'AP8K' });
    expect(desk.draft.attachments).toHaveLength(1);
  });

  test('that are too large are not read', async () => {
    const huge = new File(['x'], 'huge.bin');
    Object.defineProperty(huge, 'size', { value: 11 * 1024 * 1024 });
    await desk.draft.add([huge]);
    expect(program.called('attach')).toHaveLength(0);
    expect(desk.draft.attachFailure?.message).toContain('huge.bin');
  });

  test('that are removed are let go', async () => {
    await desk.draft.add([new File(['abc'], 'a.txt')]);
    desk.draft.remove(1);
    expect(desk.draft.attachments).toHaveLength(0);
    expect(program.called('detach')).toEqual([{ ids: [1] }]);
  });
});

describe('through the plan', () => {
  const byPlan = (login: string) => {
    const found = offer();
    const plan = { login: { name: login, place: { kind: 'usual' as const } }, known: known(0.6) };
    const route = { ...found.route, tier: 'subscription' as const, key: null };
    return {
      ...found,
      at_most: '0',
      route: { ...route, plan: { ...plan, is_extra: false, may_be_extra: false } },
    };
  };

  test('names the login that was shown', async () => {
    program.offers = () => Promise.resolve(byPlan('work'));
    desk.draft.choosePlan(null);
    await begin();
    expect(program.sent[0]?.draft.payer).toEqual({ with: 'plan', login: 'work' });
  });

  test('stops where another login would pay by now', async () => {
    program.offers = () => Promise.resolve(byPlan('work'));
    desk.draft.choosePlan(null);
    await write('Hello');
    desk.draft.isFresh = false;
    program.offers = () => Promise.resolve(byPlan('personal'));
    await press();
    expect(program.sent).toHaveLength(0);
    expect(desk.notice).toContain('pays for this');
  });

  test('goes on so in a new conversation', async () => {
    program.offers = () => Promise.resolve(byPlan('work'));
    desk.draft.choosePlan(null);
    await write('Hello');
    desk.anew();
    expect(desk.draft.payer).toEqual({ with: 'plan', login: 'work' });
  });

  test('a key that is chosen for a reply pays instead of the plan', () => {
    desk.draft.reply({ run: 7, title: '', payer: 'your plan (work)', tier: 'subscription' });
    expect(desk.draft.isByPlan).toBe(true);
    desk.draft.choose(null);
    expect(desk.draft.wire.payer).toEqual({ with: 'active' });
  });
});
