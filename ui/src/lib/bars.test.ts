import { expect, test } from 'vitest';

import { ledger, report } from '../dev/sample-ledger';
import { layOut, LEFT, TOP } from './bars';
import { chart as chartOf } from './report';

const HEIGHT = 160;
const WIDTH = 700;
const chart = chartOf(
  report(ledger(), 'month', { keys: [], tiers: [], models: [], environments: [] }),
);
const bars = layOut(chart, WIDTH, HEIGHT);

test('the bars fill the width beside the amounts', () => {
  expect(LEFT + bars.step * chart.buckets.length).toBeCloseTo(WIDTH);
  expect(bars.bar).toBeLessThan(bars.step);
});

test('the parts of a bar stand on each other and reach up to its sum', () => {
  const index = chart.buckets.findIndex(({ parts }) => parts.length > 1);
  const [stack, bucket] = [bars.stacks[index] ?? [], chart.buckets[index]];
  let below = TOP + HEIGHT;
  for (const part of stack) {
    expect(part.y + part.height).toBeCloseTo(below);
    below = part.y;
  }
  expect(below).toBeCloseTo(bars.y(bucket?.cost ?? '0'), 0);
});

test('few bars stay slim', () => {
  expect(layOut({ ...chart, buckets: chart.buckets.slice(0, 2) }, WIDTH, HEIGHT).bar).toBe(48);
});
