import { cleanup, render, screen, waitFor, within } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, test } from 'vitest';

import { standingOf } from '../../dev/sample';
import { ledger, planLedger, report } from '../../dev/sample-ledger';
import { refuse } from '../../dev/sample-replies';
import { TestHost } from '../../dev/test-host';
import { asked } from '../../lib/asked.svelte';
import type { Range, UsageFilter } from '../../lib/bindings';
import { exact, money } from '../../lib/money';
import { said } from '../../lib/said.svelte';
import { standing } from '../../lib/standing.svelte';
import { hostGroups } from './groups';
import Usage from './Usage.svelte';

let host: TestHost;

beforeEach(() => {
  standing.value = undefined;
  const rows = ledger();
  host = new TestHost({
    usage: ({ range, filter }: { range: Range; filter: UsageFilter }) =>
      report(rows, range, filter),
  });
});

const table = async (title: string) => {
  const heading = await screen.findByRole('heading', { name: title });
  return within(heading.parentElement as HTMLElement);
};

test('the days are asked for as they are chosen', async () => {
  render(Usage);
  await table('By payer');
  await userEvent.click(screen.getByRole('radio', { name: '7 d' }));
  await userEvent.click(screen.getByRole('radio', { name: 'Last month' }));
  expect(host.argsOf('usage').map(({ range }) => range)).toEqual([
    'month',
    { last: 7 },
    'last_month',
  ]);
});

test('days of one’s own are asked for when both are there', async () => {
  render(Usage);
  await table('By payer');
  await userEvent.click(screen.getByRole('radio', { name: 'Custom' }));
  const [first, last] = [
    await screen.findByLabelText('First day'),
    screen.getByLabelText('Last day'),
  ];
  expect(first).not.toHaveProperty('value', '');
  await userEvent.clear(first);
  await screen.findByText('Choose the first and the last day.');
  await userEvent.clear(last);
  await userEvent.type(first, '2026-11-01');
  await userEvent.type(last, '2026-11-15');
  expect(host.argsOf('usage').at(-1)?.['range']).toEqual({
    between: { first: '2026-11-01', last: '2026-11-15' },
  });
});

test('a table is sorted by the column that is asked for', async () => {
  render(Usage);
  const models = await table('By model');
  const names = () =>
    models
      .getAllByRole('row')
      .slice(1)
      .map((row) => within(row).getAllByRole('cell')[0]?.textContent?.trim());
  await userEvent.click(models.getByRole('button', { name: 'Name' }));
  expect(names()).toEqual(names().toSorted((a = '', b = '') => a.localeCompare(b)));
  expect(models.getByRole('columnheader', { name: 'Name' }).ariaSort).toBe('ascending');
});

test('the chart is there as a table too', async () => {
  render(Usage);
  await userEvent.click(await screen.findByRole('button', { name: 'As a table' }));
  expect(screen.getAllByRole('rowheader').length).toBeGreaterThan(0);
});

test('the arrows say what each day was', async () => {
  render(Usage);
  const chart = await screen.findByRole('group', { name: /^Money spent by day/ });
  chart.focus();
  const newest = (await screen.findByRole('status')).textContent;
  await userEvent.keyboard('{ArrowLeft}');
  expect(screen.getByRole('status').textContent).not.toBe(newest);
});

test('days without runs say what to do', async () => {
  host.on('usage', ({ range, filter }: { range: Range; filter: UsageFilter }) =>
    report([], range, filter),
  );
  render(Usage);
  await screen.findByText('No runs in these days');
  await screen.findByRole('button', { name: 'Write a prompt' });
});

/** Chooses a line of the export menu. */
async function choose(line: string): Promise<void> {
  render(Usage);
  await table('By payer');
  screen.getByRole('button', { name: 'Export' }).focus();
  await userEvent.keyboard('{Enter}');
  // Nothing is laid out here, so the menu has no place and counts as hidden.
  await userEvent.click(await screen.findByText(line));
}

test('the tables are saved under a name that tells their days, and that is said', async () => {
  host.on('save_text', () => true);
  await choose('Save as CSV…');
  await waitFor(() => expect(said()?.text).toBe('The tables are saved as CSV.'));
  const [saved] = host.argsOf('save_text');
  expect(saved?.['name']).toMatch(/^switchyard-usage-\d{4}-\d\d-\d\d-to-\d{4}-\d\d-\d\d\.csv$/);
  expect(saved?.['text']).toMatch(/^table,name,leaving_usd/);
});

test('nothing is said where no place to save was chosen', async () => {
  const before = said();
  host.on('save_text', () => false);
  await choose('Save as JSON…');
  await waitFor(() => expect(host.argsOf('save_text')).toHaveLength(1));
  expect(said()).toBe(before);
});

test('tables that could not be saved are told in place, and tried again', async () => {
  host.on('save_text', () => Promise.reject(refuse('failed', 'The disk is full.', null)));
  await choose('Save as CSV…');
  await screen.findByText('The disk is full.');
  host.on('save_text', () => true);
  await userEvent.click(screen.getByRole('button', { name: 'Try again' }));
  await waitFor(() => expect(screen.queryByText('The disk is full.')).toBeNull());
});

test('a copy that did not reach the clipboard is not said to be there', async () => {
  document.execCommand = () => false;
  const before = said();
  await choose('Copy as CSV');
  await screen.findByText(/The tables could not be copied/);
  expect(said()).toBe(before);
});

test('where no key is stored, one is the next step', async () => {
  host.on('usage', ({ range, filter }: { range: Range; filter: UsageFilter }) =>
    report([], range, filter),
  );
  standing.value = standingOf([]);
  render(Usage);
  await userEvent.click(await screen.findByRole('button', { name: 'Add key' }));
  expect(asked()).toBe('add-key');
});

test('each table has its name', async () => {
  render(Usage);
  for (const name of ['By payer', 'By tier', 'By model'])
    await screen.findByRole('table', { name });
});

test('what a key paid is not said twice, and stands apart where another payer had it', async () => {
  render(Usage);
  await table('By payer');
  expect(screen.queryByRole('table', { name: 'By key' })).toBeNull();
  cleanup();
  host.on('usage', ({ range, filter }: { range: Range; filter: UsageFilter }) => {
    const whole = report(ledger(), range, filter);
    return { ...whole, keys: whole.keys.slice(1) };
  });
  render(Usage);
  await screen.findByRole('table', { name: 'By key' });
});

test('what is shown can be kept to a tier', async () => {
  render(Usage);
  await table('By tier');
  await userEvent.click(screen.getByLabelText(/^Tier: All tiers/));
  await userEvent.click(await screen.findByRole('option', { name: 'Metered' }));
  await waitFor(() =>
    expect(host.argsOf('usage').at(-1)?.['filter']).toMatchObject({
      tiers: ['metered'],
    }),
  );
});

test('a sum that leaves runs out says that it is more, and of which model they are', async () => {
  const rows = ledger();
  host.on('usage', ({ filter }: { filter: UsageFilter }) => report(rows, { last: 90 }, filter));
  render(Usage);
  await screen.findByText(/runs without a price, of gateway\/sonnet:/);
  expect(screen.getByText('spent').closest('p')?.textContent).toMatch(/^≥ \$/);
});

test('the hosts have a table once a run was on one', async () => {
  const whole = report(ledger(), 'month', { keys: [], tiers: [], models: [], environments: [] });
  expect(hostGroups(whole)).toEqual([]);
  const box = { ...whole.hosts[0]!, id: '3', label: 'box-1' };
  expect(hostGroups({ ...whole, hosts: [...whole.hosts, box] })).toHaveLength(2);
});

test('what a plan paid stands apart, and extra usage is dollars like all others', async () => {
  const plan = planLedger();
  const extra = plan.filter(({ basis }) => basis === 'extra');
  host.on('usage', ({ filter }: { filter: UsageFilter }) => report(plan, { last: 90 }, filter));
  render(Usage);
  const payers = await table('By payer');
  const row = payers.getByText('plan work').closest('tr') as HTMLElement;
  const dollars = money(exact(extra.reduce((all, { cost }) => all + (cost ?? 0n), 0n)));
  expect(within(row).getByText(dollars).className).toMatch('amount');
  expect(within(row).getByText(/^≈ \$[\d.,]+ on a plan, not billed$/).tagName).toBe('SPAN');
  expect(screen.getByText(/on a plan would have cost about/).textContent).toMatch(/Not billed/);
});
