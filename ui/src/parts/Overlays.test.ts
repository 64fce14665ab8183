import { render, screen, waitFor } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, it } from 'vitest';

import { someKeys, standingOf } from '../dev/sample';
import { TestHost } from '../dev/test-host';
import { ask } from '../lib/asked.svelte';
import { standing } from '../lib/standing.svelte';
import Overlays from './Overlays.svelte';

afterEach(() => {
  ask(null);
  standing.value = undefined;
  document.querySelector('#before')?.remove();
});

it('gives the focus back to where it was when a dialog goes away', async () => {
  new TestHost({ list_keys: () => someKeys() });
  const before = document.createElement('button');
  before.id = 'before';
  document.body.append(before);
  render(Overlays);
  for (const dialog of ['add-key', 'unlock'] as const) {
    before.focus();
    ask(dialog);
    await screen.findByRole('dialog');
    await waitFor(() => expect(document.activeElement).not.toBe(before));
    await userEvent.keyboard('{Escape}');
    await waitFor(() => expect(document.activeElement, dialog).toBe(before));
  }
});

it('says the passphrase of the sample data, and of no other', async () => {
  standing.value = standingOf(someKeys(), { is_simulated: true });
  render(Overlays);
  ask('unlock');
  const field = await screen.findByLabelText('Passphrase');
  const hint = document.getElementById(field.getAttribute('aria-describedby') ?? '');
  expect(hint?.textContent).toMatch(/look around freely/);
  standing.value = standingOf(someKeys());
  await waitFor(() => expect(screen.queryByText(/look around freely/)).toBeNull());
});
