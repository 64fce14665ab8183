import Copy from '@lucide/svelte/icons/copy';
import Ellipsis from '@lucide/svelte/icons/ellipsis';
import KeyRound from '@lucide/svelte/icons/key-round';
import { render } from '@testing-library/svelte';
import { expect, it } from 'vitest';

import { stillIcons } from '../../still-icons.ts';

function drawn(icon: typeof Copy, props = {}): SVGElement {
  const svg = render(icon, props).container.querySelector('svg');
  if (!svg) throw new Error('there is no icon');
  return svg;
}

it('an icon has the size and the lines that it is asked for, and nobody reads it out', () => {
  const { attributes } = drawn(Copy, { size: 15, strokeWidth: 1.5 });
  const said = Object.fromEntries(Array.from(attributes, ({ name, value }) => [name, value]));
  expect(said).toMatchObject({
    width: '15',
    height: '15',
    'stroke-width': '1.5',
    stroke: 'currentColor',
    viewBox: '0 0 24 24',
    'aria-hidden': 'true',
  });
});

it('the lines of an icon are in one path, and what is round stays beside it', () => {
  expect(drawn(Copy).innerHTML).toMatch(
    /^<rect [^>]*rx="2"[^>]*><\/rect><path d="M4 16[^"]*"><\/path>$/,
  );
  const dots = drawn(Ellipsis).querySelectorAll('path');
  expect(dots).toHaveLength(1);
  expect(dots[0]?.getAttribute('d')?.match(/m/gi)).toHaveLength(3);
});

it('what is filled stays apart from the lines', () => {
  const [line, dot, ...more] = drawn(KeyRound).querySelectorAll('path');
  expect(line?.getAttribute('fill')).toBeNull();
  expect(dot?.getAttribute('fill')).toBe('currentColor');
  expect(more).toHaveLength(0);
});

it('an icon that is drawn in another way than is known stops the build', () => {
  const { transform } = stillIcons();
  const id = '/node_modules/@lucide/svelte/dist/icons/copy.svelte';
  const build = {
    error: (text: string) => {
      throw new Error(text);
    },
  };
  if (typeof transform !== 'function') throw new Error('it draws nothing');
  expect(() => transform.call(build as never, '<svg />', id)).toThrow('in another way');
});
