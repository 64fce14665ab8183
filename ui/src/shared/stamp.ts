/**
 * Copies of what a component draws. Svelte sets up each part of a component by itself, which for the many
 * rows of a list takes longer than all else: here it is drawn once, and copied.
 */
import { flushSync, mount, unmount, type Component } from 'svelte';

/** Draws a component, and returns the element that it made, which nothing changes any more. */
export function drawn<Props extends Record<string, unknown>>(
  component: Component<Props>,
  props: Props,
): HTMLElement {
  const target = document.createElement('div');
  const made = mount(component, { target, props });
  flushSync();
  const copy = target.firstElementChild?.cloneNode(true) as HTMLElement | null;
  void unmount(made);
  return copy ?? target;
}
