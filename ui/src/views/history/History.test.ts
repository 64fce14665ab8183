import { render, screen, waitFor } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, test } from 'vitest';

import { someKeys, standingOf } from '../../dev/sample';
import { someRuns, summary } from '../../dev/sample-runs';
import { TestHost } from '../../dev/test-host';
import { asked } from '../../lib/asked.svelte';
import { desk } from '../../lib/desk.svelte';
import { standing } from '../../lib/standing.svelte';
import History from './History.svelte';

const runs = someRuns(12);
let host: TestHost;

beforeEach(async () => {
  location.hash = '#/history';
  host = new TestHost({
    standing: () => standingOf(someKeys()),
    list_runs: () => runs.map(summary),
    show_run: ({ run }: { run: number }) => runs.find((one) => one.run === run),
  });
  await standing.load();
});

const list = () => screen.findByRole('listbox', { name: 'Runs' });

test('the newest run is shown first, and the arrows go through the others', async () => {
  render(History);
  (await list()).focus();
  await screen.findByRole('heading', { name: 'Run 12' });
  await userEvent.keyboard('{ArrowDown}{ArrowDown}');
  await screen.findByRole('heading', { name: 'Run 10' });
  await userEvent.keyboard('{End}');
  await screen.findByRole('heading', { name: 'Run 1' });
  const chosen = screen.getAllByRole('option').filter((row) => row.ariaSelected === 'true');
  expect(chosen.map(({ id }) => id)).toEqual(['run-1']);
});

test('Enter goes into the run, and Esc back to the list', async () => {
  render(History);
  (await list()).focus();
  await screen.findByRole('heading', { name: 'Run 12' });
  await userEvent.keyboard('{Enter}');
  expect(document.activeElement).toBe(screen.getByRole('region', { name: 'The selected run' }));
  await userEvent.keyboard('{Escape}');
  expect(document.activeElement).toBe(await list());
});

test('a reply opens Dispatch with the run before it', async () => {
  render(History);
  await userEvent.click(await screen.findByRole('button', { name: 'Reply' }));
  expect(location.hash).toBe('#/dispatch');
  expect(desk.draft.before?.run).toBe(12);
});

test('a locked vault lists the runs without their texts and says so', async () => {
  const isLocked = { ...standingOf(someKeys()) };
  if (isLocked.vault) isLocked.vault = { ...isLocked.vault, lock: { locked: 'idle' } };
  host.on('standing', () => isLocked);
  const sealed = runs.map((run) => ({ ...run, title: null, prompt: null, answer: null }));
  host.on('list_runs', () => sealed.map(summary));
  host.on('show_run', () => ({ ...sealed[0], is_kept: true }));
  await standing.load();
  render(History);
  expect((await screen.findByText('Titles and texts are locked.')).tagName).toBe('P');
  expect(await screen.findAllByRole('option')).toHaveLength(12);
  expect((await screen.findAllByRole('button', { name: 'Unlock' })).length).toBe(2);
});

test('no runs is no end: the next step is offered', async () => {
  host.on('list_runs', () => []);
  render(History);
  await screen.findByRole('button', { name: 'Write a prompt' });
});

test('a history that can’t be read says why and is read again', async () => {
  host.on('list_runs', () =>
    Promise.reject({
      code: 'failed',
      message: 'The history can’t be read.',
      hint: null,
      remedy: null,
    }),
  );
  render(History);
  await screen.findByText('The history can’t be read.');
  host.on('list_runs', () => runs.map(summary));
  await userEvent.click(screen.getByRole('button', { name: 'Try again' }));
  await waitFor(async () => expect(await list()).toBeDefined());
});

test('where no key is stored, one is the next step', async () => {
  host.on('list_runs', () => []);
  standing.value = standingOf([]);
  render(History);
  await userEvent.click(await screen.findByRole('button', { name: 'Add key' }));
  expect(asked()).toBe('add-key');
});

test('a run that stands in for another one says for whom, why, and where that is', async () => {
  const [newest] = runs;
  const instead = { cause: 'plan_limit', payer_label: 'your plan (work)', run: 10 } as const;
  const standIn = { ...newest, instead_of: instead } as (typeof runs)[number];
  host.on('list_runs', () => [summary(standIn), ...runs.slice(1).map(summary)]);
  host.on('show_run', ({ run }: { run: number }) => (run === 12 ? standIn : runs[2]));
  render(History);
  await screen.findByText('in place of your plan (work)');
  await screen.findByText('A limit of the plan was reached.');
  await userEvent.click(await screen.findByRole('link', { name: 'run 10' }));
  await screen.findByRole('heading', { name: 'Run 10' });
});
