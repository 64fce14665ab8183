/** What the palette offers. */
import type { KeyRow, Standing } from './bindings';
import { ask } from './asked.svelte';
import { canPay, lockNow, named, select } from './keys.svelte';
import { go, SCREENS, type Screen } from './router.svelte';
import { shortcut } from './shortcuts';
import { isFirstRun, lockReason } from './standing.svelte';
import { chooseTheme, type Theme } from './theme.svelte';

/** One thing that can be done from the palette. */
export type Command = { id: string; label: string; hint: string; act: () => unknown };

export const SCREEN_NAMES: Record<Screen, string> = {
  dispatch: 'Dispatch',
  keys: 'Keys',
  usage: 'Usage',
  farm: 'Farm',
  history: 'History',
  settings: 'Settings',
};

const SHOWN = 50;

/** Lists what can be done now. */
export function commands(standing: Standing | undefined, keys: readonly KeyRow[]): Command[] {
  const all: Command[] = [];
  if (!isFirstRun(standing)) {
    SCREENS.forEach((screen, index) =>
      all.push({
        id: `screen ${screen}`,
        label: `Go to ${SCREEN_NAMES[screen]}`,
        hint: shortcut(String(index + 1)),
        act: () => go(screen),
      }),
    );
    all.push({ id: 'new', label: 'New conversation', hint: '', act: beginAnew });
  }
  if (!isFirstRun(standing)) {
    all.push({
      id: 'routing',
      label: 'Edit the routing',
      hint: 'by the class of work',
      act: () => go('settings', 'routing'),
    });
    all.push({ id: 'add-host', label: 'Add a host', hint: '', act: () => go('farm', 'add') });
  }
  all.push({ id: 'add-key', label: 'Add a key', hint: '', act: () => ask('add-key') });
  if (standing?.vault) {
    all.push(
      lockReason(standing)
        ? { id: 'unlock', label: 'Unlock the vault', hint: '', act: () => ask('unlock') }
        : { id: 'lock', label: 'Lock the vault', hint: '', act: lockNow },
    );
  }
  const themes: Record<Theme, string> = {
    light: 'Light theme',
    dark: 'Dark theme',
    system: 'Theme of the system',
  };
  for (const [theme, label] of Object.entries(themes) as [Theme, string][]) {
    all.push({ id: `theme ${theme}`, label, hint: '', act: () => chooseTheme(theme) });
  }
  for (const key of keys) {
    if (!canPay(key)) continue;
    all.push({
      id: `key ${key.id}`,
      label: `Pay with ${named(key)}`,
      hint: key.is_selected ? 'active' : key.environment,
      act: () => select(key.id),
    });
  }
  return all;
}

/** Finds the commands whose label or hint holds every word, as many as can be looked through. */
export function found(all: readonly Command[], typed: string): Command[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  return all
    .filter(({ label, hint }) => {
      const text = `${label} ${hint}`.toLowerCase();
      return words.every((word) => text.includes(word));
    })
    .slice(0, SHOWN);
}

async function beginAnew(): Promise<void> {
  const { desk } = await import('./desk.svelte');
  desk.anew();
  go('dispatch');
}
