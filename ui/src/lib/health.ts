/** How a key is, in one word: the server's last verdict, or its end where that is near. */
import type { KeyRow, Validity } from './bindings';
import { ago, date } from './format';

/** A state with its word, and what it means. */
export type Health = { state: 'ok' | 'warn' | 'bad' | 'idle'; word: string; about: string };

const DAY = 86_400_000;
const SOON = 14 * DAY;

/** What the server last said of a key. */
export const HEALTH: Record<Validity, Health> = {
  valid: { state: 'ok', word: 'valid', about: 'The server takes this key.' },
  unchecked: { state: 'idle', word: 'unchecked', about: 'The server was not asked yet.' },
  no_credit: {
    state: 'warn',
    word: 'no credit',
    about: 'The key is good, but its account has no credit left.',
  },
  billing: {
    state: 'warn',
    word: 'billing',
    about: 'The key is good, but its account has a billing problem.',
  },
  refused: { state: 'bad', word: 'refused', about: 'The server does not take this key (401).' },
  not_allowed: {
    state: 'bad',
    word: 'not allowed',
    about: 'The key may not do what was asked (403).',
  },
  disabled: { state: 'bad', word: 'disabled', about: 'The key or its organisation is disabled.' },
};

/** Says how a key is now. */
export function health(key: KeyRow, now: number = Date.now()): Health {
  const said = HEALTH[key.validity];
  if (!key.is_active) {
    return { state: 'idle', word: 'retired', about: 'This key pays for no more runs.' };
  }
  const checked = key.checked_at === null ? '' : ` Checked ${ago(key.checked_at, now)}.`;
  if (key.expires_at !== null && key.expires_at <= now) {
    return {
      state: 'bad',
      word: 'expired',
      about: `Expired on ${date(key.expires_at)}.${checked}`,
    };
  }
  if (key.expires_at !== null && key.expires_at - now < SOON && said.state === 'ok') {
    const days = Math.ceil((key.expires_at - now) / DAY);
    return {
      state: 'warn',
      word: `${days} d left`,
      about: `Expires on ${date(key.expires_at)}.${checked}`,
    };
  }
  return { ...said, about: said.about + checked };
}
