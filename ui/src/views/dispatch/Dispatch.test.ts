import { render, screen, waitFor } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, test } from 'vitest';

import { way } from '../../dev/fake-plan';
import { someKeys, standingOf } from '../../dev/sample';
import { NOTHING_LEFT } from '../../dev/sample-replies';
import { someRuns } from '../../dev/sample-runs';
import { TestHost } from '../../dev/test-host';
import { asked } from '../../lib/asked.svelte';
import type { Draft, Offer, Receipt, RunDetails, RunEvent } from '../../lib/bindings';
import { desk } from '../../lib/desk.svelte';
import { standing } from '../../lib/standing.svelte';
import Dispatch from './Dispatch.svelte';

type Take = (event: RunEvent) => void;

const keys = someKeys();
const work = keys[0];
const locked = { code: 'locked', message: 'The vault is locked.', hint: null, remedy: null };

function offer(draft: Draft): Offer {
  const key = keys.find(({ id }) => draft.payer.with === 'key' && id === draft.payer.id) ?? work;
  return {
    route: {
      tier: 'metered',
      model: 'claude-haiku-5-5',
      payer_label: key?.name ?? '',
      key: key?.id ?? null,
      gateway: null,
      unknown_model: null,
      environment: '',
      max_tokens: 8192,
      plan: null,
      reason: 'because it is the active key',
    },
    estimate: { prompt_tokens: 9, counted_by: 'local', likely: '0.0018', at_most: '0.0041' },
    at_most: '0.0041',
    auto: null,
  };
}

const receipt: Receipt = {
  run: 41,
  conversation: 7,
  state: 'finished',
  tier: 'metered',
  model: 'claude-haiku-5-5',
  payer: 'key:a',
  payer_label: 'Work',
  key: work?.id ?? null,
  booked: {
    tokens: {
      input: 318,
      output: 412,
      cache_write_5m: 0,
      cache_write_1h: 0,
      cache_read: 0,
      thinking: 0,
      web_searches: 0,
    },
    cost: '0.0016',
    basis: 'metered',
    priced_as_of: '2026-11-01',
  },
  books: 'kept',
  stop_reason: 'end_turn',
  stop_note: null,
  request_id: 'req_1',
  proof: null,
  attempts: 1,
  first_token_ms: 420,
  total_ms: 1800,
  instead_of: null,
  is_kept: true,
};

const started: RunEvent = {
  event: 'started',
  tier: 'metered',
  run: 41,
  conversation: 7,
  model: 'claude-haiku-5-5',
  payer_label: 'Work',
  at_most: '0.0041',
};

let host: TestHost;
let take: Take;

beforeEach(async () => {
  desk.conversation.turns = [];
  desk.conversation.pending = null;
  desk.failure = null;
  desk.draft.anew();
  desk.draft.sent();
  desk.draft.offer = null;
  host = new TestHost({
    standing: () => standingOf(keys),
    list_keys: () => keys,
    list_models: () => ({ models: [], fetched_at: null }),
    preflight: ({ draft }: { draft: Draft }) => offer(draft),
    ways: ({ draft }: { draft: Draft }) => [
      way('subscription', () => {
        throw locked;
      }),
      way('metered', () => offer(draft)),
    ],
    plan_status: () => null,
    detach: () => null,
    cancel: () => null,
    left_draft: () => NOTHING_LEFT,
    keep_draft: () => null,
    send: (_: never, listener: (event: never) => void) => {
      take = listener as Take;
      return new Promise(() => undefined);
    },
  });
  await standing.load();
});

const prompt = () => screen.getByRole('textbox', { name: 'Prompt' });
const sendButton = () =>
  screen.findByRole('button', { name: /Send · at most \$0\.0041 from Work/ });

test('the button says who pays and how much at most before anything is sent', async () => {
  render(Dispatch);
  await userEvent.type(prompt(), 'Hello');
  await waitFor(async () => expect(await sendButton()).toHaveProperty('disabled', false));
  expect(host.argsOf('send')).toHaveLength(0);
});

test('nothing can be sent while there is nothing to send', async () => {
  render(Dispatch);
  expect(await sendButton()).toHaveProperty('disabled', true);
});

test('the worst case is never rounded down', async () => {
  host.on('preflight', ({ draft }: { draft: Draft }) => {
    const found = offer(draft);
    return { ...found, at_most: '0.00410001' };
  });
  render(Dispatch);
  await screen.findByRole('button', { name: /at most \$0\.0042 from Work/ });
});

test('a server that can’t be asked is not nobody who pays', async () => {
  host.on('preflight', () =>
    Promise.reject({ code: 'network', message: 'Not reached.', hint: null, remedy: null }),
  );
  render(Dispatch);
  expect((await screen.findByText('Who would pay is not known')).tagName).toBe('SPAN');
});

test('Ctrl Enter sends, the answer stands below, and a reply goes on from it', async () => {
  render(Dispatch);
  await userEvent.type(prompt(), 'Hello');
  await sendButton();
  await userEvent.keyboard('{Control>}{Enter}{/Control}');
  await waitFor(() => expect(host.argsOf('send')).toHaveLength(1));
  take(started);
  take({ event: 'text', text: 'Some **answer**.' });
  await screen.findByRole('button', { name: /Cancel/ });
  take({ event: 'finished', receipt });
  expect((await screen.findByText('answer')).tagName).toBe('STRONG');
  expect(screen.getByText('$0.0016').textContent).toBe('$0.0016');
  expect(screen.getByText('0.42 s to first token').textContent).toContain('0.42 s');
  expect(prompt()).toHaveProperty('value', '');
  expect(screen.getByRole('heading', { name: 'Conversation' }).tagName).toBe('H1');
  await userEvent.click(await screen.findByRole('button', { name: 'Reply' }));
  expect(document.activeElement).toBe(prompt());
});

test('Esc ends what runs, and what has come stays', async () => {
  render(Dispatch);
  await userEvent.type(prompt(), 'Hello');
  await userEvent.click(await sendButton());
  await waitFor(() => expect(host.argsOf('send')).toHaveLength(1));
  take(started);
  take({ event: 'text', text: 'Half an' });
  await userEvent.keyboard('{Escape}');
  expect(host.argsOf('cancel')).toEqual([{ name: host.argsOf('send')[0]?.['name'] }]);
  take({
    event: 'failed',
    error: { code: 'cancelled', message: 'Cancelled.', hint: null, remedy: null },
    receipt: { ...receipt, state: 'cancelled' },
  });
  expect((await screen.findByText('Half an')).tagName).toBe('P');
  expect(screen.getByText(/^Cancelled\./).textContent).toContain('billed');
});

test('a locked vault is opened in place, and the prompt is sent then', async () => {
  let isLocked = true;
  host.on('unlock', () => {
    isLocked = false;
    return null;
  });
  host.on('send', (_: never, listener: (event: never) => void) => {
    if (isLocked) throw locked;
    (listener as Take)(started);
    return new Promise(() => undefined);
  });
  render(Dispatch);
  await userEvent.type(prompt(), 'Keep me');
  await userEvent.click(await sendButton());
  const field = await screen.findByLabelText('Passphrase');
  expect(prompt()).toHaveProperty('value', 'Keep me');
  await userEvent.type(field, 'a passphrase{Enter}');
  await waitFor(() => expect(desk.conversation.turns).toHaveLength(1));
  expect(host.argsOf('send')[1]?.['draft']).toMatchObject({ prompt: 'Keep me' });
});

test('another key can be chosen to pay', async () => {
  render(Dispatch);
  await userEvent.type(prompt(), 'Hello');
  await sendButton();
  await userEvent.click(screen.getByTitle(/^Why this payer/));
  await userEvent.click(await screen.findByRole('radio', { name: /Personal/ }));
  await screen.findByRole('button', { name: /from Personal/ });
  expect(desk.draft.wire.payer).toEqual({ with: 'key', id: keys[1]?.id });
});

test('where no key is stored, one can be added', async () => {
  host.on('preflight', () =>
    Promise.reject({
      code: 'not_found',
      message: 'No key is stored.',
      hint: null,
      remedy: 'add_key',
    }),
  );
  render(Dispatch);
  await userEvent.click(await screen.findByRole('button', { name: 'Add key' }));
  expect(asked()).toBe('add-key');
});

test('where no key is active, one of those that are stored can be chosen', async () => {
  host.on('preflight', ({ draft }: { draft: Draft }) => {
    if (draft.payer.with === 'key') return offer(draft);
    throw { code: 'not_found', message: 'No key is active.', hint: null, remedy: 'select_key' };
  });
  render(Dispatch);
  await userEvent.type(prompt(), 'Hello');
  await userEvent.click(await screen.findByRole('radio', { name: /Personal/ }));
  await screen.findByRole('button', { name: /from Personal/ });
});

test('a run that fails can be sent again', async () => {
  render(Dispatch);
  await userEvent.type(prompt(), 'Hello');
  await userEvent.click(await sendButton());
  await waitFor(() => expect(host.argsOf('send')).toHaveLength(1));
  take(started);
  take({
    event: 'failed',
    error: { code: 'busy', message: 'The server is overloaded.', hint: 'Try later.', remedy: null },
    receipt: { ...receipt, state: 'failed' },
  });
  await screen.findByText('The server is overloaded.');
  await userEvent.click(screen.getByRole('button', { name: /Send again · at most \$0\.0041/ }));
  expect(host.argsOf('send')[1]?.['draft']).toMatchObject({ prompt: 'Hello' });
});

test('a reply that needs the vault says so and leaves the keys to the editor', async () => {
  host.on('preflight', ({ draft }: { draft: Draft }) => {
    if (draft.reply_to !== null) throw locked;
    return offer(draft);
  });
  render(Dispatch);
  desk.replyFrom({ ...(someRuns(1)[0] as RunDetails), run: 12 });
  await userEvent.type(prompt(), 'And then?');
  await screen.findByText(/^What came before is encrypted/);
  expect(document.activeElement).toBe(prompt());
  expect(screen.queryByLabelText('Passphrase')).toBeNull();
});

test('what is written stays when another screen is looked at', async () => {
  const { unmount } = render(Dispatch);
  await userEvent.type(prompt(), 'Half a thought');
  unmount();
  render(Dispatch);
  expect(prompt()).toHaveProperty('value', 'Half a thought');
});
