/** What an offer says in all where the routing table decides: who may follow, and the most that leaves. */
import type { FallbackWay, Nano, Offer } from './bindings';
import { count } from './format';

/** Returns who may follow on the payer of the offer: what is allowed, and can be taken as far as is known. */
export function followers({ auto }: Offer): FallbackWay[] {
  const mayFollow = (one: FallbackWay, at: number) =>
    one.allowed_at !== null && one.route !== null && at !== auto?.begins_with;
  return auto?.fallbacks.filter(mayFollow) ?? [];
}

/** Returns the most dollars that leave, whoever follows. */
export function mostInAll({ auto, at_most }: Offer): Nano | null {
  return auto ? auto.at_most : at_most;
}

/** Words how many may follow: `or 2 others`; nothing where nobody may. */
export function orOthers(offer: Offer): string {
  const { length } = followers(offer);
  return length === 0 ? '' : `or ${count(length, 'other')}`;
}

/** Tells whether the same may follow by both offers, for the same reasons. */
export function haveSameFollowers(one: Offer, other: Offer): boolean {
  const versions = (offer: Offer) => followers(offer).map(({ agreement }) => agreement.version);
  return versions(one).join() === versions(other).join();
}
