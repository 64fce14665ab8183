/** What is known of a plan, in words: how much of it is used, and since when that is known. */
import type { PlanKnown, PlanLimits, PlanWindow, Route } from './bindings';
import { ago, clock } from './format';

const DAY_MS = 86_400_000;

const WINDOWS: Record<string, string> = {
  five_hour: '5 h',
  seven_day: '7 d',
  seven_day_opus: '7 d of Opus',
  seven_day_sonnet: '7 d of Sonnet',
};

/** How near a limit is. */
export type Nearness = 'ok' | 'warn' | 'bad';

/** One window as it is shown. */
export interface Share {
  kind: string;
  /** `62% of 5 h used`. */
  used: string;
  /** From 0 to 1. */
  part: number;
  /** `resets 15:00`; empty where it is not known, or was before now. */
  resets: string;
  nearness: Nearness;
}

/** Writes a share as a percentage; nothing that is left is shown as used up. */
function percentOf(used: number): number {
  const whole = Math.round(used * 100);
  return whole === 100 && used < 1 ? 99 : whole;
}

/** Says when a window begins anew: the time, with the day where it is not within one. */
export function anew(at: number | null, now: number = Date.now()): string {
  if (at === null || at <= now) return '';
  const day =
    at - now < DAY_MS ? '' : `${new Date(at).toLocaleDateString('en-GB', { weekday: 'short' })} `;
  return `${day}${clock(at)}`;
}

/** Puts a window into words. One that has begun anew since it was told is not used. */
export function share(window: PlanWindow, now: number = Date.now()): Share {
  const { kind, used, resets_at, standing } = window;
  const name = WINDOWS[kind] ?? kind.replaceAll('_', ' ');
  if (resets_at !== null && resets_at <= now)
    return { kind, used: `${name} just reset`, part: 0, resets: '', nearness: 'ok' };
  const when = anew(resets_at, now);
  return {
    kind,
    used: used === null ? `${name} used` : `${percentOf(used)}% of ${name} used`,
    part: Math.min(1, used ?? 0),
    resets: when === '' ? '' : `resets ${when}`,
    nearness:
      standing === 'rejected' || (used ?? 0) >= 1
        ? 'bad'
        : standing === 'allowed_warning' || (used ?? 0) >= 0.8
          ? 'warn'
          : 'ok',
  };
}

/** Returns the window that decides, as it is shown on one line: the one that is nearest to its end. */
export function tightest(limits: PlanLimits | null): Share | null {
  const shares = (limits?.windows ?? []).map((window) => share(window));
  return shares.toSorted((a, b) => b.part - a.part)[0] ?? null;
}

/** Says when the limits were told. */
export function toldAt({ limits_at }: PlanKnown): string {
  return limits_at === null ? '' : `as of ${ago(limits_at)}`;
}

/** Tells whether a run through this route would be paid in dollars beyond the plan. */
export function isExtra(route: Route): boolean {
  return route.plan?.is_extra === true;
}
