import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { Pace } from './pace';

let drawnAt: number[];
let pace: Pace;

beforeEach(() => {
  vi.useFakeTimers();
  drawnAt = [];
  pace = new Pace(() => drawnAt.push(performance.now()));
});

afterEach(() => vi.useRealTimers());

/** Asks for a drawing each millisecond. */
async function stream(ms: number, each: (at: number) => void = () => undefined): Promise<void> {
  for (let at = 0; at < ms; at += 1) {
    each(at);
    pace.soon();
    await vi.advanceTimersByTimeAsync(1);
  }
}

test('what is drawn quickly is drawn every few frames at least, however often it is asked for', async () => {
  await stream(1000);
  expect(drawnAt.length).toBeGreaterThan(25);
  expect(drawnAt.length).toBeLessThan(64);
});

test('what comes last is drawn too', async () => {
  pace.soon();
  await vi.advanceTimersByTimeAsync(17);
  pace.soon();
  await vi.advanceTimersByTimeAsync(200);
  expect(drawnAt).toHaveLength(2);
});

test('a keystroke is drawn before the text, which still moves on while a person types on', async () => {
  await stream(1000, (at) => {
    if (at % 25 === 0) dispatchEvent(new Event('keydown'));
  });
  const gaps = drawnAt.slice(1).map((at, index) => at - (drawnAt[index] ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThan(60);
  expect(Math.max(...gaps)).toBeLessThan(160);
});

test('drawing at once draws what was asked for only once', async () => {
  pace.soon();
  pace.now();
  await vi.advanceTimersByTimeAsync(200);
  expect(drawnAt).toHaveLength(1);
});
