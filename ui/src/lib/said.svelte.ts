/** Acts that came to their end, said in passing: shown for a while and read out politely. */

/** One thing that was said. */
export type Said = { id: number; text: string };

const SHOWN_MS = 4000;

let newest = 0;
let current = $state.raw<Said | null>(null);

/** Returns what is being said. */
export function said(): Said | null {
  return current;
}

/** Says that something is done. */
export function say(text: string): void {
  const id = ++newest;
  current = { id, text };
  setTimeout(() => {
    if (current?.id === id) current = null;
  }, SHOWN_MS);
}
