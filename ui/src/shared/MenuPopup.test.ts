import { render, screen, waitFor } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { beforeAll, expect, it } from 'vitest';

import { keyRow, someKeys, standingOf } from '../dev/sample';
import { TestHost } from '../dev/test-host';
import { keys } from '../lib/keys.svelte';
import { standing } from '../lib/standing.svelte';
import Keys from '../views/keys/Keys.svelte';
import { fetchPopups } from './popups.svelte';

// On a busy machine it takes longer to read than a test may.
beforeAll(fetchPopups, 30_000);

async function list(): Promise<HTMLElement> {
  keys.value = undefined;
  standing.value = standingOf(someKeys());
  new TestHost({ list_keys: () => [keyRow({ name: 'Work' })] });
  render(Keys);
  return screen.findByLabelText('More for Work');
}

it.each(['{Enter}', ' ', '{ArrowDown}'])(
  'a menu that is opened with [%s] has the focus on its first item',
  async (key) => {
    const button = await list();
    button.focus();
    await userEvent.keyboard(key);
    await waitFor(() => expect(document.activeElement?.textContent).toMatch('Check for free'));
    await userEvent.keyboard('{Escape}');
    await waitFor(() => expect(document.activeElement).toBe(button));
  },
);
