import {
  standing as readStanding,
  who as readWho,
  type LockReason,
  type SlotKind,
  type Standing,
  type Who,
} from './bindings';
import { Resource } from './resource.svelte';

/** How things stand, for the frame around every screen: one reading that all parts share. */
export const standing = new Resource<Standing>(readStanding);

/** Who a plain `claude` bills. */
export const who = new Resource<Who>(readWho);

/** Returns why the vault is locked, or `null` where it is open or there is none. */
export function lockReason(value: Standing | undefined): LockReason | null {
  const lock = value?.vault?.lock;
  return lock === undefined || lock === 'unlocked' ? null : lock.locked;
}

/** Tells whether nothing was kept yet: no vault, no key, and no plan that may be used. */
export function isFirstRun(value: Standing | undefined): boolean {
  return value !== undefined && !value.vault && !value.has_keys && !value.has_plan;
}

/** Tells whether the vault can be opened in this way. */
export function hasSlot(value: Standing | undefined, kind: SlotKind): boolean {
  return value?.vault?.slots.some((slot) => slot.kind === kind) ?? false;
}

/** Says why the vault is locked. */
export function lockedBecause(reason: LockReason): string {
  return {
    start: 'The vault has not been unlocked since the start.',
    asked: 'You locked the vault.',
    idle: 'The vault locked itself after a while without use.',
    suspend: 'The vault locked itself when the computer went to sleep.',
    screen: 'The vault locked itself with the screen.',
    renewed: 'The vault was given a new key by another program.',
  }[reason];
}
