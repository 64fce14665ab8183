/** What an offer says in all where the routing table decides: who may follow, and the most that leaves. */
import type { FallbackWay, Nano, Offer } from './bindings';

/** Returns who may follow on the payer of the offer: what is allowed, and can be taken as far as is known. */
export function followers({ auto }: Offer): FallbackWay[] {
  const mayFollow = (one: FallbackWay, at: number) =>
    one.allowed_at !== null && one.route !== null && at !== auto?.begins_with;
  return auto?.fallbacks.filter(mayFollow) ?? [];
}

/** Names who would follow as the payer of an offer is named. */
export function nameOf({ route, payer_label }: FallbackWay): string {
  return route?.payer_label ?? payer_label;
}

/** Returns the most dollars that leave, whoever follows. */
export function mostInAll({ auto, at_most }: Offer): Nano | null {
  return auto ? auto.at_most : at_most;
}

/** Words who may follow: `or Second`, `or Second and 2 more`; nothing where nobody may. */
export function orOthers(offer: Offer): string {
  const [next, ...more] = followers(offer).map(nameOf);
  if (next === undefined) return '';
  return more.length === 0 ? `or ${next}` : `or ${next} and ${more.length} more`;
}

/** Tells whether the same may follow by both offers, for the same reasons. */
export function haveSameFollowers(one: Offer, other: Offer): boolean {
  const versions = (offer: Offer) => followers(offer).map(({ agreement }) => agreement.version);
  return versions(one).join() === versions(other).join();
}
