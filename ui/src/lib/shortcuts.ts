/** Keys that work on every screen. */
import { ask } from './asked.svelte';
import { go, SCREENS } from './router.svelte';

const IS_MAC = /Mac/.test(navigator.userAgent);

/** Writes a shortcut for people: `Ctrl K`, or `⌘K` on a Mac. */
export function shortcut(key: string): string {
  return IS_MAC ? `⌘${key}` : `Ctrl ${key}`;
}

/** Tells whether the modifier of this system's shortcuts is down, and no other. */
export function hasModifier({ ctrlKey, metaKey, altKey, shiftKey }: KeyboardEvent): boolean {
  return (IS_MAC ? metaKey && !ctrlKey : ctrlKey && !metaKey) && !altKey && !shiftKey;
}

/** Does what a key pressed anywhere in the window stands for, unless a dialog has the word. */
export function onShortcut(event: KeyboardEvent): void {
  if (!hasModifier(event) || document.querySelector('[role=dialog]')) return;
  const screen = SCREENS[Number(event.key) - 1];
  if (screen) go(screen);
  else if (event.key.toLowerCase() === 'k') ask('palette');
  else return;
  event.preventDefault();
}
