/** Made-up data in the shapes of the wire, for a page that runs in a browser and for tests. */
import type { Finding, Key, KeyRow, Place, Standing, Who } from '../lib/bindings';
import { exact } from '../lib/money';

export const NOW = Date.now();
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Makes a row of the key list. */
export function keyRow(change: Partial<KeyRow> & { name: string }): KeyRow {
  const id = change.id ?? `key-${change.name.toLowerCase().replace(/\W+/g, '-')}`;
  return {
    id,
    kind: 'api',
    source: 'manual',
    last4: '3f9a',
    base_url: null,
    organization: null,
    environment: '',
    tags: [],
    note: '',
    validity: 'valid',
    checked_at: NOW - HOUR,
    valid_at: NOW - HOUR,
    created_at: NOW - 90 * DAY,
    last_used_at: null,
    expires_at: null,
    is_active: true,
    is_selected: false,
    month: { cost: '0', runs: 0, unpriced: 0 },
    ...change,
  };
}

/** The keys of someone who has a few. */
export function someKeys(): KeyRow[] {
  return [
    keyRow({
      name: 'Work',
      environment: 'production',
      organization: 'Acme GmbH',
      is_selected: true,
      last_used_at: NOW - 2 * MINUTE,
      month: { cost: '37.602181', runs: 1041, unpriced: 0 },
    }),
    keyRow({
      name: 'Personal',
      last4: '77c2',
      last_used_at: NOW - HOUR,
      month: { cost: '1.124', runs: 96, unpriced: 3 },
    }),
    keyRow({
      name: 'Nightly evaluation of the retrieval prompts, second attempt',
      last4: 'b04d',
      environment: 'staging',
      source: 'env',
      validity: 'no_credit',
      last_used_at: NOW - 3 * DAY,
      month: { cost: '0.0184', runs: 12, unpriced: 0 },
    }),
    keyRow({
      name: 'Old CI',
      last4: 'c01d',
      environment: 'ci',
      validity: 'refused',
      last_used_at: NOW - 12 * DAY,
    }),
    keyRow({
      name: 'Gateway Frankfurt',
      last4: '9ab1',
      environment: 'production',
      base_url: 'https://llm.acme.example/anthropic',
      validity: 'unchecked',
      checked_at: null,
      last_used_at: NOW - 5 * HOUR,
      month: { cost: '0', runs: 7, unpriced: 7 },
    }),
    keyRow({
      name: 'Org admin',
      last4: '10ff',
      kind: 'admin',
      organization: 'Acme GmbH',
      last_used_at: null,
    }),
    keyRow({
      name: 'مفتاح الاختبار',
      last4: '5e1f',
      source: 'import',
      environment: 'staging',
      validity: 'billing',
      last_used_at: NOW - 40 * DAY,
      month: { cost: '0.00004', runs: 1, unpriced: 0 },
    }),
  ];
}

/** As many keys as asked for, all different. */
export function manyKeys(number: number): KeyRow[] {
  const places = ['production', 'staging', 'ci', 'development', ''];
  const verdicts = ['valid', 'valid', 'valid', 'unchecked', 'refused', 'no_credit'] as const;
  return Array.from({ length: number }, (_, index) =>
    keyRow({
      id: `key-${index}`,
      name: `Team ${String((index * 7919) % number).padStart(5, '0')}`,
      last4: ((index * 40503) % 65536).toString(16).padStart(4, '0'),
      environment: places[index % places.length] ?? '',
      validity: verdicts[index % verdicts.length] ?? 'valid',
      is_selected: index === 0,
      last_used_at: index % 9 === 0 ? null : NOW - ((index * 104729) % 5000) * HOUR,
      month: {
        cost: exact(BigInt((index * 15485863) % 90_000_000) * 1000n),
        runs: index % 50,
        unpriced: 0,
      },
    }),
  );
}

const ZSHRC: Place = { place: 'shell_file', path: '/home/ann/.zshrc', line: 42 };

const FOUND: Finding = {
  name: 'ANTHROPIC_API_KEY',
  place: ZSHRC,
  source: 'from ~/.zshrc, line 42',
  value: '…3f9a',
  state: { state: 'in_force' },
  effect: 'Every call is billed to this key, also for those who are logged in with a plan.',
};

/** A machine where a key in a shell file pays although there is a plan. */
export function whoByKey(): Who {
  return {
    payer: {
      payer: 'one',
      source: {
        kind: 'credential',
        name: 'ANTHROPIC_API_KEY',
        last4: '3f9a',
        shape: 'api_key',
        place: ZSHRC,
      },
    },
    sentence: 'Plain `claude -p` bills key …3f9a, from ~/.zshrc, line 42.',
    redirect: null,
    next: null,
    findings: [
      FOUND,
      {
        ...FOUND,
        place: {
          place: 'settings',
          scope: 'user',
          path: '/home/ann/.claude/settings.json',
          line: 7,
        },
        source: 'from ~/.claude/settings.json, line 7',
        value: '…c01d',
        state: { state: 'overridden', by: 'key …3f9a, from ~/.zshrc, line 42' },
      },
      {
        name: 'claude login',
        place: { place: 'login' },
        source: 'through the login of the CLI',
        value: 'max',
        state: { state: 'overridden', by: 'key …3f9a, from ~/.zshrc, line 42' },
        effect: 'Used when nothing stronger is set.',
      },
    ],
    notes: ['The claude CLI was not asked; this is read from the files that it reads.'],
    cli: { path: '/home/ann/.local/bin/claude', version: '2.1.4' },
  };
}

/** A machine where the plan pays. */
export function whoByPlan(): Who {
  const login = whoByKey().findings[2];
  return {
    ...whoByKey(),
    payer: { payer: 'one', source: { kind: 'login', plan: 'max' } },
    sentence: 'Plain `claude -p` bills your plan (Claude Max), through the login of the CLI.',
    findings: login ? [{ ...login, state: { state: 'in_force' } }] : [],
  };
}

/** A machine where the plan pays, and a Console login has left an API key beside it. */
export function whoByPlanWithConsoleKey(): Who {
  const [plan] = whoByPlan().findings;
  const key: Finding = {
    ...FOUND,
    name: 'claude login',
    place: { place: 'settings', scope: 'state', path: '/home/ann/.claude.json', line: null },
    source: 'from ~/.claude.json',
    value: '…c0de',
    state: {
      state: 'overridden',
      by: 'your plan (Claude Max), through the login of the CLI',
    },
    effect: 'Used when nothing stronger is set.',
  };
  return { ...whoByPlan(), findings: plan ? [plan, key] : [key] };
}

/** A machine where nobody pays. */
export function whoNobody(): Who {
  return {
    ...whoByKey(),
    payer: { payer: 'nobody', why: 'not_logged_in' },
    sentence: 'Plain `claude -p` bills nobody: not logged in.',
    findings: [],
    cli: null,
    notes: ['There is no claude program on the path.'],
  };
}

/** Returns what is known of a key outside a list. */
export function keyOf(row: KeyRow): Key {
  const { is_selected, month, ...key } = row;
  void is_selected;
  void month;
  return key;
}

/** A window in which all is well. */
export function standingOf(keys: KeyRow[], change: Partial<Standing> = {}): Standing {
  const active = keys.find((key) => key.is_selected);
  return {
    version: '0.1.0',
    vault: {
      exists: true,
      lock: 'unlocked',
      slots: [
        { kind: 'keychain', created_at: NOW - 90 * DAY, last_used_at: NOW - HOUR },
        { kind: 'passphrase', created_at: NOW - 90 * DAY, last_used_at: null },
        { kind: 'recovery', created_at: NOW - 90 * DAY, last_used_at: null },
      ],
      lock_after_minutes: 15,
      silent_keychain: true,
    },
    active: active ? keyOf(active) : null,
    has_keys: keys.length > 0,
    has_plan: false,
    damage: null,
    is_simulated: false,
    ...change,
  };
}
