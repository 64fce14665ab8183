/** What a host answered, in words. */
import type { HostProbe } from '../../lib/bindings';

/** A clock that is off by less than this is right: nothing here depends on it. */
const CLOCK_MS = 2000;

/** One thing that was found out, and whether it asks for attention. */
export interface Fact {
  word: string;
  about: string;
  isOff: boolean;
}

/** What is not known. */
export const NONE: Fact = {
  word: '—',
  about: 'Not known: it was not asked, or did not answer.',
  isOff: false,
};

/** The version of its `claude`. */
export function version(probe: HostProbe | null): Fact {
  if (!probe?.version) return NONE;
  return {
    word: probe.version,
    about: `claude at ${probe.claude ?? 'an unknown place'}`,
    isOff: false,
  };
}

/** The state of the unit that is watched; nothing where none is. */
export function service(probe: HostProbe | null, unit: string | null): Fact | null {
  if (unit === null) return null;
  const state = probe?.service ?? null;
  if (state === null) return NONE;
  const isOff = state !== 'active' && state !== 'reloading';
  return { word: `service ${state}`, about: unit, isOff };
}

/** How long a word takes there and back. */
export function latency(probe: HostProbe | null): Fact {
  const ms = probe?.latency_ms ?? null;
  if (ms === null) return NONE;
  const word = ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
  return { word, about: 'A word there and back', isOff: false };
}

/** How busy it is, of how many processors. */
export function load(probe: HostProbe | null): Fact {
  if (probe?.load == null) return NONE;
  const of = probe.processors === null ? '' : ` of ${probe.processors}`;
  return {
    word: `load ${probe.load.toFixed(1)}${of}`,
    about: 'Processes that ran or waited on average in the last minute, of how many processors',
    isOff: probe.processors !== null && probe.load > 2 * probe.processors,
  };
}

/** By how much its clock is off; nothing where it is right. */
export function clockOff(probe: HostProbe | null): Fact | null {
  const ms = probe?.clock_ahead_ms ?? null;
  if (ms === null || Math.abs(ms) < CLOCK_MS) return null;
  const seconds = Math.round(Math.abs(ms) / 1000);
  const by = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
  return {
    word: `clock ${by} ${ms > 0 ? 'ahead' : 'behind'}`,
    about: 'Its clock differs from this computer’s',
    isOff: true,
  };
}
