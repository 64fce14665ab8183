import { render, screen, waitFor } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, test } from 'vitest';

import { someConsents } from '../dev/sample-consents';
import { standingOf } from '../dev/sample';
import { TestHost } from '../dev/test-host';
import type { Consent } from '../lib/bindings';
import { consents } from './plan.svelte';
import ConsentDialog from './ConsentDialog.svelte';

let host: TestHost;
let all: Consent[];

beforeEach(() => {
  all = someConsents();
  consents.value = undefined;
  host = new TestHost({
    consents: () => all,
    standing: () => standingOf([]),
    plan_status: () => ({ off: null, may_be_extra: false, logins: [], cli: null, missing: null }),
    accept_consent: () => all[0],
    withdraw_consent: () => all[0],
    open_link: () => null,
  });
});

const text = () => screen.findByRole('document', { name: 'The text' });
const accept = () => screen.findByRole('button', { name: 'Accept, and use my plan' });

test('every quote stands apart, with its page and the day', async () => {
  render(ConsentDialog, { open: true, subject: 'subscription' });
  const quotes = (await text()).querySelectorAll('blockquote');
  expect(quotes.length).toBe(4);
  expect(quotes[3]?.textContent).toBe('without prior notice');
  expect((await text()).textContent).toContain('as it stood on 2 Jul 2026');
});

test('the text has the focus, and Enter accepts nothing', async () => {
  render(ConsentDialog, { open: true, subject: 'subscription' });
  await waitFor(async () => expect(document.activeElement).toBe(await text()));
  await userEvent.keyboard('{Enter}');
  expect(host.argsOf('accept_consent')).toEqual([]);
});

test('Esc leaves without accepting', async () => {
  render(ConsentDialog, { open: true, subject: 'subscription' });
  await accept();
  await userEvent.keyboard('{Escape}');
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
  expect(host.argsOf('accept_consent')).toEqual([]);
});

test('what is accepted is the version that was shown', async () => {
  render(ConsentDialog, { open: true, subject: 'subscription' });
  await userEvent.click(await accept());
  const version = all[0]?.text.version;
  expect(host.argsOf('accept_consent')).toEqual([{ subject: 'subscription', version }]);
});

test('a refusal to record it is said, and the dialog stays', async () => {
  host.on('accept_consent', () =>
    Promise.reject({
      code: 'store_unwritable',
      message: 'The disk is full.',
      hint: null,
      remedy: null,
    }),
  );
  render(ConsentDialog, { open: true, subject: 'subscription' });
  await userEvent.click(await accept());
  expect((await screen.findByText('The disk is full.')).tagName).toBe('P');
  expect(screen.getByRole('dialog').isConnected).toBe(true);
});

test('what is accepted can be withdrawn in the same place', async () => {
  const [first] = all as [Consent];
  all = [{ ...first, standing: { state: 'accepted', at: Date.UTC(2026, 9, 1) } }];
  render(ConsentDialog, { open: true, subject: 'subscription' });
  expect((await screen.findByText(/accepted 1 Oct 2026/)).tagName).toBe('P');
  await userEvent.click(screen.getByRole('button', { name: 'Withdraw' }));
  expect(host.argsOf('withdraw_consent')).toEqual([{ subject: 'subscription' }]);
});
