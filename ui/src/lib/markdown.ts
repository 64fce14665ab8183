/**
 * From a model's Markdown to nodes that are safe to show. What comes in is untrusted: raw HTML is
 * shown as text, and what the parser makes is sanitised again before it becomes part of the page.
 */
import DOMPurify from 'dompurify';
import { Marked, type Token, type Tokens } from 'marked';

const escapes: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escaped = (text: string): string => text.replace(/[&<>"']/g, (sign) => escapes[sign] ?? '');

/** Returns where a link leads, as a browser reads it, or nothing where it is not a web page. */
export function webPage(href: string): string | null {
  const url = URL.canParse(href) ? new URL(href) : null;
  const isPlain = url !== null && /^https?:$/.test(url.protocol) && !url.username && !url.password;
  return isPlain ? url.href : null;
}

/** A link with its address beside it, unless its words are the address already. */
function link(href: string, words: string, plain: string): string {
  const page = webPage(href);
  if (page === null) return words;
  const shown = escaped(page);
  const says = [page, page.replace(/\/$/, '')].includes(plain.trim());
  const beside = says ? '' : ` <small>(${shown})</small>`;
  return `<a href="${shown}" title="${shown}">${words}</a>${beside}`;
}

const marked = new Marked({
  gfm: true,
  renderer: {
    html: ({ text }: Tokens.HTML | Tokens.Tag) => escaped(text),
    link({ href, text, tokens }: Tokens.Link) {
      return link(href, this.parser.parseInline(tokens), text);
    },
    // A picture would be fetched without being asked for, so it is only named.
    image: ({ href, text }: Tokens.Image) => link(href, escaped(text || 'Picture'), text),
    checkbox: ({ checked }: Tokens.Checkbox) => (checked ? '☑ ' : '☐ '),
  },
});

const signs = Object.fromEntries(Object.entries(escapes).map(([sign, name]) => [name, sign]));

/** Returns what `next` adds to the text at the end of the paragraph `before`, if it does no more. */
export function addedText(before: string, next: string): string | null {
  const kept = before.slice(0, -END.length);
  const isGrown = before.endsWith(END) && next.endsWith(END) && next.startsWith(kept);
  const added = next.slice(kept.length, -END.length);
  // Behind an element there is no text to add to.
  if (!isGrown || kept.endsWith('>') || !/^(?:[^<>&]|&(?:amp|lt|gt|quot|#39);)*$/.test(added))
    return null;
  return added.replace(/&[^;]+;/g, (name) => signs[name] ?? name);
}

/** Turns what `Rendering` made into nodes. They are not parsed again, so nothing can change on the way. */
export function sanitised(html: string): DocumentFragment {
  return DOMPurify.sanitize(html, {
    ALLOWED_TAGS: (
      'p br hr h1 h2 h3 h4 h5 h6 strong em del code pre blockquote ul ol li ' +
      'table thead tbody tr th td a small #text'
    ).split(' '),
    ALLOWED_ATTR: ['href', 'title', 'align', 'start'],
    ALLOWED_URI_REGEXP: /^https?:\/\//i,
    // Numbers and words, which that rule for addresses would take away.
    ADD_URI_SAFE_ATTR: ['align', 'start'],
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
}

/** What may be the definition of a link, in a line of its own or of a quote or a list. */
const DEFINES = /^[ \t>*+\d.)-]*\[[^\]\n]+\]:/m;

/** How a paragraph ends. */
const END = '</p>\n';

/** What means nothing in Markdown, in the middle of a line. */
const PLAIN = /^[\p{L}\p{M}\p{N} .,:?!-]*$/u;
/** A line of which so much is there begins with what it will begin with. */
const BEGUN = 20;

/** Tells whether words at the end of a line can only be words, whatever the line began with. */
function isPlain(before: string, words: string): boolean {
  const line = before.slice(before.lastIndexOf('\n') + 1);
  const last = line.slice(line.lastIndexOf(' ') + 1);
  const together = last + words;
  const isBegun = line.length >= BEGUN && !line.startsWith('[');
  return isBegun && PLAIN.test(together) && !together.includes('www.');
}

/**
 * Renders a text that grows at its end. Only the last block is parsed again, because it alone can
 * still become something else.
 */
export class Rendering {
  /** Each block's HTML, to be sanitised. */
  blocks: string[] = [];

  #text = '';
  /** How much of the text is in blocks that can't change. */
  #settled = 0;
  #settledBlocks = 0;
  /** The last block is a paragraph, to which words can be added. */
  #isOpen = false;

  /** Takes the text as it is now, and says whether it is all there. */
  update(text: string, isWhole: boolean): string[] {
    const clean = text.replace(/\r\n?/g, '\n');
    // A definition means something for what stands before it. Nothing else does.
    const isAnew = isWhole && DEFINES.test(clean);
    if (!isAnew && this.#addWords(clean)) return this.blocks;
    if (isAnew || !clean.startsWith(this.#text.slice(0, this.#settled))) {
      this.#settled = 0;
      this.#settledBlocks = 0;
    }
    this.#text = clean;
    const tokens = marked.lexer(clean.slice(this.#settled));
    const fresh = tokens.filter((token) => token.type !== 'space' && token.type !== 'def');
    this.blocks = [
      ...this.blocks.slice(0, this.#settledBlocks),
      ...fresh.map((token) => marked.parser([token])),
    ];
    if (!isAnew) this.#settle(tokens);
    this.#isOpen = tokens.at(-1)?.type === 'paragraph';
    return this.blocks;
  }

  /** Adds what came to the last paragraph without parsing it again, where it is nothing but words. */
  #addWords(text: string): boolean {
    const words = text.slice(this.#text.length);
    const last = this.blocks.at(-1);
    if (!this.#isOpen || !last?.endsWith(END) || !text.startsWith(this.#text)) return false;
    if (!isPlain(this.#text, words)) return false;
    this.blocks = [...this.blocks.slice(0, -1), last.slice(0, -END.length) + words + END];
    this.#text = text;
    return true;
  }

  /** Closes every block before the last one that says something. */
  #settle(tokens: Token[]): void {
    const last = tokens.findLastIndex((token) => token.type !== 'space');
    if (last <= 0) return;
    const closed = tokens.slice(0, last);
    this.#settled += closed.reduce((length, token) => length + token.raw.length, 0);
    this.#settledBlocks += closed.filter(
      (token) => token.type !== 'space' && token.type !== 'def',
    ).length;
  }
}

/** When the screen is there, and nobody has typed a prompt yet. */
const WARM_UP_MS = 300;

/**
 * Draws a few words to nowhere, soon: whoever does so first waits longer than a frame, and an answer should not.
 * Returns what calls that off.
 */
export function warmUpSoon(): () => void {
  const timer = setTimeout(
    () => sanitised(new Rendering().update('Some *words* and `code`.', true).join('')),
    WARM_UP_MS,
  );
  return () => clearTimeout(timer);
}
