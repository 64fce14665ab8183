/** Taking over hosts from a list that is kept elsewhere: what it would do is looked at first. */
import { choose_host_list, import_hosts, preview_hosts } from '../../lib/bindings';
import type { BroughtHosts, Failure, HostList, ListFile } from '../../lib/bindings';
import { Act } from '../../lib/act.svelte';
import { count } from '../../lib/format';
import { failure } from '../../lib/host';
import { say } from '../../lib/said.svelte';
import { hosts } from '../../parts/hosts.svelte';
import { HostForm } from './host-form.svelte';

/** Where the list is. */
export type From = HostList['from'];

/** Nobody reads a preview that changes faster than this. */
const PAUSE_MS = 250;

export class Bringing {
  readonly from: From;
  readonly form = new HostForm();
  /** The file with what AWS printed. */
  file = $state.raw<ListFile | null>(null);
  tag = $state('');
  /** The user's name on the instances. */
  user = $state('');

  preview = $state.raw<BroughtHosts | null>(null);
  failure = $state.raw<Failure | null>(null);
  readonly act = new Act();

  /** How many hosts would be different afterwards. */
  readonly news = $derived(
    this.preview === null
      ? 0
      : this.preview.added.length + this.preview.changed.length + this.preview.gone.length,
  );

  #timer: ReturnType<typeof setTimeout> | undefined;
  #newest = 0;

  constructor(from: From) {
    this.from = from;
  }

  /** The list as it is asked about; nothing before a file is chosen. */
  get list(): HostList | null {
    const { from, form, file, tag, user } = this;
    const each = { name: '', destination: user.trim(), ...form.rest };
    if (from === 'ssh_config') return { from, each: { ...each, destination: '' } };
    if (file === null) return null;
    return { from, json: file.text, tag: tag.trim() === '' ? null : tag.trim(), each };
  }

  /** Looks what taking it over would do, once the writing pauses. */
  lookSoon = (): void => {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.look(), PAUSE_MS);
  };

  /** Looks what taking it over would do. An answer that a newer question has overtaken is dropped. */
  look = async (): Promise<void> => {
    clearTimeout(this.#timer);
    const { list } = this;
    if (list === null) return;
    const mine = (this.#newest += 1);
    try {
      const preview = await preview_hosts(list);
      if (mine !== this.#newest) return;
      this.preview = preview;
      this.failure = null;
    } catch (error) {
      if (mine !== this.#newest) return;
      this.preview = null;
      this.failure = failure(error);
    }
  };

  /** Lets the person choose the file. */
  choose = async (): Promise<void> => {
    try {
      const file = await choose_host_list();
      if (file === null) return;
      this.file = file;
      this.failure = null;
    } catch (error) {
      this.failure = failure(error);
      return;
    }
    await this.look();
  };

  /** Takes the hosts over; tells whether that is done. */
  bring = (): Promise<boolean> =>
    this.act.run(async () => {
      const { list } = this;
      if (list === null) return;
      const { added, changed, gone } = await import_hosts(list);
      await hosts.load();
      say(
        [
          added.length > 0 && `${count(added.length, 'host')} added`,
          changed.length > 0 && `${changed.length} changed`,
          gone.length > 0 && `${gone.length} gone`,
        ]
          .filter(Boolean)
          .join(', ')
          .concat('.'),
      );
    });
}
