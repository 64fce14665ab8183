/** A quick measure of a passphrase while it is typed. The program has the last word on it. */

/** How good a passphrase looks, from 0 (nothing) to 4 (strong), with a word for it. */
export type Strength = { score: 0 | 1 | 2 | 3 | 4; word: string };

const WORDS = ['', 'weak', 'fair', 'good', 'strong'] as const;

/** Estimates how long a passphrase would withstand guessing, from what it is made of. */
export function strength(passphrase: string): Strength {
  const letters = [...passphrase];
  if (letters.length === 0) return { score: 0, word: '' };
  const bits = new Set(letters).size < 5 ? 10 : Math.min(byLetters(letters), byWords(passphrase));
  const score = bits < 36 ? 1 : bits < 50 ? 2 : bits < 64 ? 3 : 4;
  return { score, word: WORDS[score] };
}

/** What it is worth letter by letter; letters that repeat or follow one another are worth little. */
function byLetters(letters: string[]): number {
  const kinds: [RegExp, number][] = [
    [/[a-z]/, 26],
    [/[A-Z]/, 26],
    [/[0-9]/, 10],
    [/[^a-zA-Z0-9]/, 33],
  ];
  const text = letters.join('');
  const alphabet = kinds.reduce(
    (size, [kind, letters]) => size + (kind.test(text) ? letters : 0),
    0,
  );
  const fresh = letters.filter((letter, index) => {
    const before = letters[index - 1];
    if (before === undefined) return true;
    return Math.abs((letter.codePointAt(0) ?? 0) - (before.codePointAt(0) ?? 0)) > 1;
  });
  return fresh.length * Math.log2(alphabet);
}

/** What it is worth as words: about 13 bits for each, as in a list of 7,776 with some slack. */
function byWords(text: string): number {
  const words = text.toLowerCase().match(/[\p{L}]{3,}/gu) ?? [];
  const rest = text.replace(/[\p{L}]{3,}/gu, '').replace(/[\s-]/g, '');
  const spread = new Set(words).size * 13 + rest.length * 5;
  return words.length === 0 ? Number.POSITIVE_INFINITY : spread;
}
