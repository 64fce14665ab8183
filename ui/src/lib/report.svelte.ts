/** What the usage screen shows: which days, of what, and the sums of it. */
import { usage } from './bindings';
import type { Range, Tier, UsageFilter, UsageReport } from './bindings';
import { Resource } from './resource.svelte';

export type Tab = 'today' | 'week' | 'days30' | 'month' | 'last_month' | 'custom';

export const tabs: readonly { tab: Tab; label: string }[] = [
  { tab: 'today', label: 'Today' },
  { tab: 'week', label: '7 d' },
  { tab: 'days30', label: '30 d' },
  { tab: 'month', label: 'Month' },
  { tab: 'last_month', label: 'Last month' },
  { tab: 'custom', label: 'Custom' },
];

const EVERYTHING: UsageFilter = { keys: [], tiers: [], models: [], environments: [] };

/** What of the ledger is shown; nothing chosen leaves everything in. */
export interface Chosen {
  tier: Tier | null;
  key: string | null;
  model: string | null;
  environment: string | null;
}

export const NOTHING_CHOSEN: Chosen = { tier: null, key: null, model: null, environment: null };

export class UsageState {
  tab = $state<Tab>('month');
  /** Days of one's own, as `2026-11-22`; taken when both are there and in order. */
  first = $state('');
  last = $state('');
  chosen = $state.raw(NOTHING_CHOSEN);

  readonly isFiltered = $derived(Object.values(this.chosen).some((value) => value !== null));
  readonly range = $derived.by((): Range | null => {
    switch (this.tab) {
      case 'today':
      case 'month':
      case 'last_month':
        return this.tab;
      case 'week':
        return { last: 7 };
      case 'days30':
        return { last: 30 };
      case 'custom': {
        const { first, last } = this;
        return isDay(first) && isDay(last) && first <= last ? { between: { first, last } } : null;
      }
    }
  });
  readonly filter = $derived<UsageFilter>({
    tiers: one(this.chosen.tier),
    keys: one(this.chosen.key),
    models: one(this.chosen.model),
    environments: one(this.chosen.environment),
  });

  /** Everything in these days: it says what can be filtered by. */
  readonly all = new Resource<UsageReport | null>(() => this.#read(EVERYTHING));
  readonly #part = new Resource<UsageReport | null>(() => this.#read(this.filter));
  readonly shown = $derived(this.isFiltered ? this.#part : this.all);

  /** Begins days of one's own with those that are shown. */
  startCustom(newest: string): void {
    const days = this.all.value?.days;
    if (this.first !== '' || !days) return;
    this.first = days.first;
    this.last = days.last < newest ? days.last : newest;
  }

  /** Reads what is shown, now or again. */
  load = async (): Promise<void> => {
    await Promise.all([this.all.load(), this.isFiltered ? this.#part.load() : null]);
  };

  #read(filter: UsageFilter): Promise<UsageReport | null> {
    return this.range === null ? Promise.resolve(null) : usage(this.range, filter);
  }
}

/** A field for a day is plain text where the web view has no calendar. */
function isDay(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text));
}

function one<T>(value: T | null): T[] {
  return value === null ? [] : [value];
}
