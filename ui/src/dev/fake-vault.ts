/** The stand-in's vault: what opens it, whether it is open, and a keychain that may let one wait. */
import type { Change, NewSlot, NewVault, Opener, SlotKind, VaultStatus } from '../lib/bindings';
import { weigh } from './refusals';
import { standingOf } from './sample';
import { refuse } from './sample-replies';
import type { Scenario } from './scenario';

const CODES = [
  'K7QM-2XWP-9RTD-HN4V-6BJC-Y8FG-3ZSA-5KEL',
  'W3HD-8QRK-5TZN-J2VC-9MXB-4GYP-7FAS-6LUE',
];

export class FakeVault {
  status: VaultStatus | null = null;

  #keychain: Scenario['keychain'];
  #tell: (change: Change) => void;
  #made = 0;
  /** Ends the wait for the keychain. */
  #stop: () => void = () => undefined;

  constructor({ state, keychain, slots }: Scenario, tell: (change: Change) => void) {
    this.#keychain = keychain;
    this.#tell = tell;
    if (state === 'first-run') return;
    const status = standingOf([]).vault;
    if (status && slots) status.slots = status.slots.filter(({ kind }) => slots.includes(kind));
    this.status = status;
    if (state === 'locked') this.#set({ lock: { locked: 'idle' } });
  }

  /** Refuses what needs an open vault. */
  need(): VaultStatus {
    if (!this.status) throw refuse('no_vault', 'There is no vault yet.', null, 'make_vault');
    if (this.status.lock === 'unlocked') return this.status;
    throw refuse('locked', 'The vault is locked.', null, 'unlock_vault');
  }

  async make({ keychain, passphrase, recovery }: NewVault) {
    if (passphrase !== null) weigh(passphrase);
    const no_keychain = keychain ? await this.#ask().catch((why: unknown) => why) : null;
    if (no_keychain && passphrase === null) throw no_keychain;
    this.status = standingOf([]).vault;
    const wanted = {
      keychain: keychain && !no_keychain,
      passphrase: passphrase !== null,
      recovery,
    };
    const slots = this.status?.slots.filter(({ kind }) => wanted[kind]) ?? [];
    this.#set({ slots: slots.map((slot) => ({ ...slot, created_at: Date.now() })) });
    return { recovery_code: recovery ? this.#code() : null, no_keychain: no_keychain ?? null };
  }

  async add(slot: NewSlot): Promise<string | null> {
    this.need();
    if (typeof slot === 'object') weigh(slot.passphrase);
    if (slot === 'keychain') await this.#ask();
    const { slots } = this.need();
    const kind = typeof slot === 'object' ? 'passphrase' : slot;
    const others = slots.filter((other) => other.kind !== kind);
    this.#set({ slots: [...others, { kind, created_at: Date.now(), last_used_at: null }] });
    return kind === 'recovery' ? this.#code() : null;
  }

  remove(kind: SlotKind): null {
    const { slots } = this.need();
    const others = slots.filter((slot) => slot.kind !== kind);
    if (others.length === 0) {
      throw refuse('bad_input', 'The last way to open the vault stays.', 'Add another one first.');
    }
    this.#set({ slots: others });
    return null;
  }

  async unlock(opener: Opener): Promise<null> {
    if (opener === 'keychain') await this.#ask();
    else if (Object.values(opener).includes('wrong')) {
      throw refuse(
        'wrong_passphrase',
        'The passphrase does not open the vault.',
        'Try again, or open the vault with the recovery code.',
      );
    }
    this.#set({ lock: 'unlocked' });
    return null;
  }

  lock(): null {
    this.#set({ lock: { locked: 'asked' } });
    return null;
  }

  stopWaiting(): null {
    this.#stop();
    return null;
  }

  /** Asks the keychain, which may be missing, or wait for its owner until that is stopped. */
  async #ask(): Promise<void> {
    if (this.#keychain === 'there') return;
    let why = 'none answers here';
    if (this.#keychain === 'waits') {
      this.#tell('keychain_waits');
      await new Promise<void>((resolve) => (this.#stop = resolve));
      this.#tell('keychain_done');
      why = 'it was not waited for';
    }
    throw refuse(
      'keychain_unavailable',
      `The keychain can't be used: ${why}.`,
      'Use the passphrase or the recovery code instead, or unlock the keychain and try again.',
    );
  }

  #code(): string {
    return CODES[this.#made++ % CODES.length] ?? '';
  }

  #set(change: Partial<VaultStatus>): void {
    if (this.status) this.status = { ...this.status, ...change };
    this.#tell('store');
  }
}
