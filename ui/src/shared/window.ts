/** Which rows of a long list have to be drawn. */

/** The first row that is drawn and the one behind the last. */
export type Span = { first: number; end: number };

/** Rows above and below the visible ones, so that a scroll never shows a gap. */
const MARGIN = 6;

/** Returns the rows that can be seen, with a margin. */
export function visible(
  top: number,
  height: number,
  row: number,
  total: number,
  margin = MARGIN,
): Span {
  const first = Math.max(0, Math.floor(top / row) - margin);
  const end = Math.min(total, Math.ceil((top + height) / row) + margin);
  return { first: Math.min(first, end), end };
}

/** Returns how many rows are drawn at most, for a view of this height. */
export function most(height: number, row: number): number {
  return Math.ceil(height / row) + 1 + 2 * MARGIN;
}

/** Returns how far to scroll so that a row is in full view. */
export function scrolledTo(index: number, top: number, height: number, row: number): number {
  if (index * row < top) return index * row;
  if ((index + 1) * row > top + height) return (index + 1) * row - height;
  return top;
}
