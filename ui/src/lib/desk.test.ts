import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { Draft, Offer, Receipt, RunEvent } from './bindings';
import { Desk } from './desk.svelte';
import { useHost } from './host';

type Take = (event: RunEvent) => void;

const receipt = (more: Partial<Receipt> = {}): Receipt => ({
  run: 41,
  conversation: 7,
  state: 'finished',
  tier: 'metered',
  model: 'claude-haiku-4-5',
  payer: 'key:a',
  payer_label: 'Work',
  key: 'a',
  booked: null,
  is_booked: true,
  stop_reason: 'end_turn',
  stop_note: null,
  request_id: 'req_1',
  attempts: 1,
  first_token_ms: 420,
  total_ms: 1800,
  is_kept: true,
  ...more,
});

const offer = (key = 'a', payer_label = 'Work'): Offer => ({
  route: {
    tier: 'metered',
    model: 'claude-haiku-4-5',
    payer_label,
    key,
    gateway: null,
    environment: '',
    max_tokens: 8192,
    reason: `because ${payer_label} is the active key`,
  },
  estimate: { prompt_tokens: 10, counted_by: 'local', likely: '0.0018', at_most: '0.0041' },
});

const started: RunEvent = {
  event: 'started',
  run: 41,
  conversation: 7,
  model: 'claude-haiku-4-5',
  payer_label: 'Work',
  at_most: '0.0041',
};
const text = (piece: string): RunEvent => ({ event: 'text', text: piece });
const locked = { code: 'locked', message: 'The vault is locked.', hint: 'Unlock it.' };

/** A host that a test speaks for. */
class Program {
  offers: (draft: Draft) => Promise<Offer> = () => Promise.resolve(offer());
  sent: { draft: Draft; name: string; take: Take }[] = [];
  calls: [string, Record<string, unknown>][] = [];
  refuse: unknown = null;
  #end: (() => void)[] = [];

  constructor() {
    useHost({
      call: (command, args) => {
        this.calls.push([command, args]);
        if (command === 'preflight') return this.offers(args['draft'] as Draft);
        return Promise.resolve(command === 'attach' ? { id: 1, ...args, bytes: 3 } : null);
      },
      stream: (_command, args, _channel, take) => {
        if (this.refuse !== null) return Promise.reject(this.refuse);
        const { draft, name } = args as { draft: Draft; name: string };
        this.sent.push({ draft, name, take: take as Take });
        return new Promise((resolve) => this.#end.push(() => resolve(null)));
      },
    });
  }

  tell(...events: RunEvent[]): void {
    for (const event of events) this.sent.at(-1)?.take(event);
  }

  called(command: string): Record<string, unknown>[] {
    return this.calls.filter(([name]) => name === command).map(([, args]) => args);
  }
}

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
      Promise.reject({ code: 'not_found', message: 'No key is active.', hint: null });
    await write('Hello');
    expect(desk.draft.offer).toBeNull();
    expect(desk.draft.refusal?.code).toBe('not_found');
  });
});

describe('sending', () => {
  test('names the payer and model that were shown', async () => {
    await write('Hello');
    void desk.send();
    await vi.advanceTimersByTimeAsync(0);
    expect(program.sent[0]?.draft).toMatchObject({ key: 'a', model: 'claude-haiku-4-5' });
  });

  test('stops where another key would pay by now', async () => {
    await write('Hello');
    program.offers = () => Promise.resolve(offer('b', 'Other'));
    desk.draft.prompt = 'Hello there';
    desk.draft.askSoon();
    await desk.send();
    expect(program.sent).toHaveLength(0);
    expect(desk.notice).toContain('Other');
    void desk.send();
    await vi.advanceTimersByTimeAsync(0);
    expect(program.sent).toHaveLength(1);
  });

  test('keeps the prompt until the run has begun', async () => {
    await write('Hello');
    void desk.send();
    await vi.advanceTimersByTimeAsync(0);
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
    void desk.retry();
    await vi.advanceTimersByTimeAsync(0);
    expect(desk.failure).toBeNull();
    expect(program.sent[0]?.draft.prompt).toBe('Hello');
  });

  test('waits for the run before', async () => {
    await write('Hello');
    void desk.send();
    await vi.advanceTimersByTimeAsync(0);
    program.tell(started);
    await write('And?');
    await desk.send();
    expect(program.sent).toHaveLength(1);
    expect(desk.draft.prompt).toBe('And?');
  });
});

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
      error: { code: 'cancelled', message: 'Cancelled.', hint: null },
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
      error: { code: 'network', message: 'The connection broke.', hint: 'Try again.' },
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

describe('a reply', () => {
  const ended: RunEvent = { event: 'finished', receipt: receipt() };

  test('goes on from the last answer and leaves the payer to the program', async () => {
    desk.draft.key = 'a';
    await begin();
    program.tell(ended);
    expect(desk.draft.wire).toMatchObject({ reply_to: 41, key: null });
    expect(desk.draft.before).toEqual({ run: 41, title: 'Hello', payer: 'Work' });
  });

  test('is not offered where nothing was kept', async () => {
    await begin();
    program.tell({ event: 'finished', receipt: receipt({ is_kept: false }) });
    expect(desk.draft.before).toBeNull();
  });

  test('from the history begins with an empty page and keeps what was written', async () => {
    await begin();
    program.tell(ended);
    desk.draft.prompt = 'What else?';
    desk.replyFrom({ run: 12, title: 'Older', payer: 'Farm' });
    expect(desk.conversation.turns).toHaveLength(0);
    expect(desk.draft.wire).toMatchObject({ reply_to: 12, prompt: 'What else?' });
  });

  test('ends where a new conversation begins', async () => {
    await begin();
    program.tell(ended);
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
