import { render, screen, waitFor, within } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { FakeVault } from '../../dev/fake-vault';
import { refuse } from '../../dev/sample-replies';
import { standingOf } from '../../dev/sample';
import { scenario } from '../../dev/scenario';
import { TestHost } from '../../dev/test-host';
import type { NewSlot, SlotKind } from '../../lib/bindings';
import { isCodePutOff, putCodeOff } from '../../lib/reminder.svelte';
import { standing } from '../../lib/standing.svelte';
import VaultSection from './VaultSection.svelte';

const WORDS = 'four words no one says';

let host: TestHost;

/** Shows the vault of an address such as `?slots=keychain&state=locked`. */
async function show(query: string): Promise<void> {
  const asked = scenario(new URL(`http://here/?${query}`));
  const vault = new FakeVault(asked, () => undefined);
  host = new TestHost({
    standing: () => standingOf([], { vault: vault.status }),
    add_slot: ({ slot }: { slot: NewSlot }) => vault.add(slot),
    remove_slot: ({ kind }: { kind: SlotKind }) => vault.remove(kind),
    unlock: ({ opener }: { opener: { passphrase: string } }) => vault.unlock(opener),
    weigh_passphrase: () => null,
  });
  await standing.load();
  const { rerender } = render(VaultSection, { vault: vault.status });
  host.on('standing', async () => {
    await rerender({ vault: vault.status });
    return standingOf([], { vault: vault.status });
  });
}

const click = (name: string): Promise<void> =>
  userEvent.click(screen.getByRole('button', { name }));
const dialog = () => within(screen.getByRole('dialog'));
const answer = (name: string): Promise<void> =>
  userEvent.click(dialog().getByRole('button', { name }));
const row = (name: RegExp) => screen.getByRole('row', { name }).textContent;
const isClosed = () => waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());

beforeEach(() => putCodeOff(false));
afterEach(() => {
  standing.value = undefined;
});

test('a way that is missing is listed as not set, and can be added', async () => {
  await show('slots=passphrase');
  expect(row(/^Keychain/)).toContain('not set');
  await click('Add: Keychain');
  await screen.findByRole('button', { name: 'Renew: Keychain' });
  expect(host.argsOf('add_slot')).toEqual([{ slot: 'keychain' }]);
});

test('the only way in can not be removed, and the page says why', async () => {
  await show('slots=passphrase');
  const remove = screen.getByRole<HTMLButtonElement>('button', { name: 'Remove: Passphrase' });
  expect(remove.disabled).toBe(true);
  const why = document.getElementById(remove.getAttribute('aria-describedby') ?? '');
  expect(why?.textContent).toMatch(/One way in is also one way to lose it all/);
});

test('nothing is said of one way in where there are two', async () => {
  await show('slots=passphrase,recovery');
  expect(screen.queryByText(/One way in/)).toBeNull();
});

test('a passphrase is changed in a dialog that says how strong the new one is', async () => {
  await show('');
  await click('Change: Passphrase');
  const field = dialog().getByLabelText('Passphrase');
  await userEvent.type(field, WORDS);
  expect(dialog().getByRole('meter', { name: 'Strength' }).ariaValueNow).not.toBe('0');
  await answer('Change');
  await isClosed();
  expect(host.argsOf('add_slot')).toEqual([{ slot: { passphrase: WORDS } }]);
});

test('a passphrase that is too weak is told at the field', async () => {
  await show('');
  await click('Change: Passphrase');
  await userEvent.type(dialog().getByLabelText('Passphrase'), 'short{Enter}');
  await dialog().findByText(/would be guessed soon/);
  expect(dialog().getByLabelText('Passphrase').ariaInvalid).toBe('true');
});

test('a new recovery code is shown once, and the old one said to be void', async () => {
  await show('');
  await click('Make a new one: Recovery code');
  await answer('Make a code');
  await dialog().findByText('The old code no longer opens anything.');
  const code = dialog().getByLabelText('Recovery code').textContent ?? '';
  expect(isCodePutOff()).toBe(true);
  await answer('I have kept it');
  await isClosed();
  expect(isCodePutOff()).toBe(false);
  expect(document.body.textContent).not.toContain(code);
});

test('nothing is said of an old code where there was none', async () => {
  await show('slots=passphrase');
  await click('Make: Recovery code');
  await answer('Make a code');
  await dialog().findByLabelText('Recovery code');
  expect(dialog().queryByText(/old code/)).toBeNull();
});

test('removing asks first, and says what is left', async () => {
  await show('slots=keychain,passphrase');
  await click('Remove: Keychain');
  expect(screen.getByRole('dialog').textContent).toMatch(/Only the passphrase is left then/);
  await answer('Cancel');
  await isClosed();
  expect(host.argsOf('remove_slot')).toEqual([]);
  await click('Remove: Keychain');
  await answer('Remove');
  await isClosed();
  expect(row(/^Keychain/)).toContain('not set');
});

test('a locked vault is unlocked in place before anything is changed', async () => {
  await show('state=locked');
  await click('Change: Passphrase');
  await userEvent.type(dialog().getByLabelText('Passphrase'), 'the old one{Enter}');
  await userEvent.type(await dialog().findByDisplayValue(''), WORDS);
  await answer('Change');
  await isClosed();
  expect(host.argsOf('add_slot')).toHaveLength(1);
});

test('a vault that locked itself meanwhile is unlocked in the same dialog', async () => {
  await show('');
  await click('Remove: Recovery code');
  const locked = standingOf([]);
  if (locked.vault) locked.vault.lock = { locked: 'idle' };
  host.on('remove_slot', () => {
    throw refuse('locked', 'The vault is locked.', null, 'unlock_vault');
  });
  host.on('standing', () => locked);
  await answer('Remove');
  await dialog().findByText('The vault is locked. Unlock it to remove the recovery code.');
  expect(dialog().getAllByLabelText('Passphrase')).toHaveLength(1);
});

test('a keychain that can not be used is told below the list', async () => {
  await show('slots=passphrase&keychain=no');
  await click('Add: Keychain');
  await screen.findByText(/The keychain can't be used/);
  await click('Dismiss');
  expect(screen.queryByText(/The keychain can't be used/)).toBeNull();
});

test('what removed a way passes the focus on to what sets it again', async () => {
  await show('');
  screen.getByRole('button', { name: 'Remove: Passphrase' }).focus();
  await userEvent.keyboard('{Enter}');
  await answer('Remove');
  await isClosed();
  const add = screen.getByRole('button', { name: 'Add: Passphrase' });
  await waitFor(() => expect(document.activeElement).toBe(add));
});
