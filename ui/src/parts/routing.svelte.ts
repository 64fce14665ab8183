/** The routing table: one reading for Settings and Dispatch, and its words. */
import {
  routing as readRouting,
  type Class,
  type FallbackCause,
  type HostRow,
  type KeyId,
  type KeyRow,
  type RoutingRow,
  type Through,
} from '../lib/bindings';
import { named } from '../lib/keys.svelte';
import { Resource } from '../lib/resource.svelte';

/** Where each class of work goes, and who would pay now. Empty where nothing is stored yet. */
export const routing = new Resource<RoutingRow[]>(readRouting);

/** A class of work that can have a rule. */
export interface Work {
  value: Class;
  label: string;
  about: string;
}

/** The classes, in the order in which they are listed. */
export const CLASSES: readonly Work[] = [
  { value: 'interactive', label: 'Interactive', about: 'You wait for the answer' },
  { value: 'planning', label: 'Planning', about: 'What is to be done is thought through first' },
  { value: 'review', label: 'Review', about: 'Looking over what is there' },
  { value: 'chat', label: 'Chat', about: 'Questions and answers, with no work behind them' },
  { value: 'task', label: 'Task', about: 'Work without a person; never through a plan' },
];

/** When a fallback is taken: beforehand, as a clause, and afterwards, as a sentence. */
export const CAUSES: Record<FallbackCause, { when: string; was: string }> = {
  plan_limit: {
    when: 'a limit of the plan is reached',
    was: 'A limit of the plan was reached.',
  },
  rate_limited: {
    when: 'a rate limit is reached',
    was: 'The server took no more from this payer for now.',
  },
  overloaded: {
    when: 'the server is overloaded or fails',
    was: 'The server was overloaded, or failed.',
  },
  host_down: {
    when: 'the host fails or the server can’t be reached',
    was: 'The host failed, or the server could not be reached.',
  },
  unavailable: {
    when: 'that way can’t be taken at all',
    was: 'That way could not be taken.',
  },
};

/** Finds the row of a class. */
export function rowOf(rows: readonly RoutingRow[] | undefined, by: Class): RoutingRow | undefined {
  return rows?.find(({ auto }) => auto.class === by);
}

/** Names a class as a heading does. */
export function workOf(by: Class): string {
  return CLASSES.find(({ value }) => value === by)?.label ?? by;
}

/** Says who pays and where, whether or not that can be done now. */
export function payerOf(
  through: Through,
  keys: readonly KeyRow[],
  hosts: readonly HostRow[],
): string {
  switch (through.tier) {
    case 'subscription':
      return through.login === null ? 'your plan' : `your plan (${through.login})`;
    case 'metered':
      return through.key === null ? 'the active key' : keyOf(through.key, keys);
    case 'farm': {
      const host = hosts.find(({ id }) => id === through.host)?.name ?? 'a host that is gone';
      const any = through.label === null ? 'any host' : `a host labelled ${through.label}`;
      const place = through.host === null ? any : host;
      return through.key === null ? place : `${keyOf(through.key, keys)} on ${place}`;
    }
  }
}

function keyOf(id: KeyId, keys: readonly KeyRow[]): string {
  const key = keys.find((row) => row.id === id);
  return key ? named(key) : 'a key that is gone';
}
