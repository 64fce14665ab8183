/** How the three tiers look and are called. */
import type { Tier } from './bindings';

export const TIERS: Record<Tier, { glyph: string; word: string }> = {
  subscription: { glyph: '◆', word: 'Plan' },
  metered: { glyph: '●', word: 'Metered' },
  farm: { glyph: '▲', word: 'Farm' },
};
