/**
 * Icons for the rows of long lists. A lucide icon sets each attribute of each of its lines by itself,
 * which takes longer than everything else in a row: here it is drawn once, and rows take copies.
 */
import type { LucideProps } from '@lucide/svelte';
import { type Component, mount, unmount } from 'svelte';
import type { Attachment } from 'svelte/attachments';

type Icon = Component<LucideProps>;

const drawn = new Map<Icon, Map<number, Node>>();

function draw(icon: Icon, size: number): Node {
  const target = document.createElement('div');
  const made = mount(icon, { target, props: { size } });
  const copy = target.firstElementChild?.cloneNode(true) ?? target;
  void unmount(made);
  return copy;
}

/** Puts a copy of an icon at the beginning of an element. */
export function withIcon(icon: Icon, size: number): Attachment {
  return (element) => {
    const sizes = drawn.get(icon) ?? new Map<number, Node>();
    drawn.set(icon, sizes);
    const first = sizes.get(size) ?? draw(icon, size);
    sizes.set(size, first);
    const copy = first.cloneNode(true) as Element;
    element.prepend(copy);
    return () => copy.remove();
  };
}
