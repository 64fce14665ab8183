import { render, screen, waitFor } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { standingOf } from '../dev/sample';
import { TestHost } from '../dev/test-host';
import { putCodeOff } from '../lib/reminder.svelte';
import { standing } from '../lib/standing.svelte';
import RecoveryReminder from './RecoveryReminder.svelte';

let host: TestHost;

beforeEach(async () => {
  const value = standingOf([]);
  if (value.vault) value.vault.slots = value.vault.slots.filter(({ kind }) => kind !== 'recovery');
  host = new TestHost({ standing: () => structuredClone(value), add_slot: () => 'K7QM-2XWP' });
  await standing.load();
  putCodeOff(true);
  render(RecoveryReminder);
});

afterEach(() => {
  putCodeOff(false);
  standing.value = undefined;
});

it('makes the code right there, and is gone once that is kept', async () => {
  await userEvent.click(screen.getByText('No recovery code'));
  await userEvent.click(await screen.findByText('Make a code'));
  await screen.findByText('K7QM-2XWP');
  await userEvent.click(screen.getByText('I have kept it'));
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
  expect(screen.queryByText('No recovery code')).toBeNull();
  expect(host.argsOf('add_slot')).toEqual([{ slot: 'recovery' }]);
});

it('stays where the code is put off once more', async () => {
  await userEvent.click(screen.getByText('No recovery code'));
  await userEvent.click(await screen.findByText('Later'));
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
  expect(screen.getByText('No recovery code')).toBeTruthy();
  expect(host.argsOf('add_slot')).toEqual([]);
});

it('takes the word of who kept the code after all', async () => {
  host.on('standing', () => standingOf([]));
  await standing.load();
  await userEvent.click(await screen.findByText('Keep recovery code'));
  expect(screen.queryByText('No recovery code')).toBeNull();
  await userEvent.click(await screen.findByText('I have kept the old one'));
  await waitFor(() => expect(screen.queryByText('Keep recovery code')).toBeNull());
  expect(host.argsOf('add_slot')).toEqual([]);
});
