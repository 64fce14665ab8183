import { render, screen, waitFor, within } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, test } from 'vitest';

import { FakeHost } from '../../dev/fake-host';
import { scenario } from '../../dev/scenario';
import { useHost } from '../../lib/host';
import { hosts } from '../../parts/hosts.svelte';
import { routing } from '../../parts/routing.svelte';
import RoutingSection from './RoutingSection.svelte';

let host: FakeHost;

beforeEach(() => {
  routing.value = undefined;
  hosts.value = undefined;
});

/** Shows the section with the rules of a scene. */
function at(scene: string): void {
  host = new FakeHost(scenario(new URL(`http://page/?plan=on&farm=three&routing=${scene}`)));
  useHost(host);
  render(RoutingSection);
}

const work = (name: string) => screen.findByRole('listitem', { name });
const press = async (name: string) => userEvent.click(await screen.findByRole('button', { name }));

test('where no class has a rule, it is said what rules are for', async () => {
  at('none');
  expect((await screen.findByText(/^Work that you send by its class/)).tagName).toBe('P');
  expect(screen.getAllByRole('button', { name: /^Make a rule: / })).toHaveLength(5);
});

test('a rule is made with a fallback, which is off', async () => {
  at('none');
  await press('Make a rule: Review');
  await press('Add a fallback');
  await press('Save');
  const review = await work('Review');
  await within(review).findByText('the active key');
  await within(review).findByText('Fallback 1, when the server is overloaded or fails');
  expect(within(review).getByText('Off').className).toContain('name');
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
});

test('allowing shows the exact sentence and who pays then, and can be taken back', async () => {
  at('rules');
  await press('Allow fallback 1 for review');
  const dialog = await screen.findByRole('dialog', { name: 'Allow this fallback?' });
  within(dialog).getByText(
    'For review: when a limit of the plan is reached before an answer has begun, Work …3f9a pays in place of your plan, or of a fallback that pays by then, for claude-haiku-5-5.',
  );
  await userEvent.click(within(dialog).getByRole('button', { name: 'Allow' }));
  await press('Take back fallback 1 for review');
  await screen.findByRole('button', { name: 'Allow fallback 1 for review' });
});

test('what was changed meanwhile is not allowed, and that is said', async () => {
  at('rules');
  await press('Allow fallback 1 for review');
  const rule = routing.value?.find(({ auto }) => auto.class === 'review')?.rule;
  await host.call('set_routing', { rule: { ...rule, first: { ...rule?.first, effort: 'max' } } });
  await userEvent.click(await screen.findByRole('button', { name: 'Allow' }));
  await screen.findByText(/^The fallback that was shown is not the current one/);
});

test('a way that can’t be taken says why', async () => {
  at('broken');
  const review = await work('Review');
  expect(within(review).getAllByText('a key that is gone')).toHaveLength(2);
  expect(within(review).getAllByText(/The key is no longer in the store\./)).toHaveLength(2);
  await press('Edit the rule: Review');
  expect(await screen.findAllByLabelText('Key: A key that is gone')).toHaveLength(2);
});

test('what voids an allowance says so before it is saved', async () => {
  at('allowed');
  await press('Edit the rule: Review');
  await press('Remove fallback 1');
  await screen.findByText(/^1 fallback that you have allowed changes by this/);
  await press('Save');
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
  expect(within(await work('Review')).getAllByText('Allowed')).toHaveLength(1);
});

test('fallbacks change places, and what is allowed of them stays allowed', async () => {
  at('allowed');
  await press('Edit the rule: Review');
  await press('Move fallback 2 up');
  const down = screen.getByRole('button', { name: 'Move fallback 1 down' });
  await waitFor(() => expect(document.activeElement).toBe(down));
  await press('Save');
  const review = await work('Review');
  await within(review).findByText('Fallback 1, when the server is overloaded or fails');
  expect(within(review).getAllByText('Allowed')).toHaveLength(2);
});

test('a rule is removed after a question', async () => {
  at('rules');
  await press('Edit the rule: Planning');
  await press('Remove the rule …');
  await press('Remove');
  await screen.findByRole('button', { name: 'Make a rule: Planning' });
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
});

test('a rule that can’t be read is made anew, and the others are listed all the same', async () => {
  at('spoilt');
  const review = await work('Review');
  await within(review).findByText(/can’t be read any more/);
  await screen.findByRole('button', { name: 'Edit the rule: Planning' });
  await press('Make a rule: Review');
  await press('Save');
  await screen.findByRole('button', { name: 'Edit the rule: Review' });
});
