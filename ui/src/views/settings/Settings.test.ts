import { render, screen, waitFor } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, test } from 'vitest';

import { someKeys, standingOf } from '../../dev/sample';
import { someModels } from '../../dev/sample-replies';
import { TestHost } from '../../dev/test-host';
import type { SettingRow } from '../../lib/bindings';
import { standing } from '../../lib/standing.svelte';
import Settings from './Settings.svelte';

let rows: SettingRow[];
let host: TestHost;

beforeEach(async () => {
  rows = [
    { name: 'usage.zone', about: 'The zone.', value: '"Europe/Berlin"' },
    { name: 'history.keep_days', about: 'Days.', value: '45' },
    { name: 'new.thing', about: 'Something new.', value: '7' },
    { name: 'vault.lock_after_minutes', about: 'Minutes.', value: '42' },
    {
      name: 'http.timeouts',
      about: 'Limits.',
      value: '{"connect":5000,"first_byte":60000,"idle":60000,"total":600000}',
    },
  ];
  host = new TestHost({
    standing: () => standingOf(someKeys()),
    list_settings: () => structuredClone(rows),
    list_models: () => someModels(),
    routing: () => [],
    list_keys: () => someKeys(),
    list_hosts: () => [],
    lock: () => null,
    change_setting: ({ name, value }: { name: string; value: string }) => {
      const row = rows.find((one) => one.name === name);
      if (row) row.value = JSON.stringify(value);
      return null;
    },
  });
  await standing.load();
});

/** Types another number of days for which prompts are kept. */
async function keepFor(days: string): Promise<void> {
  const label = 'Keep prompts and answers, in days';
  const field = await screen.findByRole('textbox', { name: label });
  await userEvent.clear(field);
  await userEvent.type(field, `${days}{Enter}`);
}

const changes = () => host.argsOf('change_setting');

test('a text is saved when the field is left, and says so', async () => {
  render(Settings);
  const zone = await screen.findByRole('textbox', { name: 'Time zone' });
  await userEvent.clear(zone);
  await userEvent.type(zone, 'UTC{Enter}');
  expect((await screen.findByText('Saved')).textContent).toBe('Saved');
  expect(changes()).toEqual([{ name: 'usage.zone', value: 'UTC' }]);
});

test('a value that is refused is told in place, and the old one comes back', async () => {
  host.on('change_setting', () =>
    Promise.reject({
      code: 'bad_input',
      message: 'There is no such zone.',
      hint: 'Write UTC.',
      remedy: null,
    }),
  );
  render(Settings);
  const zone = await screen.findByRole('textbox', { name: 'Time zone' });
  await userEvent.clear(zone);
  await userEvent.type(zone, 'Mars{Enter}');
  await screen.findByText('There is no such zone.');
  expect(zone).toHaveProperty('value', 'Europe/Berlin');
});

test('nothing is saved where nothing was changed', async () => {
  render(Settings);
  const zone = await screen.findByRole('textbox', { name: 'Time zone' });
  zone.focus();
  await userEvent.tab();
  expect(changes()).toEqual([]);
});

test('a setting that is not known can be changed as text', async () => {
  render(Settings);
  const field = await screen.findByRole('textbox', { name: 'new.thing' });
  await userEvent.clear(field);
  await userEvent.type(field, '8{Enter}');
  expect(changes()).toEqual([{ name: 'new.thing', value: '8' }]);
});

test('a number of one’s own is shown beside the choices', async () => {
  render(Settings);
  const field = await screen.findByRole('textbox', { name: 'Lock when idle, in minutes' });
  expect(field).toHaveProperty('value', '42');
});

test('a time limit is written in seconds and saved with the others', async () => {
  render(Settings);
  const field = await screen.findByRole('textbox', { name: 'To connect, in seconds' });
  expect(field).toHaveProperty('value', '5');
  await userEvent.clear(field);
  await userEvent.type(field, '7.5{Enter}');
  expect(JSON.parse(String(changes()[0]?.['value']))).toEqual({
    connect: 7500,
    first_byte: 60000,
    idle: 60000,
    total: 600000,
  });
});

test('a setting goes back to its default', async () => {
  render(Settings);
  await userEvent.click(
    await screen.findByRole('button', { name: 'Reset “Time zone” to the default' }),
  );
  expect(changes()).toEqual([{ name: 'usage.zone', value: 'default' }]);
});

test('the vault can be locked', async () => {
  render(Settings);
  await userEvent.click(await screen.findByRole('button', { name: 'Lock now' }));
  await waitFor(() => expect(host.argsOf('lock')).toHaveLength(1));
});

test('a change that deletes something is asked about first', async () => {
  render(Settings);
  await keepFor('7');
  await screen.findByText('Prompts and answers older than 7 days will be deleted.');
  expect(changes()).toEqual([]);
  await userEvent.click(screen.getByRole('button', { name: 'Leave it' }));
  expect(changes()).toEqual([]);
  await keepFor('7');
  await userEvent.click(await screen.findByRole('button', { name: 'Change it' }));
  await waitFor(() => expect(changes()).toEqual([{ name: 'history.keep_days', value: '7' }]));
});

test('a change that deletes nothing is made at once', async () => {
  render(Settings);
  await keepFor('60');
  await waitFor(() => expect(changes()).toEqual([{ name: 'history.keep_days', value: '60' }]));
});

test('who answered a question goes on at the setting that it was about', async () => {
  render(Settings);
  await keepFor('7');
  screen.getByRole('button', { name: 'Leave it' }).focus();
  await userEvent.keyboard('{Enter}');
  const setting = screen.getByLabelText(/^Keep prompts and answers:/);
  await waitFor(() => expect(document.activeElement).toBe(setting));
});
