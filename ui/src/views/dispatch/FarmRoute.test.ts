import { render, screen, waitFor } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, it } from 'vitest';

import { FakeHost } from '../../dev/fake-host';
import { scenario } from '../../dev/scenario';
import { desk } from '../../lib/desk.svelte';
import { useHost } from '../../lib/host';
import { route } from '../../lib/router.svelte';
import { standing } from '../../lib/standing.svelte';
import { hosts } from '../../parts/hosts.svelte';
import { placeOf, places, whereOf } from '../../parts/places';
import Dispatch from './Dispatch.svelte';

beforeEach(() => {
  sessionStorage.clear();
  hosts.value = undefined;
  desk.conversation.turns = [];
  desk.conversation.pending = null;
  desk.failure = null;
  desk.draft.before = null;
  desk.draft.choose(null);
  desk.draft.anew();
  desk.draft.sent();
  desk.draft.leaveOut();
  desk.draft.offer = null;
});

/** Shows Dispatch with the tiers side by side. */
async function open(scene: string): Promise<void> {
  useHost(new FakeHost(scenario(new URL(`http://page/?farm=${scene}`))));
  await standing.load();
  render(Dispatch);
  await userEvent.type(screen.getByRole('textbox', { name: 'Prompt' }), 'Hello');
  await userEvent.click(await screen.findByTitle(/^Why this payer/));
  await screen.findByRole('radio', { name: /Metered/ });
}

const farm = () => screen.findByRole('radio', { name: /Farm/ });
const send = (name: RegExp) => screen.findByRole('button', { name });

it('who has no farm is not told of one', async () => {
  await open('none');
  expect(screen.queryByRole('radio', { name: /Farm/ })).toBeNull();
});

it('the payer on the host stands on the button once the farm is chosen', async () => {
  await open('three');
  await send(/at most \$0\.\d+ from Work/);
  await userEvent.click(await farm());
  await send(/at most \$0\.\d+ from Personal …77c2/);
  expect(desk.draft.wire.payer).toEqual({ with: 'farm', host: null, label: null, key: null });
  expect((await screen.findByText(/^Runs on/)).textContent).toMatch(
    /box-2 \(0 of 2 slots in use\).*pays because it is the key of box-2.*10 min/s,
  );
});

it('a host that has its own key is the payer by name', async () => {
  await open('own');
  await userEvent.click(await farm());
  await send(/from lightsail-frankfurt's own key/);
});

it('one host can be chosen, and another key to pay there', async () => {
  await open('three');
  await userEvent.click(await farm());
  desk.draft.chooseFarm({ host: 1, label: null });
  await send(/from Work …3f9a/);
  desk.draft.chooseFarm({ key: 'key-personal' });
  await send(/from Personal …77c2/);
  expect(desk.draft.wire.payer).toEqual({
    with: 'farm',
    host: 1,
    label: null,
    key: 'key-personal',
  });
});

it('where no host can take it, each says why, and the farm is one step away', async () => {
  await open('unpinned');
  hosts.value = undefined;
  desk.draft.chooseFarm({ host: 1 });
  expect((await screen.findAllByText(/box-1 has no pinned key/)).length).toBeGreaterThan(0);
  const [step] = await screen.findAllByRole('button', { name: 'Open the farm' });
  if (step) await userEvent.click(step);
  expect(route().screen).toBe('farm');
});

it('thinking, which a host can not choose, is left out only when that is asked for', async () => {
  await open('three');
  desk.draft.maxTokens = 100;
  desk.draft.thinking = 'disabled';
  await userEvent.click(await screen.findByRole('button', { name: 'Leave that out' }));
  expect([desk.draft.thinking, desk.draft.maxTokens]).toEqual([null, 100]);
});

it('a farm that is chosen and can not take it leaves a key as the way on', async () => {
  await open('unpinned');
  desk.draft.chooseFarm({ host: 1 });
  await userEvent.click(await screen.findByRole('button', { name: 'Pay with a key' }));
  await send(/from Work …3f9a/);
  expect(desk.draft.tier).toBe('metered');
});

it('a run that moves says where to and why, and where it was in the end', async () => {
  await open('moves');
  await userEvent.click(await farm());
  await userEvent.click(await send(/from Personal/));
  await screen.findByText(
    'box-2 did not answer. Looking for another host …',
    {},
    { timeout: 3000 },
  );
  const moved = await screen.findByText(/^Moved to/, {}, { timeout: 3000 });
  expect(moved.textContent.replace(/\s+/g, ' ').trim()).toBe(
    'Moved to box-1: box-2 did not answer.',
  );
  await waitFor(() => expect(desk.conversation.last?.state).toBe('finished'), { timeout: 8000 });
  expect(screen.getByTitle('The host of the farm that had it').textContent.trim()).toBe('on box-1');
  expect(desk.draft.tier).toBe('farm');
}, 14_000);

it('a wait for a slot is told as one', async () => {
  await open('busy');
  await userEvent.click(await farm());
  await userEvent.click(await send(/from Personal/));
  await screen.findByText('Waiting for a slot: every host is busy.', {}, { timeout: 3000 });
});

it('a place is read as it was written, whatever its label', () => {
  for (const where of [
    { host: null, label: null },
    { host: 7, label: null },
    { host: null, label: 'host:7' },
  ])
    expect(whereOf(placeOf({ with: 'farm', key: null, ...where }))).toEqual(where);
  expect(places([])).toEqual([{ value: 'any', label: 'Any healthy host' }]);
});
