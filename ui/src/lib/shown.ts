/** Notes in the page's own timeline when something is first on the screen, which is what can be measured. */
export function noteShown(what: string): void {
  if (performance.getEntriesByName(what).length > 0) return;
  // The task after the next frame.
  requestAnimationFrame(() => setTimeout(() => performance.mark(what)));
}
