import { render, screen, waitFor } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { standingOf } from '../dev/sample';
import { refuse } from '../dev/sample-replies';
import { TestHost } from '../dev/test-host';
import type { SlotKind } from '../lib/bindings';
import { hear } from '../lib/follow.svelte';
import { standing } from '../lib/standing.svelte';
import FailureNote from './FailureNote.svelte';
import KeychainWait from './KeychainWait.svelte';
import MakeVault from './MakeVault.svelte';
import Unlock from './Unlock.svelte';

const UNAVAILABLE = refuse(
  'keychain_unavailable',
  "The keychain can't be used: it was not waited for.",
  'Use the passphrase or the recovery code instead.',
);

let host: TestHost;

beforeEach(() => {
  let stop = (): void => undefined;
  host = new TestHost({
    standing: () => standing.value,
    stop_waiting: () => (stop(), null),
    weigh_passphrase: () => null,
  });
  /** A keychain that lets one wait until that is stopped. */
  const wait = (): Promise<never> => {
    hear('keychain_waits');
    return new Promise((_, reject) => {
      stop = () => {
        hear('keychain_done');
        // As it comes over the wire.

        reject(UNAVAILABLE);
      };
    });
  };
  host.on('unlock', ({ opener }: { opener: unknown }) => (opener === 'keychain' ? wait() : null));
  host.on('make_vault', ({ vault }: { vault: { keychain: boolean } }) =>
    vault.keychain ? wait() : { recovery_code: 'K7QM-2XWP', no_keychain: null },
  );
});

afterEach(() => {
  standing.value = undefined;
});

/** A locked vault that opens in these ways. */
function lockedWith(...kinds: SlotKind[]): void {
  const value = standingOf([]);
  if (!value.vault) return;
  value.vault.lock = { locked: 'start' };
  value.vault.slots = value.vault.slots.filter(({ kind }) => kinds.includes(kind));
  standing.value = value;
}

async function stopWaiting(): Promise<void> {
  await userEvent.click(await screen.findByRole('button', { name: 'Stop waiting' }));
  await waitFor(() => expect(screen.queryByText(/^Waiting for your keychain/)).toBeNull());
}

it('says that the keychain is waited for until the newest wait has ended', async () => {
  render(KeychainWait);
  hear('keychain_waits');
  await screen.findByText(/^Waiting for your keychain/);
  hear('keychain_done');
  hear('keychain_waits');
  hear('keychain_done');
  await waitFor(() => expect(screen.queryByText(/^Waiting for your keychain/)).toBeNull());
});

it('leaves the passphrase to type where the wait for the keychain is cancelled', async () => {
  lockedWith('keychain', 'passphrase');
  const onunlocked = vi.fn();
  render(KeychainWait);
  render(Unlock, { onunlocked });
  await userEvent.click(screen.getByText('Unlock with the keychain'));
  await stopWaiting();
  await screen.findByText(/it was not waited for/);
  const field = screen.getByLabelText('Passphrase');
  expect([document.activeElement, field.ariaInvalid]).toEqual([field, null]);
  await userEvent.type(field, 'right one here{Enter}');
  await waitFor(() => expect(onunlocked).toHaveBeenCalledOnce());
});

it('shows the field of the recovery code where the keychain was the only other way', async () => {
  lockedWith('keychain', 'recovery');
  render(KeychainWait);
  render(Unlock);
  expect(screen.queryByLabelText('Recovery code')).toBeNull();
  await userEvent.click(screen.getByText('Unlock with the keychain'));
  await stopWaiting();
  expect(document.activeElement).toBe(await screen.findByLabelText('Recovery code'));
});

it('asks for a passphrase where a new vault is not to wait for the keychain', async () => {
  render(KeychainWait);
  render(MakeVault, { onmade: () => undefined });
  await userEvent.click(screen.getByText('Make the vault'));
  await stopWaiting();
  await userEvent.type(await screen.findByLabelText('Passphrase'), 'four words no one says');
  await userEvent.click(screen.getByText('Make the vault'));
  await screen.findByText('K7QM-2XWP');
});

it('lets an act that the keychain did not open the vault for go on by another way', async () => {
  lockedWith('keychain', 'passphrase');
  const retry = vi.fn();
  render(FailureNote, { failure: UNAVAILABLE, retry });
  expect(screen.queryByText('Try again')).toBeNull();
  await userEvent.type(await screen.findByLabelText('Passphrase'), 'right one here{Enter}');
  await waitFor(() => expect(retry).toHaveBeenCalledOnce());
});
