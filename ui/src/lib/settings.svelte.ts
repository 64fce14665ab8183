/** The settings, and how saving each of them goes. */
import { change_setting, list_settings } from './bindings';
import type { Failure, SettingRow } from './bindings';
import { failure } from './host';
import { Resource } from './resource.svelte';

/** For so long it says that it was saved. */
const SAID_MS = 2_000;

export class SettingsState {
  readonly list = new Resource<SettingRow[]>(list_settings);
  /** Which setting was saved last. */
  saved = $state<string | null>(null);
  /** Which is being saved. */
  saving = $state<string | null>(null);
  /** What went wrong, by the setting's name; its old value holds. */
  failures = $state.raw<Readonly<Record<string, Failure>>>({});

  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Saves a value; tells whether it holds now. */
  save = async (name: string, value: string): Promise<boolean> => {
    this.saving = name;
    this.saved = null;
    const others = { ...this.failures };
    delete others[name];
    try {
      await change_setting(name, value);
      this.failures = others;
      await this.list.load();
      this.saved = name;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => (this.saved = null), SAID_MS);
      return true;
    } catch (error) {
      this.failures = { ...others, [name]: failure(error) };
      return false;
    } finally {
      this.saving = null;
    }
  };
}
