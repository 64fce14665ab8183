import { expect, it } from 'vitest';

import { begin, desk, press, program, write } from '../dev/test-desk';
import { offer, receipt, started, text } from '../dev/test-program';
import type { Offer, RunEvent } from './bindings';
import { Turn } from './conversation.svelte';

/** An offer of the farm: one of these hosts, where this payer pays. */
function onFarm(payer: string, key: string | null, ...names: string[]): Offer {
  const plain = offer(key ?? '', payer);
  return {
    ...plain,
    route: {
      ...plain.route,
      tier: 'farm',
      key,
      farm: {
        hosts: names.map((name, index) => ({ id: index + 1, name })),
        is_named: false,
        label: null,
        timeout_seconds: 600,
        retries: 2,
        times_billed_max: 3,
      },
    },
  };
}

it('a key is never named for the farm by itself: it could go to a box that it is not for', async () => {
  program.offers = () => Promise.resolve(onFarm('Work', 'a', 'box-1', 'box-2'));
  desk.draft.chooseFarm({ label: 'eu' });
  await write('Hello');
  await press();
  expect(program.sent[0]?.draft.payer).toEqual({
    with: 'farm',
    host: null,
    label: 'eu',
    key: null,
  });
});

it('where another payer would pay on the host by now, nothing is sent before that is seen', async () => {
  let payer = "box-1's own key";
  program.offers = () => Promise.resolve(onFarm(payer, null, 'box-1'));
  desk.draft.chooseFarm();
  await write('Hello');
  payer = "box-2's own key";
  desk.draft.isFresh = false;
  await press();
  expect(program.sent).toEqual([]);
  expect(desk.notice).toBe("box-2's own key pays for this. Send it if that is right.");
});

it('a reply goes on through the farm, where it was chosen to', async () => {
  program.offers = () => Promise.resolve(onFarm('Work', 'a', 'box-1'));
  desk.draft.chooseFarm({ host: 1 });
  await begin();
  program.tell(text('Hi'), {
    event: 'finished',
    receipt: receipt({ tier: 'farm', host: 'box-1' }),
  });
  expect(desk.draft.before?.run).toBe(41);
  expect(desk.draft.payer).toEqual({ with: 'farm', host: 1, label: null, key: null });
  desk.anew();
  expect(desk.draft.tier).toBe('farm');
});

it('a run knows where it is, where it was, and why it went on', () => {
  const wait = (why: string) => ({ event: 'waiting', why, until: 0, attempt: 2 }) as const;
  const turn = new Turn({ ...desk.draft.wire, payer: desk.draft.farm }, []);
  turn.take({ ...started, tier: 'farm' } as RunEvent);
  turn.take(wait('every host is busy'));
  turn.take({ event: 'placed', host: 'box-1' });
  expect([turn.tier, turn.host, turn.moves, turn.wait]).toEqual(['farm', 'box-1', [], null]);
  turn.take(wait('box-1 did not answer.'));
  turn.take(wait('every host is busy'));
  turn.take({ event: 'placed', host: 'box-2' });
  expect(turn.moves).toEqual([{ from: 'box-1', to: 'box-2', why: 'box-1 did not answer.' }]);
});
