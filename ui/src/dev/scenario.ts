/** What a page in a browser is to show, said in its address: `?state=locked&theme=dark#/keys`. */
export type Scenario = {
  state: 'full' | 'empty' | 'first-run' | 'error' | 'locked';
  /** How many keys, where it is not the usual handful. */
  keys: number | null;
  /** How long every answer takes. */
  delay: number;
  /** Whether the keychain opens, is missing, or waits until that is stopped. */
  keychain: 'there' | 'missing' | 'waits';
  /** The ways to open the vault, where they are not all. */
  slots: string[] | null;
  isSimulated: boolean;
  isDamaged: boolean;
  /** How the plan stands. */
  plan: PlanScene;
  /** Which hosts there are. */
  farm: FarmScene;
  /** What the routing table has. */
  routing: RoutingScene;
  who: 'key' | 'plan' | 'nobody' | 'unknown' | 'changes' | 'console';
  /** Whether names and texts are as bad as they may be. */
  isHostile: boolean;
};

/** Reads it from an address. */
export function scenario(address: URL): Scenario {
  const ask = (name: string): string | null => address.searchParams.get(name);
  const state = ask('state') ?? 'full';
  return {
    state: isState(state) ? state : 'full',
    keys: ask('keys') === null ? null : Number(ask('keys')),
    delay: Number(ask('delay') ?? 0),
    keychain:
      ask('keychain') === 'no' ? 'missing' : ask('keychain') === 'waits' ? 'waits' : 'there',
    slots: ask('slots')?.split(',') ?? null,
    isSimulated: ask('simulated') !== null,
    isDamaged: ask('damaged') !== null,
    plan: PLANS.find((plan) => plan === ask('plan')) ?? 'off',
    farm: FARMS.find((farm) => farm === ask('farm')) ?? 'none',
    routing: ROUTINGS.find((routing) => routing === ask('routing')) ?? 'none',
    who: WHO.find((who) => who === ask('who')) ?? 'key',
    isHostile: ask('names') === 'hostile',
  };
}

const PLANS = [
  'off',
  'on',
  'missing',
  'old',
  'out',
  'two',
  'near',
  'full',
  'extra',
  'extra-off',
  'changed',
  'mismatch',
  'other',
  'replaced',
] as const;

/** Off, or on: with what is wrong, or how much of it is used. */
export type PlanScene = (typeof PLANS)[number];

const FARMS = [
  'none',
  'three',
  'unpinned',
  'changed',
  'resting',
  'fifty',
  'errors',
  'own',
  'moves',
  'busy',
] as const;

/** None, or some: with what is wrong, or what a run meets there. */
export type FarmScene = (typeof FARMS)[number];

const ROUTINGS = [
  'none',
  'rules',
  'allowed',
  'taken',
  'barred',
  'broken',
  'spoilt',
  'many',
] as const;

/** Nothing, or rules: with what is allowed of them, what a run meets, or what is wrong. */
export type RoutingScene = (typeof ROUTINGS)[number];

const WHO = ['key', 'plan', 'nobody', 'unknown', 'changes', 'console'] as const;

function isState(text: string): text is Scenario['state'] {
  return ['full', 'empty', 'first-run', 'error', 'locked'].includes(text);
}
