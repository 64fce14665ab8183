/** Where the focus goes when what had it is gone, so that Tab goes on from there. */

/** Gives a focus that is lost to the dialog that is open, else to the screen. */
export function regainFocus(): void {
  const { activeElement, body } = document;
  if (activeElement !== null && activeElement !== body) return;
  const place =
    document.querySelector<HTMLElement>('[role=dialog]') ?? document.querySelector('main');
  place?.focus({ preventScroll: true });
}

/** Regains the focus when a part of the page goes away that may have it. */
export function passFocusOn(): () => void {
  return () => void setTimeout(regainFocus);
}
