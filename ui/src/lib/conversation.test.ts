import { describe, expect, test, vi } from 'vitest';

import { known } from '../dev/fake-plan';
import { someRuns } from '../dev/sample-runs';
import { begin, desk, press, program, write } from '../dev/test-desk';
import { TestHost } from '../dev/test-host';
import { receipt, started, text } from '../dev/test-program';
import type { RunDetails } from './bindings';

describe('an answer', () => {
  test('grows once a frame, however many pieces come', async () => {
    await begin();
    const turn = desk.conversation.last;
    program.tell(...Array.from({ length: 5_000 }, (_, piece) => text(`${piece} `)));
    expect(turn?.text).toBe('');
    await vi.advanceTimersByTimeAsync(20);
    expect(turn?.text.endsWith('4999 ')).toBe(true);
  });

  test('is whole when it ends, without waiting for a frame', async () => {
    await begin();
    program.tell({ event: 'thinking', text: 'Hm.' }, text('Hi'), text(' there'), {
      event: 'finished',
      receipt: receipt(),
    });
    const turn = desk.conversation.last;
    expect(turn).toMatchObject({ text: 'Hi there', thinking: 'Hm.', state: 'finished' });
    expect(desk.conversation.running).toBeNull();
  });

  test('shows what it waits for, until it comes', async () => {
    await begin();
    program.tell({ event: 'waiting', why: 'The server is overloaded.', until: 9, attempt: 2 });
    expect(desk.conversation.last?.wait?.attempt).toBe(2);
    program.tell(text('Hi'));
    expect(desk.conversation.last?.wait).toBeNull();
  });

  test('that is cancelled keeps what has come', async () => {
    await begin();
    program.tell(text('Half an'));
    desk.cancel();
    desk.cancel();
    expect(program.called('cancel')).toEqual([{ name: program.sent[0]?.name }]);
    program.tell({
      event: 'failed',
      error: { code: 'cancelled', message: 'Cancelled.', hint: null, remedy: null },
      receipt: receipt({ state: 'cancelled' }),
    });
    expect(desk.conversation.last).toMatchObject({ text: 'Half an', state: 'cancelled' });
    expect(desk.draft.before?.run).toBe(41);
  });

  test('that fails can be sent again with its files', async () => {
    await desk.draft.add([new File(['abc'], 'a.txt')]);
    await begin();
    program.tell(text('Half'), {
      event: 'failed',
      error: {
        code: 'network',
        message: 'The connection broke.',
        hint: 'Try again.',
        remedy: null,
      },
      receipt: receipt({ state: 'failed' }),
    });
    expect(desk.conversation.last?.failure?.code).toBe('network');
    expect(program.called('detach')).toHaveLength(0);
    desk.draft.prompt = 'Something else';
    const turn = desk.conversation.last;
    if (turn) void desk.sendAgain(turn);
    await vi.advanceTimersByTimeAsync(0);
    program.tell(started);
    expect(program.sent[1]?.draft).toMatchObject({ prompt: 'Hello', attachments: [1] });
    expect(desk.draft.prompt).toBe('Something else');
  });

  test('can be cancelled before it has begun', async () => {
    await write('Hello');
    await press();
    desk.cancel();
    expect(program.called('cancel')).toHaveLength(1);
  });
});

describe('a reply from the history', () => {
  const runs = someRuns(4);
  const chain = runs.map((run, index) => ({
    ...run,
    reply_to: runs[index + 1]?.run ?? null,
    is_kept: true,
    state: 'finished' as const,
  }));
  const newest = chain[0] as RunDetails;

  test('shows every turn before it, the oldest first', async () => {
    const host = new TestHost({
      show_run: ({ run }: { run: number }) => chain.find((one) => one.run === run),
    });
    desk.replyFrom(newest);
    expect(desk.conversation.turns.map((turn) => turn.run)).toEqual([newest.run]);
    await vi.advanceTimersByTimeAsync(0);
    expect(desk.conversation.turns.map((turn) => turn.run)).toEqual(
      chain.map(({ run }) => run).toReversed(),
    );
    expect(desk.conversation.last?.text).toBe(newest.answer);
    expect(desk.conversation.running).toBeNull();
    expect(desk.draft.before?.run).toBe(newest.run);
    expect(host.argsOf('show_run')).toHaveLength(3);
  });

  test('shows what can be read where an earlier run is gone', async () => {
    new TestHost({ show_run: () => Promise.reject(new Error('gone')) });
    desk.replyFrom(newest);
    await vi.advanceTimersByTimeAsync(0);
    expect(desk.conversation.turns.map((turn) => turn.run)).toEqual([newest.run]);
  });

  test('is left alone by what is still being read once a new conversation begins', async () => {
    const answers: ((run: RunDetails) => void)[] = [];
    new TestHost({ show_run: () => new Promise((resolve) => answers.push(resolve)) });
    desk.replyFrom(newest);
    desk.anew();
    answers[0]?.(chain[1] as RunDetails);
    await vi.advanceTimersByTimeAsync(0);
    expect(desk.conversation.turns).toEqual([]);
  });

  test('waits for the run that is under way', async () => {
    await begin();
    desk.replyFrom(newest);
    expect(desk.conversation.turns).toHaveLength(1);
    expect(desk.draft.before).toBeNull();
  });
});

describe('a plan', () => {
  test('has the last word: a replaced text takes the place of what was shown', async () => {
    await begin();
    program.tell(text('Half of it'), { event: 'replaced', text: 'All of' }, text(' it.'));
    program.tell({ event: 'finished', receipt: receipt({ tier: 'subscription' }) });
    expect(desk.conversation.last?.text).toBe('All of it.');
    expect(desk.conversation.last?.tier).toBe('subscription');
  });

  test('says how much of it is used', async () => {
    await begin();
    const { limits } = known(0.91);
    if (limits) program.tell({ event: 'limits', limits });
    expect(desk.conversation.last?.limits?.windows[0]?.used).toBe(0.91);
  });
});
