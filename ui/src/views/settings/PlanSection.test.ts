import { render, screen, waitFor } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, test } from 'vitest';

import { FakeHost } from '../../dev/fake-host';
import { scenario } from '../../dev/scenario';
import { ask, asked } from '../../lib/asked.svelte';
import { useHost } from '../../lib/host';
import { consents, planStatus } from '../../parts/plan.svelte';
import ConsentSection from './ConsentSection.svelte';
import PlanSection from './PlanSection.svelte';

beforeEach(() => {
  ask(null);
  planStatus.value = undefined;
  consents.value = undefined;
});

function at(scene: string): void {
  useHost(new FakeHost(scenario(new URL(`http://page/?plan=${scene}`))));
}

test('a plan that is off is set up by reading first', async () => {
  at('off');
  render(PlanSection);
  await userEvent.click(await screen.findByRole('button', { name: 'Set up …' }));
  expect(asked()).toBe('consent:subscription');
});

test('the login that is used is chosen, and only another one can be removed', async () => {
  at('two');
  render(PlanSection);
  await userEvent.click(await screen.findByRole('radio', { name: /personal/ }));
  await screen.findByRole('button', { name: 'Remove: work' });
  expect(screen.queryByRole('button', { name: 'Remove: personal' })).toBeNull();
  await userEvent.click(screen.getByRole('button', { name: 'Remove: team' }));
  await waitFor(() => expect(screen.queryByRole('radio', { name: /team/ })).toBeNull());
});

test('a login is added by its folder, and a wrong one is refused in place', async () => {
  at('on');
  render(PlanSection);
  await userEvent.click(await screen.findByRole('button', { name: 'Add login' }));
  await userEvent.type(await screen.findByLabelText('Name'), 'personal');
  await userEvent.type(screen.getByLabelText('Folder'), 'here');
  await userEvent.click(screen.getAllByRole('button', { name: 'Add login' }).at(-1) as HTMLElement);
  await screen.findByText('That is not the whole path of a folder.');
  await userEvent.clear(screen.getByLabelText('Folder'));
  await userEvent.type(screen.getByLabelText('Folder'), '/home/ann/.claude-2');
  await userEvent.click(screen.getAllByRole('button', { name: 'Add login' }).at(-1) as HTMLElement);
  await screen.findByRole('radio', { name: /personal/ });
});

test('a program that is missing is said with the command', async () => {
  at('missing');
  render(PlanSection);
  await screen.findByText('npm install -g @anthropic-ai/claude-code');
});

test('every text is listed with what was accepted of it', async () => {
  at('on');
  render(ConsentSection);
  await screen.findByText(/^Accepted .* in the window$/);
  expect(screen.getAllByText('never accepted')).toHaveLength(2);
  await userEvent.click(
    screen.getByRole('button', { name: 'Read: Paid usage beyond the plan’s limits' }),
  );
  expect(asked()).toBe('consent:extra_usage');
});
