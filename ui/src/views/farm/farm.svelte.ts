/** What is done to hosts: each with its own progress and its own failure, so that none hides another. */
import { SvelteMap, SvelteSet } from 'svelte/reactivity';

import { pause_host, probe_host, remove_host } from '../../lib/bindings';
import type { Failure, HostId, HostRow } from '../../lib/bindings';
import { failure } from '../../lib/host';
import { say } from '../../lib/said.svelte';
import { hosts, isChanged } from '../../parts/hosts.svelte';

export class FarmState {
  query = $state('');
  /** Those that are being asked how they stand. */
  readonly probing = new SvelteSet<HostId>();
  readonly failures = new SvelteMap<HostId, Failure>();

  readonly all = $derived(hosts.value ?? []);
  readonly rows = $derived(this.all.filter((row) => matches(row, this.query)));
  readonly changed = $derived(this.all.filter(isChanged));

  /** Slots in use, of those on hosts that take runs and were well when they were asked. */
  readonly slots = $derived(
    this.all.reduce(
      (sum, { state, busy, slots, probe }) => ({
        busy: sum.busy + busy,
        all: sum.all + (state === 'ready' && !probe?.trouble ? slots : 0),
      }),
      { busy: 0, all: 0 },
    ),
  );

  /** Asks a host how it stands. What is wrong there stands in its row. */
  probe = ({ id }: HostRow): Promise<void> =>
    this.#doing(id, async () => {
      this.probing.add(id);
      try {
        await probe_host(id);
      } finally {
        this.probing.delete(id);
      }
    });

  /** Asks all of them at once: one that is silent holds up nobody. */
  probeAll = async (): Promise<void> => {
    const asked = this.rows.filter(({ id }) => !this.probing.has(id));
    await Promise.all(asked.map(this.probe));
  };

  /** Gives a host no further runs, or runs again at once. */
  pause = (row: HostRow, isPaused: boolean): Promise<void> =>
    this.#doing(row.id, async () => {
      await pause_host(row.id, isPaused);
      say(isPaused ? `${row.name} takes no further runs.` : `${row.name} takes runs again.`);
    });

  /** Removes a host; what fails is thrown. */
  remove = async ({ id, name }: HostRow): Promise<void> => {
    await remove_host(id);
    this.failures.delete(id);
    await hosts.load();
    say(`${name} is removed. Its costs stay in Usage.`);
  };

  /** Forgets what went wrong with a host. */
  dismiss = (id: HostId): void => {
    this.failures.delete(id);
  };

  async #doing(id: HostId, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.failures.delete(id);
    } catch (error) {
      this.failures.set(id, failure(error));
    }
    await hosts.load();
  }
}

function matches({ name, destination, labels }: HostRow, query: string): boolean {
  const text = [name, destination, ...labels].join(' ').toLowerCase();
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
