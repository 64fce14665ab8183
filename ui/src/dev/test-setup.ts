/** What a web view has and jsdom lacks: nothing is laid out in a test, so these do nothing. */
import { configure } from '@testing-library/svelte';

// A machine that is busy takes longer to fetch a part of the page than to show it.
configure({ asyncUtilTimeout: 20_000 });

class NoLayout implements ResizeObserver {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}

globalThis.ResizeObserver ??= NoLayout;
Element.prototype.scrollIntoView ??= () => undefined;
Element.prototype.hasPointerCapture ??= () => false;
