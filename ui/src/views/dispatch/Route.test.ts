import { render, screen, waitFor, within } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, test } from 'vitest';

import { FakeHost } from '../../dev/fake-host';
import { scenario } from '../../dev/scenario';
import { ask, asked } from '../../lib/asked.svelte';
import { desk } from '../../lib/desk.svelte';
import { accept_consent } from '../../lib/bindings';
import { useHost } from '../../lib/host';
import { planStatus } from '../../parts/plan.svelte';
import { standing } from '../../lib/standing.svelte';
import Dispatch from './Dispatch.svelte';

beforeEach(() => {
  sessionStorage.clear();
  ask(null);
  desk.conversation.turns = [];
  desk.conversation.pending = null;
  desk.failure = null;
  desk.draft.before = null;
  desk.draft.choose(null);
  desk.draft.anew();
  desk.draft.sent();
  desk.draft.leaveOut();
  desk.draft.offer = null;
  planStatus.value = undefined;
});

/** Shows Dispatch with the tiers side by side. */
async function open(scene: string): Promise<void> {
  useHost(new FakeHost(scenario(new URL(`http://page/?${scene}`))));
  await Promise.all([standing.load(), planStatus.load()]);
  render(Dispatch);
  await userEvent.type(screen.getByRole('textbox', { name: 'Prompt' }), 'Hello');
  await userEvent.click(await screen.findByTitle(/^Why this payer/));
  await screen.findByRole('radiogroup', { name: 'Who pays' });
  await plan();
}

const plan = () => screen.findByRole('radio', { name: /Plan/ });
const metered = () => screen.findByRole('radio', { name: /Metered/ });
const send = (name: RegExp) => screen.findByRole('button', { name });

test('a plan that is off can’t be chosen, and its text is one step away', async () => {
  await open('plan=off');
  expect(await plan()).toHaveProperty('disabled', true);
  await userEvent.click(screen.getByRole('button', { name: 'Set up …' }));
  expect(asked()).toBe('consent:subscription');
});

test('the plan’s name stands on the button once it is chosen, without an amount', async () => {
  await open('plan=on');
  await send(/at most \$0\.\d+ from Work/);
  await userEvent.click(await plan());
  const button = await send(/^Send · your plan \(work, Claude Max\)/);
  expect(button.textContent).not.toContain('at most');
  expect(desk.draft.wire.payer).toEqual({ with: 'plan', login: 'work' });
  await userEvent.click(await metered());
  await send(/at most \$0\.\d+ from Work/);
});

test('the share used, when it begins anew, and how old that is, are shown', async () => {
  await open('plan=near');
  const group = screen.getByRole('radiogroup', { name: 'Who pays' });
  expect(within(group).getByText('91% of 5 h used').tagName).toBe('SPAN');
  expect(within(group).getByText('as of 3 min ago').tagName).toBe('LI');
});

test('a program that is missing is named with the command that mends it', async () => {
  await open('plan=missing');
  await screen.findByRole('button', { name: /^Copy the command “npm install -g/ });
  expect(await plan()).toHaveProperty('disabled', true);
});

test('one that is too old says so', async () => {
  await open('plan=old');
  expect((await screen.findByText(/is version 2\.0\.14/)).tagName).toBe('SPAN');
});

test('where nobody is logged in, a terminal is offered', async () => {
  await open('plan=out');
  await userEvent.click(await screen.findByRole('button', { name: 'Log in in a terminal' }));
  await screen.findByText(/A terminal was opened/);
  await userEvent.click(screen.getByRole('button', { name: 'Look again' }));
  await waitFor(() => expect(screen.queryByText(/A terminal was opened/)).toBeNull());
});

test('paid extra usage is said on the route and on the button', async () => {
  await open('plan=extra');
  await userEvent.click(await plan());
  await send(/^Send · at most \$0\.\d+ extra from your plan/);
  expect((await screen.findByText('paid extra usage')).tagName).toBe('B');
});

test('without consent to extra usage the plan stops there', async () => {
  await open('plan=extra-off');
  expect(await plan()).toHaveProperty('disabled', true);
  await userEvent.click(screen.getByRole('button', { name: 'Read and decide …' }));
  expect(asked()).toBe('consent:extra_usage');
});

test('a limit that is reached says until when', async () => {
  await open('plan=full');
  expect((await screen.findByText(/The limit is reached until/)).tagName).toBe('SPAN');
});

test('what claude has no control for is left out only when that is asked for', async () => {
  await open('plan=on');
  desk.draft.maxTokens = 100;
  await screen.findByText(/The longest answer can't be chosen/);
  await userEvent.click(screen.getByRole('button', { name: 'Leave that out' }));
  expect(desk.draft.maxTokens).toBeNull();
  await waitFor(async () => expect(await plan()).toHaveProperty('disabled', false));
});

test('Esc closes the panel from within, and leads back to the line that opened it', async () => {
  await open('plan=on');
  (await metered()).focus();
  await userEvent.keyboard('{Escape}');
  await waitFor(() => expect(screen.queryByRole('radiogroup', { name: 'Who pays' })).toBeNull());
  expect(document.activeElement?.getAttribute('aria-expanded')).toBe('false');
});

test('once what was missing is there, its way has the focus', async () => {
  await open('plan=off');
  (await screen.findByRole('button', { name: 'Set up …' })).focus();
  await accept_consent('subscription', 'any');
  desk.draft.askSoon();
  await waitFor(async () => expect(document.activeElement).toBe(await plan()));
});

test('Ctrl Enter sends from the panel too', async () => {
  await open('plan=on');
  await userEvent.click(await plan());
  await send(/^Send · your plan/);
  await userEvent.keyboard('{Control>}{Enter}{/Control}');
  await screen.findByRole('button', { name: /^Cancel/ });
  expect(document.activeElement?.tagName).toBe('TEXTAREA');
});

test('another login of the plan can be chosen', async () => {
  await open('plan=two');
  desk.draft.choosePlan('personal');
  await send(/^Send · your plan \(personal, Claude Max\)/);
});

test('where there is no key, the plan pays', async () => {
  await open('plan=on&state=empty');
  await send(/^Send · your plan/);
});

test('after a run the foot says what was billed as what', async () => {
  await open('plan=replaced');
  await userEvent.click(await plan());
  await userEvent.click(await send(/^Send · your plan/));
  await screen.findByText(/^billed as: Claude Max/, {}, { timeout: 8000 });
  expect(screen.getByText('this').closest('p')?.textContent).toBe(
    'The text that was shown is void: this is the answer.',
  );
  expect(screen.getByText(/^, list price/).textContent).toBe(', list price $0.0016');
}, 12_000);

test('a mismatch is loud, and says what to do', async () => {
  await open('plan=mismatch');
  await userEvent.click(await plan());
  await userEvent.click(await send(/^Send · your plan/));
  const alarm = await screen.findByRole('heading', {
    name: /Somebody else would have been billed/,
  });
  expect(alarm.tagName).toBe('H3');
  await screen.findByRole('button', { name: 'Log in in a terminal' });
  await userEvent.click(screen.getByRole('button', { name: 'Who pays right now' }));
  await screen.findByRole('dialog', { name: 'Who pays right now' });
});

test('where the account is another one, nothing is offered that would be refused again', async () => {
  await open('plan=other');
  await userEvent.click(await plan());
  await userEvent.click(await send(/^Send · your plan/));
  await screen.findByRole('heading', { name: /Somebody else would have been billed/ });
  await screen.findByRole('button', { name: 'Log in in a terminal' });
  expect((await send(/^It is mine/)).className).not.toContain('primary');
  expect(screen.queryByRole('button', { name: /^Send again( ·|$)/ })).toBeNull();
});

test('a plan that nobody is logged in to says so in place of what it costs', async () => {
  await open('plan=out');
  await userEvent.click(await plan());
  await waitFor(async () =>
    expect((await send(/^Send · your plan/)).className).not.toContain('primary'),
  );
  expect(screen.getByRole('button', { name: /^Route:/ }).textContent).toContain('not logged in');
  expect(screen.queryByText('within the plan')).toBeNull();
});
