/** How the stand-in refuses: what fails in the scenario `error`, and what is wrong with an input. */
import type { Failure } from '../lib/bindings';
import { refuse } from './sample-replies';

/** Commands that fail in the scenario `error`, each in its own way. */
export const BROKEN: Record<string, Failure> = {
  who: refuse(
    'timeout',
    'Your login shell did not answer within 5 s.',
    'Look for a command in ~/.zshrc that waits for input.',
  ),
  list_keys: refuse(
    'store_damaged',
    'The store is damaged near the list of keys.',
    null,
    'restore_store',
  ),
  list_hosts: refuse('store_damaged', 'The list of hosts is damaged.', null, 'restore_store'),
  list_runs: refuse('failed', 'The history could not be read.', null),
  usage: refuse('failed', 'The ledger could not be summed up.', 'Try again.'),
  preflight: refuse(
    'network',
    'The server could not be reached.',
    'Look at the connection and the proxy.',
  ),
  send: refuse('busy', 'The server is overloaded (529).', 'Try again in a few minutes.'),
  add_key: refuse(
    'key_refused',
    'The server refused this key (401). It was not stored.',
    'Copy it again from the Console; a key is shown there once.',
  ),
  check_key: refuse(
    'network',
    'The server could not be reached, so nothing was found out.',
    'Look at the connection and the proxy.',
  ),
};

/** A store whose file lost its end. */
export const DAMAGE = refuse(
  'store_damaged',
  'The store is damaged, so it is open for reading only: the file is cut short: 3 of its 10 pages are missing.',
  'Nothing was changed. Copies of the store are in the folder backups beside it. Don’t move its files by hand: its log has to go with it.',
  'restore_store',
);

/** Refuses what is not a key; `refused` and `offline` in it play the server's part. */
export function judge(secret: string, isForGateway: boolean, unchecked: boolean): void {
  if (!/^sk-ant-api03-.{20,}$/.test(secret) && !isForGateway) {
    throw refuse(
      'bad_input',
      'This is not an Anthropic API key: those begin with sk-ant-api03- and have about 108 characters.',
      'Copy the whole key from the Console.',
      'name_gateway',
    );
  }
  if (secret.includes('refused')) throw BROKEN.add_key;
  if (secret.includes('offline') && !unchecked) {
    throw refuse(
      'network',
      'The key could not be checked, so it was not stored. The server could not be reached.',
      'Look at the connection and the proxy.',
      'store_unchecked',
    );
  }
}

/** Refuses a passphrase that is too short. */
export function weigh(passphrase: string): null {
  if (passphrase.length >= 12) return null;
  throw refuse(
    'bad_input',
    'This passphrase would be guessed soon.',
    'Four or five words that have nothing to do with each other are easy to remember and hard to guess.',
  );
}

/** A key that would have been billed in place of the plan. */
export const MISMATCH = refuse(
  'wrong_payer',
  '`claude` would have billed an API key (/login managed key), and not its own login with a plan. It was ended before the prompt was given to it; nothing was sent.',
  'Look with `switchyard who` at what sets it. It is most likely set by a key in the login itself: `claude auth logout`, then `claude auth login`.',
  'log_in',
);

/** The login has become another account's. */
export const OTHER = refuse(
  'wrong_payer',
  'This login of `claude` is another one than in its last run: it is Claude Max, zoe@example.net now, and was Claude Max, ann@example.org. Nothing was sent.',
  'If it is your account, say so, and it pays from then on. If it is not, log in again.',
  'confirm_login',
);
