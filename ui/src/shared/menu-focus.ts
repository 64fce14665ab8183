/** Where the focus goes in a menu that opens. */

/**
 * Puts it on the first item where the keyboard opened the menu, as people expect of one; by pointer, nothing is
 * marked before it is pointed at. What draws a menu may come after the key was pressed, and can't know of it.
 */
export function focusFirst(event: Event, menu: Element | null, opener: Element | null): void {
  const first = menu?.querySelector<HTMLElement>('[role^=menuitem]:not([data-disabled])');
  if (!first || !opener?.matches(':focus-visible')) return;
  event.preventDefault();
  first.focus();
}
