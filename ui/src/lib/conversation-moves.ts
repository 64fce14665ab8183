/** What keeps a run from its answer for a while, and where it was before. */
import type { RunEvent } from './bindings';

/** What is waited for before the next attempt. */
export interface Wait {
  why: string;
  until: number;
  attempt: number;
}

/** A host that was left for another one, or tried once more. */
export interface Move {
  from: string;
  to: string;
  why: string;
}

/** A way that was left, because another one that was allowed beforehand took its place. */
export type Left = Omit<Extract<RunEvent, { event: 'fallback' }>, 'event'>;
