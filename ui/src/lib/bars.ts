/** Where the bars of the chart stand, in pixels. */
import { share } from './money';
import type { Chart } from './report';

/** What the amounts take at the left, and the room above the bars. */
export const LEFT = 56;
export const TOP = 8;

/** One payer's part of a bar. */
export type Part = { hue: number; y: number; height: number };

export interface Bars {
  /** From one bar to the next. */
  step: number;
  /** How wide a bar is. */
  bar: number;
  /** Every so many bars have their date below. */
  every: number;
  /** The parts of each bar, from the bottom up. */
  stacks: Part[][];
  /** How far down a sum of money is. */
  y: (money: string) => number;
}

/** Lays a chart out in a width, with bars that are at most so high. */
export function layOut({ buckets, lines }: Chart, width: number, height: number): Bars {
  const top = lines.at(-1) ?? '1';
  const step = (width - LEFT) / Math.max(1, buckets.length);
  return {
    step,
    // Bars stay slim where there are few of them.
    bar: Math.max(1, Math.min(48, step > 8 ? step * 0.74 : step - 1)),
    every: Math.ceil(64 / step),
    stacks: buckets.map(({ parts }) => {
      let below = TOP + height;
      return parts.map(({ hue, cost }) => {
        const size = height * share(cost, top);
        below -= size;
        return { hue, y: below, height: size };
      });
    }),
    y: (money) => TOP + height * (1 - share(money, top)),
  };
}
