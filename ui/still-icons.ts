/**
 * Icons as markup that stands still. An icon of the library is made anew, attribute by attribute, each time that one
 * is shown; here each is drawn when the page is built, with its lines in one path where they can be. Their type is
 * `still-icon.d.ts`, which stands for every name: one that the library does not have stops the build.
 */
import { optimize } from 'svgo';
import type { Plugin } from 'vite';

type Shape = [tag: string, attributes: Record<string, string>];

const ICON = /@lucide.svelte.dist.icons.[\w-]+\.svelte$/;
const DATA = /const iconData = (\{.*\});/;

/** What the library puts round its shapes, apart from its size. */
const AROUND =
  'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="currentColor" ' +
  'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"';

/** Writes an icon's shapes as few paths. */
function merged(shapes: readonly Shape[]): string {
  const drawn = shapes.map(([tag, attributes]) => {
    const written = Object.entries(attributes).map(([name, value]) => `${name}="${value}"`);
    return `<${tag} ${written.join(' ')}/>`;
  });
  const { data } = optimize(`<svg xmlns="http://www.w3.org/2000/svg">${drawn.join('')}</svg>`, {
    plugins: [
      { name: 'convertShapeToPath', params: { convertArcs: true } },
      { name: 'mergePaths', params: { force: true } },
    ],
  });
  return data.replace(/^<svg[^>]*>|<\/svg>$/g, '');
}

/** Replaces each icon of the library by its drawing. */
export function stillIcons(): Plugin {
  return {
    name: 'still-icons',
    enforce: 'pre',
    transform(code, id) {
      if (!ICON.test(id.split('?', 1)[0] ?? '')) return null;
      const found = DATA.exec(code)?.[1];
      if (found === undefined)
        this.error('The library draws its icons in another way than before.');
      const { node } = JSON.parse(found) as { node: Shape[] };
      return `<script>const { size = 24, strokeWidth = 2 } = $props();</script>
<svg ${AROUND} width={size} height={size} stroke-width={strokeWidth}>${merged(node)}</svg>`;
    },
  };
}
