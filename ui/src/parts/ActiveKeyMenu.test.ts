import { render, screen } from '@testing-library/svelte';
import { expect, it } from 'vitest';

import { someKeys } from '../dev/sample';
import { TestHost } from '../dev/test-host';
import { keys } from '../lib/keys.svelte';
import ActiveKeyMenu from './ActiveKeyMenu.svelte';

it('says of a key that could not pay what is wrong with it, and of others when they did', async () => {
  new TestHost({ list_keys: () => someKeys() });
  await keys.load();
  const anchor = document.createElement('button');
  document.body.append(anchor);
  render(ActiveKeyMenu, { anchor });
  const rows = (await screen.findAllByRole('menuitemradio')).map((row) => row.textContent);
  expect(rows.find((row) => row.includes('Old CI'))).toMatch(/refused/);
  expect(rows.find((row) => row.includes('Work'))).toMatch(/manual · 2 min ago/);
  anchor.remove();
});
