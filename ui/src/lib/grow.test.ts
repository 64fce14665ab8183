import { expect, test } from 'vitest';

import { grow } from './grow';
import { Rendering, sanitised } from './markdown';

const text =
  'One *two* **three** `four` [five](https://example.com) six\nseven\n===\n\n- a\n  - b\n- c\n\n' +
  '| a | b |\n|---|--:|\n| 1 | 2 |\n\n```js\nlet a;\n```\n\n> quote\n\nend &amp; <b>x</b>';

test('what grows step by step ends as what is made at once, whatever the steps', () => {
  for (const step of [1, 2, 3, 7, 40]) {
    const rendering = new Rendering();
    const places: HTMLElement[] = [];
    for (let end = step; end < text.length + step; end += step) {
      rendering.update(text.slice(0, end), false).forEach((html, at) => {
        grow((places[at] ??= document.createElement('div')), sanitised(html));
        const anew = document.createElement('div');
        anew.append(sanitised(html));
        expect(places[at].isEqualNode(anew)).toBe(true);
      });
    }
  }
});

test('a paragraph that grows keeps its nodes', () => {
  const place = document.createElement('div');
  grow(place, sanitised('<p>One <em>two</em> thr</p>'));
  const [paragraph, last] = [place.firstChild, place.firstChild?.lastChild];
  grow(place, sanitised('<p>One <em>two</em> three four</p>'));
  expect(place.firstChild).toBe(paragraph);
  expect(paragraph?.lastChild).toBe(last);
  expect(place.innerHTML).toBe('<p>One <em>two</em> three four</p>');
});

test('what became something else is replaced', () => {
  const place = document.createElement('div');
  grow(place, sanitised('<p>Title</p>'));
  grow(place, sanitised('<h1>Title</h1>'));
  expect(place.innerHTML).toBe('<h1>Title</h1>');
  grow(place, sanitised('<a href="https://example.com/a">a</a>'));
  grow(place, sanitised('<a href="https://example.com/ab">ab</a>'));
  expect(place.innerHTML).toBe('<a href="https://example.com/ab">ab</a>');
  grow(place, sanitised(''));
  expect(place.childNodes).toHaveLength(0);
});
