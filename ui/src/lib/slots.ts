/** The ways to open the vault, in words. */
import type { Slot, SlotKind } from './bindings';

export interface SlotWords {
  /** What stands in the list. */
  label: string;
  /** What stands in a sentence. */
  name: string;
  /** How it is set where it is missing, and where it is there already. */
  add: string;
  renew: string;
  /** What removing it means. */
  loss: string;
}

export const KINDS: readonly SlotKind[] = ['keychain', 'passphrase', 'recovery'];

export const SLOTS: Record<SlotKind, SlotWords> = {
  keychain: {
    label: 'Keychain',
    name: 'the keychain',
    add: 'Add',
    renew: 'Renew',
    loss: "The vault's entry is taken out of this computer's keychain, and after each start the vault has to be unlocked by hand.",
  },
  passphrase: {
    label: 'Passphrase',
    name: 'the passphrase',
    add: 'Add',
    renew: 'Change',
    loss: 'What you chose as the passphrase opens nothing any more.',
  },
  recovery: {
    label: 'Recovery code',
    name: 'the recovery code',
    add: 'Make',
    renew: 'Make a new one',
    loss: 'The code that you kept opens nothing any more, and can be thrown away.',
  },
};

/** Says what still opens the vault without one of its ways, and warns where that is only one. */
export function leftWithout(slots: readonly Slot[], kind: SlotKind): string {
  const left = KINDS.filter((other) => other !== kind && slots.some((slot) => slot.kind === other));
  const names = left.map((other) => SLOTS[other].name);
  if (names.length > 1) return `The vault then opens with ${names.join(' or ')}.`;
  return `Only ${names[0] ?? ''} is left then: if that is lost, so is every key in the vault.`;
}
