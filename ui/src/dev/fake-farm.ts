/** The stand-in's farm: its hosts, what taking over a list would do, and where a run would go. */
import type {
  BroughtHosts,
  Change,
  Draft,
  FarmRoute,
  Host,
  HostEdit,
  HostList,
  HostProbe,
  HostRow,
  KeyRow,
  NewHost,
  Offer,
  RunEvent,
  ShownKey,
  Way,
} from '../lib/bindings';
import type { Ending } from './fake-run';
import { way } from './fake-plan';
import { hostRow, hostsOf, OTHER, PINNED, probe } from './sample-hosts';
import { offer, refuse } from './sample-replies';
import type { Scenario } from './scenario';

type Args = Record<string, unknown>;

/** How long a host takes to say how it stands. */
const ANSWER_MS = 500;

export class FakeFarm {
  #scene: Scenario['farm'];
  #rows: HostRow[];
  #tell: (change: Change) => void;

  constructor({ farm }: Scenario, tell: (change: Change) => void) {
    this.#scene = farm;
    this.#rows = hostsOf(farm);
    this.#tell = tell;
  }

  list_hosts = (): HostRow[] => this.#rows;

  add_host({ host }: Args): Host {
    const { name, destination, labels, ...rest } = host as NewHost;
    this.#refuseTaken(name, null);
    if (destination.startsWith('-'))
      throw refuse('bad_input', `${destination} is no host.`, 'Write it as user@host.');
    const id = Math.max(0, ...this.#rows.map((row) => row.id)) + 1;
    const row = this.#unpinned(hostRow({ id, name, destination, labels, ...rest }));
    this.#rows = [...this.#rows, row];
    this.#tell('store');
    return row;
  }

  edit_host({ id, change }: Args): Host {
    const { key, own_command, service_unit, identity, port, ...rest } = change as HostEdit;
    if (rest.name !== undefined) this.#refuseTaken(rest.name, Number(id));
    const row = this.#row(id);
    const next = { ...row, ...rest };
    if (key !== undefined) next.key = key || null;
    if (own_command !== undefined) next.own_command = own_command || null;
    if (service_unit !== undefined) next.service_unit = service_unit || null;
    if (identity !== undefined) next.identity = identity || null;
    if (port !== undefined) next.port = port || null;
    return this.#put(rest.destination === undefined ? next : this.#unpinned(next));
  }

  remove_host({ id }: Args): Host {
    const row = this.#row(id);
    this.#rows = this.#rows.filter((other) => other !== row);
    this.#tell('store');
    return row;
  }

  pause_host({ id, is_paused }: Args): Host {
    const isPaused = is_paused === true;
    const row = this.#row(id);
    const state = row.host_keys.length === 0 ? 'unpinned' : 'ready';
    return this.#put({
      ...row,
      is_paused: isPaused,
      state: isPaused ? 'paused' : state,
      rests_until: null,
    });
  }

  async host_key({ id }: Args): Promise<ShownKey> {
    await pause(ANSWER_MS);
    const { fingerprints, name } = this.#row(id);
    if (name === 'silent')
      throw refuse(
        'timeout',
        'silent did not answer in time.',
        'See whether the box is up and its network lets SSH through.',
      );
    const isChanged = this.#scene === 'changed' && Number(id) === 2;
    const fingerprint =
      isChanged && fingerprints[0] !== OTHER ? OTHER : (fingerprints[0] ?? PINNED);
    return {
      key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMadeUpMadeUpMadeUp',
      kind: 'ssh-ed25519',
      fingerprint,
      is_pinned: fingerprints.includes(fingerprint),
      pinned: fingerprints,
    };
  }

  pin_host({ id, key }: Args): Host {
    const row = this.#row(id);
    const fingerprint = this.#scene === 'changed' && Number(id) === 2 ? OTHER : PINNED;
    return this.#put({
      ...row,
      host_keys: [String(key)],
      fingerprints: [fingerprint],
      pinned_at: Date.now(),
      last_failure: null,
      rests_until: null,
      failures: 0,
      state: row.is_paused ? 'paused' : 'ready',
    });
  }

  async probe_host({ id }: Args): Promise<HostProbe> {
    await pause(ANSWER_MS);
    const row = this.#row(id);
    if (row.name === 'broken')
      throw refuse('failed', '`ssh` could not be started on this machine.', 'Install OpenSSH.');
    const answer =
      row.probe?.trouble && this.#scene !== 'changed'
        ? row.probe
        : probe({ service: row.service_unit === null ? null : 'active' });
    const state = row.state === 'resting' ? 'ready' : row.state;
    this.#put({ ...row, probe: answer, probed_at: Date.now(), state, last_failure: null });
    return answer;
  }

  choose_host_list = () => ({ name: 'instances.json', text: '{"Reservations": []}' });

  preview_hosts({ list }: Args): BroughtHosts {
    const { from } = list as HostList;
    if (this.#scene === 'errors' && from === 'ssh_config')
      throw refuse(
        'bad_input',
        'The ssh configuration /home/ann/.ssh/config can’t be read: Permission denied.',
        null,
      );
    if (from === 'ec2' && (list as { tag: string | null }).tag === '=')
      throw refuse('bad_input', 'That names no tag.', 'Write it as KEY or KEY=VALUE.');
    const found = (id: number, name: string, destination: string): HostRow =>
      this.#unpinned(hostRow({ id, name, destination, source: from }));
    const box = this.#rows.find(({ source }) => source === 'ssh_config');
    const added =
      from === 'ssh_config'
        ? [found(101, 'gpu', 'gpu'), found(102, 'ci-runner', 'ci-runner')]
        : [
            found(101, 'worker one', 'ubuntu@198.51.100.20'),
            found(102, 'i-0a1b2c3d4e5f', 'ubuntu@198.51.100.21'),
          ];
    const names = this.#rows.map(({ name }) => name);
    return {
      added: added.filter(({ name }) => !names.includes(name)),
      changed: from === 'ssh_config' && box ? [{ ...box, destination: 'lightsail-frankfurt' }] : [],
      same: from === 'ssh_config' ? 1 : 0,
      gone: from === 'ec2' ? this.#rows.filter(({ source }) => source === 'ec2').slice(0, 2) : [],
      refused: [
        [
          '-oProxyCommand=x',
          refuse('bad_input', '-oProxyCommand=x is no host.', 'It begins with a dash.'),
        ],
      ],
    };
  }

  import_hosts(args: Args): BroughtHosts {
    const brought = this.preview_hosts(args);
    this.#rows = [...this.#rows, ...(brought.added as HostRow[])];
    this.#tell('store');
    return brought;
  }

  /** Tells of the farm beside the other tiers, where there is one. */
  ways(draft: Draft, keys: readonly KeyRow[]): Way[] {
    if (this.#rows.length === 0) return [];
    return [way('farm', () => this.offer(draft, keys))];
  }

  /** Says where a draft would go and who would pay there. */
  offer({ payer, model, prompt, thinking }: Draft, keys: readonly KeyRow[]): Offer {
    const asked = payer.with === 'farm' ? payer : { host: null, label: null, key: null };
    if (thinking !== null)
      throw refuse(
        'bad_input',
        "Whether the model thinks first can't be chosen on the farm: `claude` has no such control.",
        'Leave that out, or send with a key. Nothing was sent.',
      );
    const wanted = this.#rows.filter(
      ({ id, labels }) =>
        (asked.host === null || id === asked.host) &&
        (asked.label === null || labels.includes(asked.label)),
    );
    const able = wanted.filter(({ state }) => state === 'ready');
    const [first] = able.toSorted((a, b) => a.busy / a.slots - b.busy / b.slots);
    if (!first) throw nobody(wanted);
    const id = asked.key ?? first.key;
    const key = keys.find((row) => (id === null ? row.is_selected : row.id === id));
    const isOwn = first.own_command !== null && asked.key === null;
    if (!key) throw refuse('not_found', 'No key is selected that could pay.', null, 'add_key');
    const plain = offer(key, model ?? 'claude-haiku-5-5', prompt);
    const same = able.filter(({ key, own_command }) => key === first.key && own_command === null);
    const hosts = isOwn ? [first] : [first, ...same.filter((row) => row !== first)];
    return {
      ...plain,
      route: {
        ...plain.route,
        tier: 'farm',
        ...(isOwn && { key: null, payer_label: `${first.name}'s own key` }),
        reason: isOwn
          ? `because ${first.name} has its own`
          : first.key === null
            ? 'because it is the active key'
            : `because it is the key of ${first.name}`,
        farm: {
          hosts: hosts.map(({ id, name }) => ({ id, name })),
          is_named: asked.host !== null,
          label: asked.label,
          timeout_seconds: 600,
          retries: 2,
          times_billed_max: 3,
        },
      },
    };
  }

  /** Says what a run meets on its way. */
  ending({ hosts: [first, second] }: FarmRoute): Ending {
    const host = first?.name ?? '';
    const at = (name: string): RunEvent => ({ event: 'placed', host: name });
    const wait = (why: string, attempt: number): RunEvent => ({
      event: 'waiting',
      why,
      until: Date.now(),
      attempt,
    });
    if (this.#scene === 'busy') return { host, places: [wait('every host is busy', 1), at(host)] };
    if (this.#scene !== 'moves') return { host, places: [at(host)] };
    const other = second?.name ?? 'box-1';
    return { host: other, places: [at(host), wait(`${host} did not answer.`, 2), at(other)] };
  }

  #refuseTaken(name: string, own: number | null): void {
    if (this.#rows.some((row) => row.name === name && row.id !== own))
      throw refuse(
        'duplicate',
        `There is a host called ${name} already, and two that look alike could be mixed up.`,
        'Choose another name.',
      );
  }

  #unpinned(row: HostRow): HostRow {
    const none = { host_keys: [], fingerprints: [], pinned_at: null, probe: null, probed_at: null };
    return { ...row, ...none, state: 'unpinned' };
  }

  #row(id: unknown): HostRow {
    const row = this.#rows.find((host) => host.id === id);
    if (!row) throw refuse('not_found', 'This host is no longer in the store.', null, 'list_hosts');
    return row;
  }

  #put(row: HostRow): HostRow {
    this.#rows = this.#rows.map((other) => (other.id === row.id ? row : other));
    this.#tell('store');
    return row;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function nobody(rows: readonly HostRow[]) {
  const words = {
    ready: 'has failed in this run',
    unpinned: 'has no pinned key',
    key_changed: 'has shown another key than the pinned one',
    paused: 'is paused',
    resting: 'rests after a failure',
    gone: 'is gone from the list that it was imported from',
  };
  const said = rows.map(({ name, state }) => `${name} ${words[state]}`).join(', ');
  return refuse(
    'no_host',
    `No host of the farm can take this run: ${said}.`,
    'Nothing was sent.',
    'list_hosts',
  );
}
