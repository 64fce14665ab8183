/** Made-up rules of the routing table. */
import type { Destination, Fallback, FallbackCause, RoutingRule, Through } from '../lib/bindings';
import type { RoutingScene } from './scenario';

const to = (through: Through, model: string | null = null): Destination => ({
  through,
  model,
  effort: null,
});
const key = (id: string | null): Through => ({ tier: 'metered', key: id });
const plan = (login: string | null): Through => ({ tier: 'subscription', login });
const farm = (label: string | null, key: string | null, host: number | null = null): Through => ({
  tier: 'farm',
  host,
  label,
  key,
});
const on = (cause: FallbackCause, through: Through, model: string | null = null): Fallback => ({
  cause,
  to: to(through, model),
});

const REVIEW: RoutingRule = {
  class: 'review',
  first: to(plan(null), 'claude-sonnet-5'),
  fallbacks: [
    on('plan_limit', key('key-work'), 'claude-haiku-5-5'),
    on('overloaded', key('key-personal')),
  ],
};

const PLANNING: RoutingRule = {
  class: 'planning',
  first: { ...to(plan(null), 'claude-opus-5'), effort: 'high' },
  fallbacks: [],
};

const TASK: RoutingRule = {
  class: 'task',
  first: to(farm('eu', 'key-personal'), 'claude-haiku-5-5'),
  fallbacks: [on('host_down', key('key-personal'), 'claude-haiku-5-5')],
};

const BROKEN: RoutingRule[] = [
  {
    class: 'review',
    first: to(key('key-gone'), 'claude-sonnet-5'),
    fallbacks: [
      on('unavailable', key('key-work'), 'claude-haiku-5-5'),
      on('overloaded', key('key-gone-too')),
    ],
  },
  { class: 'chat', first: to(farm(null, 'key-personal', 99)), fallbacks: [] },
];

const MANY: RoutingRule = {
  class: 'interactive',
  first: to(key('key-nightly-evaluation-of-the-retrieval-prompts-second-attempt'), 'claude-opus-5'),
  fallbacks: (['rate_limited', 'overloaded', 'host_down', 'unavailable'] as const).flatMap(
    (cause) => [
      on(cause, key('key-nightly-evaluation-of-the-retrieval-prompts-second-attempt')),
      on(cause, farm('a label of some length', 'key-personal'), 'claude-haiku-5-5'),
    ],
  ),
};

/** The rules of a scene. */
export function rulesOf(scene: RoutingScene): RoutingRule[] {
  switch (scene) {
    case 'none':
      return [];
    case 'broken':
      return BROKEN;
    case 'many':
      return [MANY, PLANNING, REVIEW, TASK];
    default:
      return [REVIEW, PLANNING, TASK];
  }
}
