/** What the page makes of a failure, beyond showing its words. */
import type { Code, Failure, Remedy } from './bindings';

/** Codes that mean "the same may work if it is tried again". */
const PASSING: readonly Code[] = ['busy', 'network', 'timeout', 'keychain_unavailable', 'failed'];

/** Codes of a keychain that did not open the vault. */
const KEYCHAIN: readonly Code[] = ['keychain_unavailable', 'keychain_empty', 'keychain_mismatch'];

/** Tells whether it was the keychain that did not open the vault, so that another way might. */
export function isOfKeychain({ code }: Failure): boolean {
  return KEYCHAIN.includes(code);
}

/** Tells whether trying again may help. */
export function isPassing({ code }: Failure): boolean {
  return PASSING.includes(code);
}

/** Returns the step that would help; a locked or missing vault always has one. */
export function remedyOf({ code, remedy }: Failure): Remedy | null {
  if (code === 'locked') return 'unlock_vault';
  return code === 'no_vault' ? 'make_vault' : remedy;
}

/** Words a step that has no button of its own. */
export function advice(failure: Failure): string | null {
  const words: Partial<Record<Remedy, string>> = {
    name_gateway: 'For the token of a gateway, name the gateway under Advanced.',
    restore_store: 'In a terminal, put one of the copies back: `switchyard store restore FILE`.',
  };
  const remedy = remedyOf(failure);
  const parts = [failure.hint, remedy && words[remedy]].filter(Boolean);
  return parts.length === 0 ? null : parts.join(' ');
}
