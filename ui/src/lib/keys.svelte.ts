import { check_key, copy_key, list_keys, lock, remove_key, select_key, test_key } from './bindings';
import type { Checked, KeyId, KeyRow } from './bindings';
import { HEALTH } from './health';
import { money } from './money';
import { Resource } from './resource.svelte';
import { say } from './said.svelte';
import { standing } from './standing.svelte';

/** The stored keys: one reading for the list, the dropdown, and the palette. */
export const keys = new Resource<KeyRow[]>(list_keys);

/** Names a key for people: `Work …3f9a`. */
export function named({ name, last4 }: { name: string; last4: string }): string {
  return `${name} …${last4}`;
}

/** Tells whether a key could pay for a run. */
export function canPay({ kind, is_active }: KeyRow): boolean {
  return kind === 'api' && is_active;
}

/** Makes a key the active one. */
export async function select(id: KeyId): Promise<void> {
  const key = await select_key(id);
  await Promise.all([standing.load(), keys.load()]);
  say(`${named(key)} pays from now on.`);
}

/** Asks the key's server about it, for free; what it found wrong is thrown. */
export async function check(id: KeyId): Promise<void> {
  tell(await check_key(id));
}

/** Makes a small real call, which costs money; what it found wrong is thrown. */
export async function test(id: KeyId): Promise<void> {
  tell(await test_key(id));
}

function tell({ key, trouble, cost }: Checked): void {
  void keys.load();
  if (trouble) throw trouble;
  const price = cost === null ? '' : ` The call cost ${money(cost)}.`;
  say(`${named(key)} is ${HEALTH[key.validity].word}.${price}`);
}

/** Puts a key into the clipboard for a minute. */
export async function copy(id: KeyId): Promise<void> {
  await copy_key(id);
  say('Copied. The clipboard is cleared after a minute.');
}

/** Deletes a key. */
export async function remove(id: KeyId): Promise<void> {
  const key = await remove_key(id);
  await Promise.all([standing.load(), keys.load()]);
  say(`${named(key)} is deleted here.`);
}

/** Locks the vault for every window and terminal. */
export async function lockNow(): Promise<void> {
  await lock();
  await standing.load();
  say('The vault is locked.');
}
