import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { Program, receipt, started, text } from '../dev/test-program';
import { Desk } from './desk.svelte';

let program: Program;
let desk: Desk;

beforeEach(() => {
  vi.useFakeTimers();
  program = new Program();
  desk = new Desk();
});

afterEach(() => vi.useRealTimers());

async function write(prompt: string): Promise<void> {
  desk.draft.prompt = prompt;
  desk.draft.askSoon();
  await vi.advanceTimersByTimeAsync(150);
}

async function begin(prompt = 'Hello'): Promise<void> {
  await write(prompt);
  void desk.send();
  await vi.advanceTimersByTimeAsync(0);
  program.tell(started);
}

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
    void desk.send();
    await vi.advanceTimersByTimeAsync(0);
    desk.cancel();
    expect(program.called('cancel')).toHaveLength(1);
  });
});
