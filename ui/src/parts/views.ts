/** The screens, each fetched when it is first shown, so that the window is up sooner. */
import type { Component } from 'svelte';

import { keys } from '../lib/keys.svelte';
import type { Screen } from '../lib/router.svelte';
import Keys from '../views/keys/Keys.svelte';

type View = { default: Component };

const views: Record<Screen, () => Promise<View>> = {
  dispatch: () => import('../views/dispatch/Dispatch.svelte'),
  // Small, and where many windows open.
  keys: () => Promise.resolve({ default: Keys }),
  usage: () => import('../views/usage/Usage.svelte'),
  farm: () => import('../views/farm/Farm.svelte'),
  history: () => import('../views/history/History.svelte'),
  settings: () => import('../views/settings/Settings.svelte'),
};

/** What a screen reads first, asked for while its code is still on its way. */
const reads: Partial<Record<Screen, () => Promise<void>>> = {
  dispatch: () => keys.load(),
  keys: () => keys.load(),
};

const fetched = new Map<Screen, Promise<View>>();

/** Fetches a screen, once; one that could not be fetched is tried again. */
export function fetchView(screen: Screen): Promise<View> {
  const before = fetched.get(screen);
  if (before) return before;
  const view = views[screen]();
  fetched.set(screen, view);
  view.catch(() => fetched.delete(screen));
  return view;
}

/** Begins with all that the first screen needs. */
export function prepareView(screen: Screen): void {
  // What fails here is told when the screen is shown.
  void fetchView(screen).catch(() => undefined);
  void reads[screen]?.();
}
