import { afterEach, expect, it } from 'vitest';

import { ask, asked } from './asked.svelte';
import { route } from './router.svelte';
import { onShortcut } from './shortcuts';

const press = (key: string, more: KeyboardEventInit = {}): KeyboardEvent => {
  const event = new KeyboardEvent('keydown', { key, ctrlKey: true, cancelable: true, ...more });
  onShortcut(event);
  return event;
};

afterEach(() => {
  ask(null);
  document.body.replaceChildren();
});

it('the first six numbers go to the screens', () => {
  const screens = ['1', '2', '3', '4', '5', '6'].map((key) => {
    press(key);
    return route().screen;
  });
  expect(screens).toEqual(['dispatch', 'keys', 'usage', 'farm', 'history', 'settings']);
});

it('K opens the palette, and keys that mean nothing here are left alone', () => {
  expect(press('k').defaultPrevented).toBe(true);
  expect(asked()).toBe('palette');
  expect(press('7').defaultPrevented).toBe(false);
  expect(press('2', { altKey: true }).defaultPrevented).toBe(false);
});

it('nothing happens behind a dialog', () => {
  press('2');
  const dialog = document.createElement('div');
  dialog.setAttribute('role', 'dialog');
  document.body.append(dialog);
  press('3');
  expect(route().screen).toBe('keys');
});
