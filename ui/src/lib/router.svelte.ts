/** Which screen is shown: the part of the address behind the `#`, such as `#/history/12`. */

export const SCREENS = ['dispatch', 'keys', 'usage', 'farm', 'history', 'settings'] as const;
export type Screen = (typeof SCREENS)[number];

/** A place in the window: a screen and what of it is shown. */
export type Route = { screen: Screen; rest: string | null };

/** Reads an address; what can't be read leads to the first screen. */
export function parseRoute(hash: string): Route {
  const [, screen = '', rest] = /^#\/([a-z]+)(?:\/(.+))?$/.exec(hash) ?? [];
  return SCREENS.includes(screen as Screen)
    ? { screen: screen as Screen, rest: rest ? decode(rest) : null }
    : { screen: 'dispatch', rest: null };
}

/** Writes the address of a place. */
export function hrefTo(screen: Screen, rest: string | number | null = null): string {
  return rest === null ? `#/${screen}` : `#/${screen}/${encodeURIComponent(rest)}`;
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

const KEY = 'screen';

/** Whether a window was left at some screen before, so that this is not the first one ever. */
export const wasLeft = localStorage.getItem(KEY) !== null;

let current = $state.raw<Route>(
  // A window opens where the last one was left.
  parseRoute(location.hash || `#/${localStorage.getItem(KEY) ?? ''}`),
);

window.addEventListener('hashchange', () => arrive());

function arrive(): void {
  current = parseRoute(location.hash);
  localStorage.setItem(KEY, current.screen);
}

/** Returns where the window is. */
export function route(): Route {
  return current;
}

/** Goes somewhere; the way back is kept. */
export function go(screen: Screen, rest: string | number | null = null): void {
  location.hash = hrefTo(screen, rest);
  arrive();
}
