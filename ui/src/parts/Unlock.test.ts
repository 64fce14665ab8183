import { render, screen } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { standingOf } from '../dev/sample';
import { refuse } from '../dev/sample-replies';
import { TestHost } from '../dev/test-host';
import { standing } from '../lib/standing.svelte';
import Unlock from './Unlock.svelte';

let host: TestHost;

beforeEach(() => {
  host = new TestHost({ standing: () => standing.value });
  standing.value = standingOf([], {});
  if (standing.value.vault) standing.value.vault.lock = { locked: 'start' };
});

afterEach(() => {
  standing.value = undefined;
});

it('does not show a passphrase that was typed in the field of the recovery code', async () => {
  host.on('unlock', () => {
    throw refuse('wrong_passphrase', 'The passphrase does not open the vault.', 'Try again.');
  });
  render(Unlock);
  await userEvent.type(screen.getByLabelText('Passphrase'), 'a secret{Enter}');
  await screen.findByText('The passphrase does not open the vault. Try again.');
  await userEvent.click(screen.getByText('Use the recovery code'));
  expect(screen.getByLabelText('Recovery code')).toHaveProperty('value', '');
  expect(screen.queryByText(/The passphrase does not open the vault/)).toBeNull();
});

it('says what to do about a keychain whose entry is gone', async () => {
  host.on('unlock', () => {
    throw refuse('keychain_empty', 'The keychain holds no entry.', 'Set its slot anew.');
  });
  render(Unlock);
  await userEvent.click(screen.getByText('Unlock with the keychain'));
  await screen.findByText('The keychain holds no entry. Set its slot anew.');
});
