/** What the frame was asked to open above the screens: at most one thing at a time. */

import type { ConsentSubject } from './bindings';

/** A dialog of the frame. */
export type Asked =
  'palette' | 'add-key' | 'take-over' | 'unlock' | `consent:${ConsentSubject}` | null;

let current = $state<Asked>(null);

/** Returns what is open. */
export function asked(): Asked {
  return current;
}

/** Opens a dialog of the frame, or closes it with `null`. */
export function ask(next: Asked): void {
  current = next;
}
