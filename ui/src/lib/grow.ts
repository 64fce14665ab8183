/** From what stands in a place to what is to stand there, with as little change as a growing text needs. */

/**
 * Makes what is in `place` the same as what is in `next`. What is the same already stays, and a text
 * that has grown at its end is added to: nothing above it is laid out again, and what a person has
 * selected stays selected.
 */
export function grow(place: ParentNode & Node, next: ParentNode & Node): void {
  let before = place.firstChild;
  let after = next.firstChild;
  while (before && after && (before.isEqualNode(after) || grown(before, after))) {
    before = before.nextSibling;
    after = after.nextSibling;
  }
  while (before) {
    const gone: ChildNode = before;
    before = before.nextSibling;
    gone.remove();
  }
  while (after) {
    const come: ChildNode = after;
    after = after.nextSibling;
    place.appendChild(come);
  }
}

/** Grows one node into another, where it can become it. */
function grown(before: Node, after: Node): boolean {
  if (before instanceof Text && after instanceof Text) {
    if (!after.data.startsWith(before.data)) return false;
    before.appendData(after.data.slice(before.data.length));
    return true;
  }
  if (!(before instanceof Element && after instanceof Element)) return false;
  if (!before.cloneNode(false).isEqualNode(after.cloneNode(false))) return false;
  grow(before, after);
  return true;
}
