import { expect, test } from 'vitest';

import type { Slot, SlotKind } from './bindings';
import { leftWithout } from './slots';

const slots = (...kinds: SlotKind[]): Slot[] =>
  kinds.map((kind) => ({ kind, created_at: 0, last_used_at: null }));

test('the ways that are left are named in the order of the list', () => {
  expect(leftWithout(slots('recovery', 'passphrase', 'keychain'), 'passphrase')).toBe(
    'The vault then opens with the keychain or the recovery code.',
  );
});

test('one way that is left comes with a warning', () => {
  expect(leftWithout(slots('keychain', 'recovery'), 'keychain')).toMatch(
    /^Only the recovery code is left then: if that is lost, so is every key/,
  );
});
