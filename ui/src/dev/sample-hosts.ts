/** Made-up hosts of a farm. */
import type { HostProbe, HostRow } from '../lib/bindings';
import { NOW } from './sample';
import { refuse } from './sample-replies';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

export const PINNED = 'SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDzQyqB7aR5p3mT0Zk';
export const OTHER = 'SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM';

/** Makes an answer of a host that is well. */
export function probe(change: Partial<HostProbe> = {}): HostProbe {
  return {
    trouble: null,
    claude: '/usr/local/bin/claude',
    version: '2.1.330',
    login: 'api_key',
    service: null,
    clock_ahead_ms: 40,
    load: 0.42,
    processors: 4,
    latency_ms: 12.4,
    ...change,
  };
}

/** Makes a row of the list of hosts. */
export function hostRow(change: Partial<HostRow> & { id: number; name: string }): HostRow {
  return {
    destination: `ubuntu@${change.name}`,
    port: null,
    identity: null,
    slots: 4,
    service_unit: null,
    key: null,
    own_command: null,
    labels: [],
    source: 'manual',
    origin: null,
    host_keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMadeUpMadeUpMadeUp'],
    pinned_at: NOW - 20 * DAY,
    is_paused: false,
    gone_at: null,
    failures: 0,
    last_failure: null,
    rests_until: null,
    probed_at: NOW - 3 * MINUTE,
    probe: probe(),
    created_at: NOW - 30 * DAY,
    state: 'ready',
    fingerprints: [PINNED],
    busy: 0,
    ...change,
  };
}

const UNANSWERED = refuse(
  'timeout',
  'box-2 did not answer in time (`ssh`: Connection timed out).',
  'See whether the box is up and its network lets SSH through.',
);

const CHANGED = refuse(
  'host_key',
  'box-2 showed another host key than the one that is pinned, so the connection was ended. Nothing was sent.',
  'If the box was set up anew, look at its key there and pin it. If not, somebody stands between.',
  'pin_host',
);

/** The usual three: one watched, one with a key of ours, one with its own. */
export function threeHosts(): HostRow[] {
  return [
    hostRow({
      id: 1,
      name: 'box-1',
      destination: 'ubuntu@203.0.113.7',
      labels: ['eu', 'cheap'],
      service_unit: 'worker.service',
      busy: 2,
      probe: probe({ service: 'active' }),
    }),
    hostRow({
      id: 2,
      name: 'box-2',
      destination: 'ubuntu@203.0.113.8',
      port: 2222,
      labels: ['eu'],
      key: 'key-personal',
      probe: probe({ latency_ms: 3.21, load: 1.8, processors: 2 }),
      slots: 2,
    }),
    hostRow({
      id: 3,
      name: 'lightsail-frankfurt',
      destination: 'lightsail-frankfurt',
      source: 'ssh_config',
      origin: 'lightsail-frankfurt',
      own_command: '/usr/local/bin/claude-own-key',
      probe: probe({ latency_ms: 118, version: '2.1.331', load: 0.05, processors: 2 }),
      slots: 8,
    }),
  ];
}

/** What is wrong in each scene, by the host's number. */
const WRONG: Record<string, Record<number, Partial<HostRow>>> = {
  changed: {
    2: {
      state: 'key_changed',
      last_failure: CHANGED,
      failures: 1,
      probe: probe({ trouble: CHANGED, version: null }),
    },
  },
  resting: {
    2: {
      state: 'resting',
      failures: 3,
      rests_until: NOW + 14 * MINUTE,
      last_failure: UNANSWERED,
    },
  },
  unpinned: {
    1: {
      state: 'unpinned',
      host_keys: [],
      fingerprints: [],
      pinned_at: null,
      probed_at: null,
      probe: null,
    },
    2: { probed_at: null, probe: null },
    3: { state: 'paused', is_paused: true },
  },
  own: {
    1: { state: 'paused', is_paused: true },
    2: { state: 'paused', is_paused: true },
  },
  errors: {
    1: {
      probe: probe({
        service: 'failed',
        clock_ahead_ms: -312_000,
        load: 17.3,
        trouble: null,
      }),
    },
    2: {
      probe: probe({
        version: '2.0.14',
        trouble: refuse(
          'host_failed',
          'The `claude` on box-2 is 2.0.14, and 2.1.330 is the least.',
          'Update it there: `claude update`.',
        ),
      }),
    },
    3: {
      probe: probe({
        login: 'plan',
        trouble: refuse(
          'wrong_payer',
          'The `claude` on lightsail-frankfurt is logged in to a plan, which is never used for the farm.',
          'Let the program of the box’s own key set ANTHROPIC_API_KEY, or let the host be sent a key of yours.',
        ),
      }),
    },
  },
};

/** The hosts of a scene. */
export function hostsOf(scene: string): HostRow[] {
  if (scene === 'none') return [];
  if (scene === 'fifty') return Array.from({ length: 50 }, (_, index) => one(index + 1));
  const wrong = WRONG[scene] ?? {};
  const rows = threeHosts().map((row) => ({ ...row, ...wrong[row.id] }));
  if (scene === 'errors')
    rows.push(
      hostRow({
        id: 4,
        name: 'i-0f3a',
        destination: 'ec2-user@198.51.100.4',
        source: 'ec2',
        state: 'gone',
        gone_at: NOW - DAY,
      }),
    );
  return rows;
}

function one(id: number): HostRow {
  const states = ['ready', 'ready', 'ready', 'paused', 'ready', 'resting', 'unpinned'] as const;
  const state = states[id % states.length] ?? 'ready';
  const isResting = state === 'resting';
  return hostRow({
    id,
    name:
      id === 9
        ? 'a-host-with-a-name-that-somebody-made-rather-long-eu-central-1b'
        : `worker-${String(id).padStart(2, '0')}`,
    destination: `ec2-user@10.0.${id % 4}.${id + 10}`,
    source: 'ec2',
    labels: [id % 2 ? 'haiku' : 'sonnet', `zone-${id % 3}`],
    state,
    is_paused: state === 'paused',
    busy: state === 'ready' ? id % 5 : 0,
    probe: state === 'unpinned' ? null : probe({ latency_ms: 4 + id, load: (id % 9) / 2 }),
    ...(state === 'unpinned' && {
      host_keys: [],
      fingerprints: [],
      pinned_at: null,
      probed_at: null,
    }),
    ...(isResting && { rests_until: NOW + id * MINUTE, last_failure: UNANSWERED, failures: 2 }),
  });
}
