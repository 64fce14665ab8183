/** What waits until something is on the screen. */

/** Does something in the task after the next frame, when what was drawn last can be seen. */
export function afterPaint(act: () => void): void {
  requestAnimationFrame(() => setTimeout(act));
}

/** Notes in the page's own timeline when something is first on the screen, which is what can be measured. */
export function noteShown(what: string): void {
  if (performance.getEntriesByName(what).length > 0) return;
  afterPaint(() => performance.mark(what));
}
