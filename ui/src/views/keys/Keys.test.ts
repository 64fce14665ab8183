import { render, screen, waitFor, within } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, it } from 'vitest';

import { keyOf, manyKeys, someKeys, standingOf } from '../../dev/sample';
import { refuse } from '../../dev/sample-replies';
import { TestHost } from '../../dev/test-host';
import { keys } from '../../lib/keys.svelte';
import { standing } from '../../lib/standing.svelte';
import Keys from './Keys.svelte';

let host: TestHost;

beforeEach(() => {
  keys.value = undefined;
  keys.failure = null;
  standing.value = standingOf(someKeys());
  host = new TestHost({ list_keys: someKeys, standing: () => standingOf(someKeys()) });
});

it('only a few of ten thousand rows are drawn, and all are counted', async () => {
  host.on('list_keys', () => manyKeys(10_000));
  render(Keys);
  expect(await screen.findByText('10,000 keys')).toBeTruthy();
  expect(screen.getAllByRole('row').length).toBeLessThan(60);
});

it('typing narrows the list and says how far', async () => {
  render(Keys);
  await screen.findByText('7 keys');
  await userEvent.type(screen.getByLabelText('Search keys'), 'old');
  expect(screen.getByText('1 of 7')).toBeTruthy();
  await userEvent.clear(screen.getByLabelText('Search keys'));
  await userEvent.type(screen.getByLabelText('Search keys'), 'zzz');
  await userEvent.click(screen.getByText('Show all keys'));
  expect(screen.getByText('7 keys')).toBeTruthy();
});

it('rows that are kept while nothing matches can be neither seen nor reached', async () => {
  const { container } = render(Keys);
  await screen.findByText('7 keys');
  const search = screen.getByLabelText('Search keys');
  await userEvent.type(search, 'old');
  await userEvent.keyboard('{ArrowDown}');
  expect(document.activeElement?.getAttribute('role')).toBe('row');
  host.on('list_keys', () => someKeys().filter(({ name }) => !/old/i.test(name)));
  await keys.load();
  expect(await screen.findByText('No key matches')).toBeTruthy();
  // That of the head.
  expect(screen.getAllByRole('row')).toHaveLength(1);
  expect(container.querySelector('[data-index]')?.contains(document.activeElement)).toBe(false);
  expect(
    container.querySelectorAll('[data-index][tabindex="0"], [data-index] [tabindex="0"]'),
  ).toHaveLength(0);
  await userEvent.clear(search);
  expect(container.querySelectorAll('[data-index][tabindex="0"]')).toHaveLength(1);
});

it('the focus does not come back from a dialog to a row that is covered since', async () => {
  let all = someKeys();
  host.on('list_keys', () => all);
  host.on('remove_key', ({ id }: { id: string }) => {
    const gone = all.find((key) => key.id === id);
    all = all.filter((key) => key.id !== id);
    return gone && keyOf(gone);
  });
  const { container } = render(Keys);
  await screen.findByText('7 keys');
  await userEvent.type(screen.getByLabelText('Search keys'), 'old');
  await userEvent.keyboard('{ArrowDown}{Delete}');
  const dialog = within(await screen.findByRole('dialog'));
  await userEvent.click(dialog.getByRole('button', { name: /Delete/ }));
  await screen.findByText('No key matches');
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
  const rows = container.querySelector('[aria-hidden="true"] [data-index]')?.parentElement;
  expect(rows?.contains(document.activeElement)).toBe(false);
  await userEvent.keyboard('{Delete}');
  expect(screen.queryByRole('dialog')).toBeNull();
});

it('without keys the one thing to do is to add one', async () => {
  host.on('list_keys', () => []);
  render(Keys);
  await screen.findByText('No keys yet');
  expect(screen.getAllByRole('button')).toHaveLength(1);
});

it('a list that can not be read says why in its place', async () => {
  host.on('list_keys', () => Promise.reject(refuse('failed', 'The list is torn.', 'Mend it.')));
  render(Keys);
  expect((await screen.findByRole('alert')).textContent).toMatch(/The list is torn.*Mend it/s);
});

it('arrow keys walk the rows, and Enter makes a key the active one', async () => {
  host.on('select_key', ({ id }: { id: string }) => {
    const row = someKeys().find((key) => key.id === id);
    return row && keyOf(row);
  });
  render(Keys);
  await screen.findByText('7 keys');
  await userEvent.click(screen.getByLabelText('Search keys'));
  await userEvent.keyboard('{ArrowDown}');
  expect(document.activeElement?.textContent).toMatch(/Work/);
  await userEvent.keyboard('{ArrowDown}');
  expect(document.activeElement?.textContent).toMatch(/Personal/);
  await userEvent.keyboard('{Enter}');
  expect(host.argsOf('select_key')).toEqual([{ id: 'key-personal' }]);
});

it('a copy from a locked vault asks for the passphrase there, and then copies', async () => {
  const vault = standingOf([]).vault;
  if (!vault) throw new Error('the sample has a vault');
  const slots = vault.slots.filter(({ kind }) => kind === 'passphrase');
  let isLocked = true;
  host
    .on('copy_key', () =>
      isLocked ? Promise.reject(refuse('locked', 'The vault is locked.', null)) : null,
    )
    .on('unlock', () => {
      isLocked = false;
      return null;
    });
  standing.value = standingOf(someKeys(), { vault: { ...vault, slots, lock: { locked: 'idle' } } });
  render(Keys);
  await screen.findByText('7 keys');
  await userEvent.click(screen.getByLabelText('Copy Work'));
  const note = await screen.findByRole('alert');
  const field = await within(note).findByLabelText('Passphrase');
  await userEvent.type(field, 'four words or five{Enter}');
  expect(host.argsOf('unlock')).toEqual([{ opener: { passphrase: 'four words or five' } }]);
  expect(host.argsOf('copy_key')).toHaveLength(2);
  expect(screen.queryByRole('alert')).toBeNull();
});
