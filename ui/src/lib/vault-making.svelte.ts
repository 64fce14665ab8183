import { make_vault, type Created, type Failure } from './bindings';
import { Act } from './act.svelte';
import { standing } from './standing.svelte';

/** The making of the vault: with the keychain alone where it works, else with a passphrase. */
export class VaultMaking {
  act = new Act();
  passphrase = $state('');
  /** Whether a passphrase is asked for. */
  needsPassphrase = $state(false);
  /** Why there is no keychain slot. */
  noKeychain = $state.raw<Failure | null>(null);
  /** The recovery code, for as long as it is to be shown. */
  recoveryCode = $state<string | null>(null);

  /** Makes the vault as far as the keychain and what was typed allow; tells whether it exists now. */
  make = async (): Promise<boolean> => {
    const passphrase = this.passphrase === '' ? null : this.passphrase;
    const made = await this.act.run(async () => {
      const created = await make_vault({
        keychain: !this.needsPassphrase,
        passphrase,
        recovery: true,
      });
      this.#take(created);
    });
    if (made) {
      this.passphrase = '';
      await standing.load();
    } else if (this.act.failure?.code === 'keychain_unavailable' && !this.needsPassphrase) {
      this.noKeychain = this.act.failure;
      this.needsPassphrase = true;
      this.act.clear();
    }
    return made;
  };

  /** Lets go of the code once it has been put somewhere safe. */
  forgetCode = (): void => {
    this.recoveryCode = null;
  };

  #take(created: Created): void {
    this.recoveryCode = created.recovery_code;
    this.noKeychain = created.no_keychain;
  }
}
