/** Acts that came to their end, said in passing: shown for a while and read out politely. */

import { failure } from './host';

/** One thing that was said. */
export type Said = { id: number; text: string; isFailure: boolean };

const SHOWN_MS = 4000;
/** What was said so shortly before belongs to the screen that comes. */
const NEW_MS = 500;

let newest = 0;
let saidAt = 0;
let current = $state.raw<Said | null>(null);

/** Returns what is being said. */
export function said(): Said | null {
  return current;
}

/** Says that something is done. */
export function say(text: string): void {
  show(text, false);
}

/** Says why something did not work, where there is no better place for it. */
export function sayFailure(error: unknown): void {
  show(failure(error).message, true);
}

/** Says no more of what is over: something else is to be read now. */
export function hush(): void {
  current = null;
}

window.addEventListener('hashchange', () => {
  if (performance.now() - saidAt > NEW_MS) hush();
});

function show(text: string, isFailure: boolean): void {
  const id = ++newest;
  saidAt = performance.now();
  current = { id, text, isFailure };
  setTimeout(() => {
    if (current?.id === id) current = null;
  }, SHOWN_MS);
}
