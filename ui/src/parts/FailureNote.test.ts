import { render, screen } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { expect, it, vi } from 'vitest';

import { standingOf } from '../dev/sample';
import { refuse } from '../dev/sample-replies';
import { TestHost } from '../dev/test-host';
import { route } from '../lib/router.svelte';
import { standing } from '../lib/standing.svelte';
import FailureNote from './FailureNote.svelte';

it('says what happened and what to do', () => {
  render(FailureNote, { failure: refuse('refused', 'The server said no.', 'Ask differently.') });
  expect(screen.getByRole('alert').textContent).toMatch(/The server said no.\s*Ask differently./);
  expect(screen.queryByText('Try again')).toBeNull();
});

it('offers to try again where that may help', async () => {
  const retry = vi.fn();
  render(FailureNote, { failure: refuse('network', 'No answer.', null), retry });
  await userEvent.click(screen.getByText('Try again'));
  expect(retry).toHaveBeenCalledOnce();
});

it('opens a locked vault in place and does the act again, a wrong passphrase first', async () => {
  const retry = vi.fn();
  const host = new TestHost({ standing: () => standingOf([]) });
  host.on('unlock', ({ opener }: { opener: { passphrase: string } }) => {
    if (opener.passphrase === 'right one here') return null;
    throw refuse('wrong_passphrase', 'The passphrase does not open the vault.', null);
  });
  standing.value = standingOf([]);
  render(FailureNote, {
    failure: refuse('locked', 'The vault is locked.', null, 'unlock_vault'),
    retry,
  });
  await userEvent.type(await screen.findByLabelText('Passphrase'), 'wrong{Enter}');
  expect(await screen.findByText('The passphrase does not open the vault.')).toBeTruthy();
  expect(retry).not.toHaveBeenCalled();
  await userEvent.clear(screen.getByLabelText('Passphrase'));
  await userEvent.type(screen.getByLabelText('Passphrase'), 'right one here{Enter}');
  await vi.waitFor(() => expect(retry).toHaveBeenCalledOnce());
});

it('makes a vault in place where there is none', async () => {
  const retry = vi.fn();
  new TestHost({
    standing: () => standingOf([]),
    make_vault: () => ({ recovery_code: 'K7QM-2XWP', no_keychain: null }),
  });
  render(FailureNote, { failure: refuse('no_vault', 'There is no vault yet.', null), retry });
  await userEvent.click(await screen.findByText('Make the vault'));
  expect(await screen.findByText('K7QM-2XWP')).toBeTruthy();
  await userEvent.click(screen.getByText('Continue'));
  expect(retry).toHaveBeenCalledOnce();
});

it('leads to where a step is taken, and words what has no button', async () => {
  render(FailureNote, { failure: refuse('not_found', 'There is no run 7.', null, 'list_runs') });
  await userEvent.click(screen.getByText('Show the history'));
  expect(route().screen).toBe('history');
  render(FailureNote, { failure: refuse('store_damaged', 'Torn.', null, 'restore_store') });
  expect(screen.getByText('switchyard store restore FILE')).toBeTruthy();
});

it('leaves the focus to the screen where the note is gone with it', async () => {
  const main = document.createElement('main');
  main.tabIndex = -1;
  document.body.append(main);
  const failure = refuse('network', 'No answer.', null);
  const { unmount } = render(FailureNote, { failure, retry: () => undefined });
  screen.getByText('Try again').focus();
  unmount();
  await vi.waitFor(() => expect(document.activeElement).toBe(main));
  main.remove();
});
