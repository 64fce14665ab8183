/** What a page in a browser is to show, said in its address: `?state=locked&theme=dark#/keys`. */
export type Scenario = {
  state: 'full' | 'empty' | 'first-run' | 'error' | 'locked';
  /** How many keys, where it is not the usual handful. */
  keys: number | null;
  /** How long every answer takes. */
  delay: number;
  hasKeychain: boolean;
  isSimulated: boolean;
  isDamaged: boolean;
  who: 'key' | 'plan' | 'nobody';
};

/** Reads it from an address. */
export function scenario(address: URL): Scenario {
  const ask = (name: string): string | null => address.searchParams.get(name);
  const state = ask('state') ?? 'full';
  return {
    state: isState(state) ? state : 'full',
    keys: ask('keys') === null ? null : Number(ask('keys')),
    delay: Number(ask('delay') ?? 0),
    hasKeychain: ask('keychain') !== 'no',
    isSimulated: ask('simulated') !== null,
    isDamaged: ask('damaged') !== null,
    who: ask('who') === 'plan' ? 'plan' : ask('who') === 'nobody' ? 'nobody' : 'key',
  };
}

function isState(text: string): text is Scenario['state'] {
  return ['full', 'empty', 'first-run', 'error', 'locked'].includes(text);
}
