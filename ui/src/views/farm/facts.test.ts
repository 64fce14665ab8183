import { expect, it } from 'vitest';

import { probe } from '../../dev/sample-hosts';
import { clockOff, latency, load, NONE, service, version } from './facts';

it('what was not asked is not known', () => {
  expect([version(null), latency(null), load(null)]).toEqual([NONE, NONE, NONE]);
  expect(service(null, 'worker.service')).toBe(NONE);
});

it('a host whose unit nobody watches says nothing of one', () => {
  expect(service(probe({ service: 'active' }), null)).toBeNull();
});

it.each([
  ['active', false],
  ['failed', true],
  ['inactive', true],
] as const)('a service that is %s asks for attention: %s', (state, isOff) => {
  expect(service(probe({ service: state }), 'worker.service')).toMatchObject({
    word: `service ${state}`,
    isOff,
  });
});

it.each([
  [400, null],
  [-1999, null],
  [2400, 'clock 2 s ahead'],
  [-312_000, 'clock 5 min behind'],
])('a clock that is %d ms ahead reads %s', (clock_ahead_ms, word) => {
  expect(clockOff(probe({ clock_ahead_ms }))?.word ?? null).toBe(word);
});

it('latency and load are written short', () => {
  expect(latency(probe({ latency_ms: 3.21 })).word).toBe('3.2 ms');
  expect(latency(probe({ latency_ms: 118.4 })).word).toBe('118 ms');
  expect(load(probe({ load: 17.3, processors: 4 }))).toMatchObject({
    word: 'load 17.3 of 4',
    isOff: true,
  });
  expect(load(probe({ load: 0, processors: null })).word).toBe('load 0.0');
});
