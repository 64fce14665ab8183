import { render, screen, waitFor, within } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, test } from 'vitest';

import { FakeHost } from '../../dev/fake-host';
import { scenario } from '../../dev/scenario';
import { desk } from '../../lib/desk.svelte';
import { useHost } from '../../lib/host';
import { route } from '../../lib/router.svelte';
import { standing } from '../../lib/standing.svelte';
import { routing } from '../../parts/routing.svelte';
import Dispatch from './Dispatch.svelte';

beforeEach(() => {
  sessionStorage.clear();
  routing.value = undefined;
  desk.conversation.turns = [];
  desk.conversation.pending = null;
  desk.failure = null;
  desk.draft.before = null;
  desk.draft.choose(null);
  desk.draft.sent();
  desk.draft.offer = null;
});

/** Shows Dispatch with the ways side by side. */
async function open(scene: string): Promise<void> {
  useHost(new FakeHost(scenario(new URL(`http://page/?plan=on&routing=${scene}`))));
  await standing.load();
  render(Dispatch);
  await userEvent.type(screen.getByRole('textbox', { name: 'Prompt' }), 'Hello');
  await userEvent.click(await screen.findByTitle(/^Why this payer/));
}

const auto = () => screen.findByRole('radio', { name: /Auto/ });
const send = (name: RegExp) => screen.findByRole('button', { name });

/** Chooses the rule for reviews. */
async function review(): Promise<void> {
  await waitFor(async () => expect(await auto()).toHaveProperty('disabled', false));
  await userEvent.click(await auto());
  desk.draft.chooseAuto('review');
}

test('without a rule, Auto says where one is made', async () => {
  await open('none');
  await userEvent.click(await screen.findByRole('button', { name: 'Make a rule' }));
  expect(await auto()).toHaveProperty('disabled', true);
  expect(route()).toEqual({ screen: 'settings', rest: 'routing' });
});

test('who pays first, that others may follow, and the most in all stand on the button', async () => {
  await open('allowed');
  await review();
  await send(
    /^Send · your plan \(work, Claude Max\) or Work …3f9a and 1 more · at most \$0\.04\d+ in all/,
  );
  const list = await screen.findByRole('list', { name: 'All who may pay' });
  expect(within(list).getAllByRole('listitem')).toHaveLength(3);
});

test('what is not allowed is shown as off, and nobody is said to follow', async () => {
  await open('rules');
  await review();
  const button = await send(/^Send · your plan/);
  expect(button.textContent).not.toContain('other');
  const list = await screen.findByRole('list', { name: 'All who may pay' });
  expect(within(list).getAllByText('off')).toHaveLength(2);
});

test('the class can be chosen among those that have a rule', async () => {
  await open('rules');
  await review();
  await userEvent.click(await screen.findByLabelText(/^Class of work: Review/));
  expect(
    (await screen.findAllByRole('option')).map(({ textContent }) => textContent?.trim()),
  ).toEqual([
    expect.stringMatching(/^Planning/),
    expect.stringMatching(/^Review/),
    expect.stringMatching(/^Task/),
  ]);
  await userEvent.click(screen.getByRole('option', { name: /^Planning/ }));
  expect(desk.draft.wire.payer).toEqual({ with: 'auto', class: 'planning' });
});

test('a fallback that is taken is told in the turn with what it left, and who pays in the end', async () => {
  await open('taken');
  await review();
  await userEvent.click(await send(/^Send · .* or Work …3f9a and 1 more/));
  const told = await screen.findByRole('status', { name: 'Fallbacks that were taken' });
  expect(told.textContent).toMatch(
    /limit of the plan was reached\. Work …3f9a pays in place of your plan \(work, Claude Max\)/,
  );
  within(told).getByRole('link', { name: 'Run 65' });
  await screen.findByTitle('Paid by Work …3f9a');
});

test('where one that is not allowed would have helped, the rules are one step away', async () => {
  await open('barred');
  await review();
  await userEvent.click(await send(/^Send · your plan/));
  await screen.findByText(/Fallback 1 for review would go on with .* but you have not allowed it/);
  await userEvent.click(await screen.findByRole('button', { name: 'Open the rules' }));
  expect(route()).toEqual({ screen: 'settings', rest: 'routing' });
});

test('what failed by the table goes back to the editor, where who may pay is seen', async () => {
  await open('barred');
  await review();
  await userEvent.click(await send(/^Send · your plan/));
  await userEvent.click(await screen.findByRole('button', { name: 'Back to the editor' }));
  expect(screen.getByRole('textbox', { name: 'Prompt' })).toHaveProperty('value', 'Hello');
  expect(screen.queryByRole('button', { name: /^Send again( ·|$)/ })).toBeNull();
});
