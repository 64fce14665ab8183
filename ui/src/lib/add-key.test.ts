import { beforeEach, expect, it } from 'vitest';

import { keyOf, keyRow, standingOf } from '../dev/sample';
import { refuse } from '../dev/sample-replies';
import { TestHost } from '../dev/test-host';
import { AddKey, freeName } from './add-key.svelte';

const SECRET = 'sk-ant-api03-not-a-real-key';
const CODE = 'K7QM-2XWP';

let host: TestHost;
let hasVault: boolean;

beforeEach(() => {
  hasVault = false;
  host = new TestHost({
    standing: () => standingOf([]),
    add_key: () => {
      if (!hasVault) throw refuse('no_vault', 'There is no vault yet.', null);
      return {
        key: keyOf(keyRow({ name: 'Personal' })),
        is_selected: true,
        unchecked_because: null,
      };
    },
    make_vault: () => {
      hasVault = true;
      return { recovery_code: CODE, no_keychain: null };
    },
  });
});

function begun(): AddKey {
  const flow = new AddKey('Personal');
  flow.secret = ` ${SECRET}\n`;
  return flow;
}

it('the first key makes the vault with the keychain, and shows the recovery code', async () => {
  const flow = begun();
  await flow.submit();
  expect(host.argsOf('make_vault')).toEqual([
    { vault: { keychain: true, passphrase: null, recovery: true } },
  ]);
  expect([flow.step, flow.making.recoveryCode, flow.added?.key.name]).toEqual([
    'code',
    CODE,
    'Personal',
  ]);
});

it('the key is trimmed, sent, and let go of', async () => {
  hasVault = true;
  const flow = begun();
  await flow.submit();
  expect(host.argsOf('add_key')[0]).toMatchObject({ key: { secret: SECRET, select: true } });
  expect([flow.secret, flow.step]).toEqual(['', 'key']);
});

it('a second key makes no vault', async () => {
  hasVault = true;
  await begun().submit();
  expect(host.argsOf('make_vault')).toEqual([]);
});

it('without a keychain a passphrase is asked for, and what was typed is kept', async () => {
  host.on('make_vault', ({ vault }: { vault: { keychain: boolean } }) => {
    if (vault.keychain) throw refuse('keychain_unavailable', 'There is no keychain.', null);
    hasVault = true;
    return { recovery_code: CODE, no_keychain: null };
  });
  const flow = begun();
  await flow.submit();
  expect([flow.step, flow.act.failure, flow.secret.trim()]).toEqual(['vault', null, SECRET]);
  flow.making.passphrase = 'four words or five';
  await flow.makeVault();
  expect([flow.step, flow.making.passphrase, flow.added !== null]).toEqual(['code', '', true]);
});

it('a weak passphrase is said in its step', async () => {
  host.on('make_vault', ({ vault }: { vault: { keychain: boolean } }) => {
    throw vault.keychain
      ? refuse('keychain_unavailable', 'There is no keychain.', null)
      : refuse('bad_input', 'Too short.', null);
  });
  const flow = begun();
  await flow.submit();
  flow.making.passphrase = 'x';
  await flow.makeVault();
  expect([flow.step, flow.making.act.failure?.message]).toEqual(['vault', 'Too short.']);
});

it('a keychain that fails otherwise is said, and nothing is asked for', async () => {
  host.on('make_vault', () => {
    throw refuse('store_unwritable', 'The disk is full.', null);
  });
  const flow = begun();
  await flow.submit();
  expect([flow.step, flow.act.failure?.message]).toEqual(['key', 'The disk is full.']);
});

it('a key that could not be checked may be stored unchecked', async () => {
  hasVault = true;
  host.on('add_key', ({ key }: { key: { unchecked: boolean } }) => {
    if (!key.unchecked)
      throw refuse('network', 'The key could not be checked.', null, 'store_unchecked');
    return {
      key: keyOf(keyRow({ name: 'Personal' })),
      is_selected: true,
      unchecked_because: null,
    };
  });
  const flow = begun();
  await flow.submit();
  expect([flow.canStoreUnchecked, flow.added]).toEqual([true, null]);
  await flow.submit(true);
  expect(flow.added).not.toBeNull();
});

it('a refused key stays in its field and is not offered unchecked', async () => {
  hasVault = true;
  host.on('add_key', () => {
    throw refuse('key_refused', 'The server refused this key.', null);
  });
  const flow = begun();
  await flow.submit();
  expect([flow.canStoreUnchecked, flow.secret.trim(), flow.step]).toEqual([false, SECRET, 'key']);
});

it('taking over names what was seen, and needs no secret in the page', async () => {
  hasVault = true;
  host.on('take_over', () => ({
    key: keyOf(keyRow({ name: 'From my shell' })),
    is_selected: true,
    unchecked_because: null,
  }));
  const paying = { name: 'ANTHROPIC_API_KEY', last4: '3f9a', source: 'from ~/.zshrc, line 42' };
  const flow = new AddKey('From my shell', paying);
  expect(flow.isReady).toBe(true);
  await flow.submit();
  expect(host.argsOf('take_over')[0]).toMatchObject({
    key: { name: 'ANTHROPIC_API_KEY', last4: '3f9a', labels: { name: 'From my shell' } },
  });
});

it('nothing is sent without a key and a name', async () => {
  const flow = new AddKey('');
  flow.secret = SECRET;
  await flow.submit();
  expect(host.calls).toEqual([]);
});

it('a name that is taken gets a number', () => {
  expect(freeName('Personal', ['personal', 'Personal 2'])).toBe('Personal 3');
});
