/** What the page makes of a failure, beyond showing its words. */
import type { Code, Failure } from './bindings';

/** Codes that mean "the same may work if it is tried again". */
const PASSING: readonly Code[] = ['busy', 'network', 'timeout', 'keychain_unavailable', 'failed'];

/** Codes whose way out stands in the page itself, so that the hint would only repeat it. */
const MENDED_IN_PLACE: readonly Code[] = ['locked', 'no_vault'];

/** Returns what to do about a failure, where the page doesn't offer it itself. */
export function advice({ code, hint }: Failure): string | null {
  return MENDED_IN_PLACE.includes(code) ? null : hint;
}

/** Tells whether trying again may help. */
export function isPassing({ code }: Failure): boolean {
  return PASSING.includes(code);
}
