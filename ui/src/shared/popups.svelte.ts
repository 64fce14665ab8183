/** What menus and lists that open are drawn with: much code, which no screen needs at first. */
import type MenuPopup from './MenuPopup.svelte';
import type SelectPopup from './SelectPopup.svelte';

type Popups = { Menu: typeof MenuPopup; Select: typeof SelectPopup };

let fetched = $state.raw<Popups | null>(null);
let fetching: Promise<void> | null = null;

/** Returns them, once they are there. */
export function popups(): Popups | null {
  return fetched;
}

/** Fetches them, once; where that fails, the next who wants one tries again. */
export function fetchPopups(): Promise<void> {
  fetching ??= Promise.all([import('./MenuPopup.svelte'), import('./SelectPopup.svelte')]).then(
    ([menu, select]) => {
      fetched = { Menu: menu.default, Select: select.default };
    },
    () => {
      fetching = null;
    },
  );
  return fetching;
}
