import { untrack } from 'svelte';

import { next_changes, type Change } from './bindings';

/** Changes that come this close together are told once. */
const TOGETHER_MS = 60;
const RECONNECT_MS = 2000;

type Act = (heard: readonly Change[]) => void;
type Listener = { changes: readonly Change[]; act: Act };

let listeners: Listener[] = [];
let waiting: Change[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;

/** Asks the program again and again what changed, for as long as the page lives, also if the line breaks. */
export function startFollowing(): void {
  next_changes().then(
    (changes) => {
      changes.forEach(hear);
      startFollowing();
    },
    () => setTimeout(startFollowing, RECONNECT_MS),
  );
}

/** Takes in one change, as if the program had told it. */
export function hear(change: Change): void {
  waiting.push(change);
  timer ??= setTimeout(tell, TOGETHER_MS);
}

/**
 * Calls `act` whenever one of `changes` happens, with those that did, in their order; returns what
 * ends that.
 */
export function onChange(changes: readonly Change[], act: Act): () => void {
  const listener = { changes, act };
  listeners = [...listeners, listener];
  return () => {
    listeners = listeners.filter((other) => other !== listener);
  };
}

/** Reads a resource now, unless it is being read, and again whenever one of `changes` happens, while the component lives. */
export function keepFresh(
  resource: { load: () => Promise<void>; loadUnlessNew?: () => Promise<void> },
  changes: readonly Change[],
): void {
  $effect(() => {
    void untrack(() => resource.loadUnlessNew?.() ?? resource.load());
    return onChange(changes, () => void resource.load());
  });
}

function tell(): void {
  timer = undefined;
  const heard = waiting;
  waiting = [];
  for (const { changes, act } of listeners) {
    const ours = heard.filter((change) => changes.includes(change));
    if (ours.length > 0) act(ours);
  }
}
