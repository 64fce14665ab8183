import { render, screen } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, it, vi } from 'vitest';

import { keyOf, keyRow, standingOf } from '../dev/sample';
import { refuse } from '../dev/sample-replies';
import { TestHost } from '../dev/test-host';
import { hear } from '../lib/follow.svelte';
import { isCodePutOff } from '../lib/reminder.svelte';
import { route } from '../lib/router.svelte';
import AddKeyDialog from './AddKeyDialog.svelte';

const SECRET = 'sk-ant-api03-not-a-real-key';

let host: TestHost;

beforeEach(() => {
  let hasVault = false;
  host = new TestHost({
    standing: () => standingOf([]),
    list_keys: () => [],
    add_key: () => {
      if (!hasVault) throw refuse('no_vault', 'There is no vault yet.', null);
      const key = keyOf(keyRow({ name: 'Personal' }));
      return { key, is_selected: true, unchecked_because: null };
    },
    make_vault: () => {
      hasVault = true;
      return { recovery_code: 'K7QM-2XWP', no_keychain: null };
    },
  });
});

it('a pasted key is stored with one click, and its code shown', async () => {
  render(AddKeyDialog, { open: true });
  const field = await screen.findByLabelText<HTMLInputElement>('API key');
  await vi.waitFor(() => expect(document.activeElement).toBe(field));
  expect(field.type).toBe('password');
  await userEvent.type(field, SECRET);
  await userEvent.click(screen.getByText('Add key'));
  expect(await screen.findByText('K7QM-2XWP')).toBeTruthy();
  await userEvent.click(screen.getByText('I have kept it'));
  await vi.waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
  expect([route().screen, isCodePutOff()]).toEqual(['keys', false]);
});

it('a code that is put off is remembered as such, and not itself', async () => {
  render(AddKeyDialog, { open: true });
  await userEvent.type(await screen.findByLabelText('API key'), SECRET);
  await userEvent.click(screen.getByText('Add key'));
  await userEvent.click(await screen.findByText('Later'));
  expect(isCodePutOff()).toBe(true);
  expect(JSON.stringify(localStorage)).not.toMatch(/K7QM|sk-ant/);
});

it('a server that can not be reached leaves the choice to store the key unchecked', async () => {
  host.on('add_key', ({ key }: { key: { unchecked: boolean } }) => {
    if (!key.unchecked)
      throw refuse('network', 'The server could not be reached.', null, 'store_unchecked');
    const stored = keyOf(keyRow({ name: 'Personal', validity: 'unchecked' }));
    return { key: stored, is_selected: true, unchecked_because: null };
  });
  render(AddKeyDialog, { open: true });
  await userEvent.type(await screen.findByLabelText('API key'), SECRET);
  await userEvent.click(screen.getByText('Add key'));
  await userEvent.click(await screen.findByText('Store unchecked'));
  expect(host.argsOf('add_key').at(-1)).toMatchObject({ key: { unchecked: true, secret: SECRET } });
  await vi.waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
});

it('a key that is found is taken over by its name, with the place where it still bills', async () => {
  host.on('take_over', () => ({
    key: keyOf(keyRow({ name: 'From my shell' })),
    is_selected: true,
    unchecked_because: null,
  }));
  const paying = { name: 'ANTHROPIC_API_KEY', last4: '3f9a', source: 'from ~/.zshrc, line 42' };
  render(AddKeyDialog, { open: true, paying });
  expect((await screen.findByRole('dialog')).textContent).toMatch(
    /still bills.*~\/\.zshrc, line 42/s,
  );
  await userEvent.click(screen.getByText('Take over'));
  expect(host.argsOf('take_over')[0]).toMatchObject({ key: { last4: '3f9a' } });
});

it('stays open while the vault is being made, so that its code is seen', async () => {
  let made: (created: unknown) => void = () => undefined;
  host.on('make_vault', () => new Promise((resolve) => (made = resolve)));
  render(AddKeyDialog, { open: true });
  await userEvent.type(await screen.findByLabelText('API key'), SECRET);
  await userEvent.click(screen.getByText('Add key'));
  await userEvent.keyboard('{Escape}');
  expect(screen.getByRole('dialog')).toBeTruthy();
  host.on('add_key', () => {
    const key = keyOf(keyRow({ name: 'Personal' }));
    return { key, is_selected: true, unchecked_because: null };
  });
  made({ recovery_code: 'K7QM-2XWP', no_keychain: null });
  expect(await screen.findByText('K7QM-2XWP')).toBeTruthy();
});

it('a key that is refused after the vault was made does not take the code away with it', async () => {
  host.on('make_vault', () => {
    host.on('add_key', () => {
      throw refuse('key_refused', 'The server refused this key.', null);
    });
    return { recovery_code: 'K7QM-2XWP', no_keychain: null };
  });
  render(AddKeyDialog, { open: true });
  await userEvent.type(await screen.findByLabelText('API key'), SECRET);
  await userEvent.click(screen.getByText('Add key'));
  await screen.findByText('The server refused this key.');
  await userEvent.click(screen.getByText('Cancel'));
  expect(await screen.findByText('K7QM-2XWP')).toBeTruthy();
  await userEvent.click(screen.getByText('I have kept it'));
  expect(screen.getByLabelText<HTMLInputElement>('API key').value).toBe(SECRET);
  await userEvent.click(screen.getByText('Cancel'));
  await vi.waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
});

it('Esc ends a wait for the keychain, and what was typed goes on with a passphrase', async () => {
  let stop = (): void => undefined;
  host.on('stop_waiting', () => (stop(), null));
  host.on('make_vault', () => {
    hear('keychain_waits');
    return new Promise((_, reject) => {
      stop = () => {
        hear('keychain_done');
        reject(refuse('keychain_unavailable', 'It was not waited for.', null) as unknown as Error);
      };
    });
  });
  render(AddKeyDialog, { open: true });
  await userEvent.type(await screen.findByLabelText('API key'), SECRET);
  await userEvent.click(screen.getByText('Add key'));
  await screen.findByText(/^Waiting for your keychain/);
  await userEvent.keyboard('{Escape}');
  await screen.findByText(/^It was not waited for/);
  expect(screen.getByRole('dialog', { name: 'Choose a passphrase' })).toBeTruthy();
});
