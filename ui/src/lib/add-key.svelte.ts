import { add_key, take_over, type Added, type KeyEdit } from './bindings';
import { Act } from './act.svelte';
import { failure } from './host';
import type { PayingKey } from './payer';
import { VaultMaking } from './vault-making.svelte';

/** The steps: what key, then a vault where the keychain can't open one alone, then its code. */
export type Step = 'key' | 'vault' | 'code';

/**
 * The adding of one key, from the paste to the row. What was typed stays until the key is stored,
 * and the key itself is let go of at once then.
 */
export class AddKey {
  step = $state<Step>('key');
  secret = $state('');
  name = $state('');
  baseUrl = $state('');
  environment = $state('');
  added = $state.raw<Added | null>(null);

  readonly act = new Act();
  readonly making = new VaultMaking();
  /** The key to take over, where none is pasted. */
  readonly paying: PayingKey | null;

  constructor(name: string, paying: PayingKey | null = null) {
    this.name = name;
    this.paying = paying;
  }

  /** Whether there is enough to go on with. */
  get isReady(): boolean {
    return this.name.trim() !== '' && (this.paying !== null || this.secret.trim() !== '');
  }

  /** Whether something would be lost by closing. */
  get isBegun(): boolean {
    return this.secret !== '' || this.making.passphrase !== '' || this.step !== 'key';
  }

  /** Whether the server could not be asked, so that the key may be stored unchecked. */
  get canStoreUnchecked(): boolean {
    return this.act.failure?.remedy === 'store_unchecked';
  }

  /** Checks and stores the key, with a vault made for it where there is none yet. */
  submit = async (unchecked = false): Promise<void> => {
    if (this.isReady) await this.act.run(() => this.#store(unchecked));
  };

  /** Makes the vault with the passphrase that was typed, and goes on. */
  makeVault = async (): Promise<void> => {
    if (!(await this.making.make())) return;
    this.step = 'key';
    await this.submit();
  };

  /** Lets go of all that is secret. */
  forget = (): void => {
    this.secret = '';
    this.making.passphrase = '';
    this.making.forgetCode();
  };

  async #store(unchecked: boolean): Promise<void> {
    try {
      this.added = await this.#send(unchecked);
    } catch (error) {
      if (failure(error).code !== 'no_vault') throw error;
      if (await this.making.make()) return this.#store(unchecked);
      if (!this.making.needsPassphrase) throw this.making.act.failure;
      this.step = 'vault';
      return;
    }
    this.secret = '';
    if (this.making.recoveryCode !== null) this.step = 'code';
  }

  #send(unchecked: boolean): Promise<Added> {
    const environment = this.environment.trim();
    const labels: KeyEdit = { name: this.name.trim(), ...(environment && { environment }) };
    const base_url = this.baseUrl.trim() || null;
    const common = { base_url, labels, unchecked, select: true };
    if (!this.paying) return add_key({ secret: this.secret.trim(), ...common });
    const { name, last4 } = this.paying;
    return take_over({ name, last4, ...common });
  }
}

/** Offers a name that no key has yet: `Personal`, `Personal 2`, … */
export function freeName(wanted: string, taken: readonly string[]): string {
  const used = taken.map((name) => name.toLowerCase());
  let name = wanted;
  for (let number = 2; used.includes(name.toLowerCase()); number++) name = `${wanted} ${number}`;
  return name;
}
