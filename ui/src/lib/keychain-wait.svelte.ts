/** Whether the program waits for the system's keychain, which may ask its owner in a window. */
import { onChange } from './follow.svelte';

let isWaiting = $state(false);

// For as long as the page lives: a dialog may open while a wait is under way already.
onChange(['keychain_waits', 'keychain_done'], (heard) => {
  isWaiting = heard.at(-1) === 'keychain_waits';
});

/** Tells whether the keychain is waited for. */
export function waitsForKeychain(): boolean {
  return isWaiting;
}
