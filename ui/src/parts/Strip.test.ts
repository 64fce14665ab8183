import { render, screen, within } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, it } from 'vitest';

import { standingOf, whoByKey, whoByPlan, whoByPlanWithConsoleKey } from '../dev/sample';
import { refuse } from '../dev/sample-replies';
import { standing, who } from '../lib/standing.svelte';
import Strip from './Strip.svelte';

afterEach(() => {
  who.value = undefined;
  who.failure = null;
  standing.value = undefined;
});

it('says who pays, and opens to all that sets it, strongest first', async () => {
  who.value = whoByKey();
  render(Strip);
  const strip = screen.getByRole('button');
  expect(strip.textContent).toMatch(
    /Plain\s+claude -p\s+bills\s+●\s+key …3f9a\s+from ~\/\.zshrc, line 42/,
  );
  await userEvent.click(strip);
  const places = (await screen.findAllByRole('listitem')).map((item) => item.textContent);
  expect(places[0]).toMatch(/in force/);
  expect(places[1]).toMatch(/Overridden by key …3f9a, from ~\/\.zshrc, line 42/);
});

it('tells a login with a plan from the API key that a Console login left beside it', async () => {
  who.value = whoByPlanWithConsoleKey();
  render(Strip);
  const strip = screen.getByRole('button');
  expect(strip.textContent).toMatch(/bills\s+◆\s+your plan \(Claude Max\)/);
  await userEvent.click(strip);
  const [plan, key] = (await screen.findAllByRole('listitem')).map((item) => item.textContent);
  expect(plan).toMatch(/Login with a plan.*Claude Max.*in force/s);
  expect(key).toMatch(/API key of a Console login.*…c0de.*overridden.*by your plan/s);
});

it('a change of the payer is told, and leads to what sets it', async () => {
  who.value = whoByPlan();
  render(Strip);
  who.value = whoByKey();
  const notice = await screen.findByRole('alert');
  expect(notice.textContent).toMatch(/bills key …3f9a now.*Before: your plan \(Claude Max\)/s);
  await userEvent.click(within(notice).getByRole('button', { name: 'What sets it' }));
  expect((await screen.findByRole('dialog')).textContent).toMatch(/What sets it, strongest first/);
});

it('waits in the size of what comes', () => {
  render(Strip);
  expect(screen.getByLabelText('Finding out who pays')).toBeTruthy();
});

it('says that it is not known, and why', () => {
  who.failure = refuse('timeout', 'Your login shell did not answer.', null);
  render(Strip);
  expect(screen.getByRole('button').textContent).toMatch(
    /not known: Your login shell did not answer/,
  );
});

it('marks a window in which everything is made up, and a damaged store', () => {
  const damage = refuse('store_damaged', 'The store is damaged.', 'Nothing was changed.');
  standing.value = standingOf([], { is_simulated: true, damage });
  render(Strip);
  expect(screen.getByText('SIMULATED')).toBeTruthy();
  expect(screen.getByRole('alert').textContent).toMatch('The store is damaged.');
});
