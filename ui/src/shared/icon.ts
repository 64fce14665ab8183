/**
 * Icons for the rows of long lists. A lucide icon sets each attribute of each of its lines by itself,
 * which takes longer than everything else in a row: here it is drawn once, and rows take copies.
 */
import type { LucideProps } from '@lucide/svelte';
import type { Component } from 'svelte';
import type { Attachment } from 'svelte/attachments';

import { drawn as draw } from './stamp';

type Icon = Component<LucideProps>;

const icons = new Map<Icon, Map<number, Node>>();

/** Puts a copy of an icon at the beginning of an element. */
export function withIcon(icon: Icon, size: number): Attachment {
  return (element) => {
    const sizes = icons.get(icon) ?? new Map<number, Node>();
    icons.set(icon, sizes);
    const first = sizes.get(size) ?? draw(icon, { size });
    sizes.set(size, first);
    const copy = first.cloneNode(true) as Element;
    element.prepend(copy);
    return () => copy.remove();
  };
}
