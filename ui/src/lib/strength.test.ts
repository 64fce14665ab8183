import { expect, it } from 'vitest';

import { strength } from './strength';

it.each([
  ['', ''],
  ['aaaaaaaaaaaaaaaaaaaa', 'weak'],
  ['abcdefghijklmnop', 'weak'],
  ['password', 'weak'],
  ['correct horse battery', 'fair'],
  ['correct horse battery staple', 'good'],
  ['correct horse battery staple lantern', 'strong'],
])('%s looks %s', (passphrase, word) => {
  expect(strength(passphrase).word).toBe(word);
});
