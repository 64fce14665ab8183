/** The stand-in's routing table: its rules, what is allowed of them, and where a draft goes by them. */
import type {
  AutoRoute,
  Change,
  Class,
  Destination,
  Draft,
  Fallback,
  FallbackAgreement,
  FallbackWay,
  Instead,
  KeyRow,
  Nano,
  Offer,
  PayWith,
  Receipt,
  RoutingRow,
  RoutingRule,
  RunEvent,
  Through,
  Way,
} from '../lib/bindings';
import { exact, nanos } from '../lib/money';
import { CAUSES, CLASSES, payerOf } from '../parts/routing.svelte';
import { way } from './fake-plan';
import { failed, type Ending } from './fake-run';
import { NOTHING_LEFT, refuse } from './sample-replies';
import { rulesOf } from './sample-routing';
import type { RoutingScene } from './scenario';

type Args = Record<string, unknown>;
type Tell = (event: RunEvent) => void;

const BUSY = ['rate_limited', 'overloaded', 'host_down'];
const LEAVES_MS = 700;
const LIMIT = refuse(
  'busy',
  'Your plan’s limit is reached until 15:00.',
  'Wait until then, or send it another way.',
);

/** What the table asks of the rest of the stand-in. */
interface Rest {
  tell: (change: Change) => void;
  offer: (draft: Draft) => Offer;
  keys: () => readonly KeyRow[];
}

export class FakeRouting {
  #scene: RoutingScene;
  #rest: Rest;
  #rules: RoutingRule[];
  /** The class whose rule can't be read any more. */
  #spoilt: Class | null;
  #allowed = new Map<string, number>();

  constructor(scene: RoutingScene, rest: Rest) {
    this.#scene = scene;
    this.#rest = rest;
    this.#rules = rulesOf(scene);
    this.#spoilt = scene === 'spoilt' ? 'review' : null;
    if (scene === 'none' || scene === 'rules' || scene === 'barred') return;
    for (const rule of this.#rules)
      for (const one of rule.fallbacks)
        this.#allowed.set(this.#agreement(rule, one).version, Date.now() - 86_400_000);
  }

  routing = (): RoutingRow[] =>
    CLASSES.map(({ value }) => {
      const rule = this.#rules.find((one) => one.class === value) ?? null;
      if (value === this.#spoilt) return { rule: null, auto: unreadable(value) };
      return { rule, auto: this.#auto(NOTHING_LEFT.draft, value) };
    });

  set_routing({ rule }: Args): null {
    const next = rule as RoutingRule;
    if (next.class === this.#spoilt) this.#spoilt = null;
    this.#rules = [...this.#rules.filter((one) => one.class !== next.class), next];
    this.#rest.tell('store');
    return null;
  }

  unset_routing(args: Args): null {
    if (args['work'] === this.#spoilt) this.#spoilt = null;
    this.#rules = this.#rules.filter((one) => one.class !== args['work']);
    this.#rest.tell('store');
    return null;
  }

  allow_fallback({ work, number, version }: Args): FallbackAgreement {
    const agreement = this.#of(work as Class, Number(number));
    if (agreement.version !== version)
      throw refuse(
        'bad_input',
        'The fallback that was shown is not the current one, so it can’t be allowed.',
        'Look at the routing table first.',
      );
    this.#allowed.set(agreement.version, Date.now());
    this.#rest.tell('store');
    return agreement;
  }

  disallow_fallback({ work, number }: Args): FallbackAgreement {
    const agreement = this.#of(work as Class, Number(number));
    this.#allowed.delete(agreement.version);
    this.#rest.tell('store');
    return agreement;
  }

  /** Says where a draft goes by its class. */
  offer(draft: Draft, by: Class): Offer {
    const auto = this.#auto(draft, by);
    const taken = auto.begins_with === null ? auto.first : auto.fallbacks[auto.begins_with];
    if (!taken?.route || !taken.estimate) {
      const [off] = auto.fallbacks.filter((one) => one.allowed_at === null);
      const why = auto.first.why_not ?? refuse('failed', 'That way can’t be taken.', null);
      throw off ? advised(why, off, by, auto.fallbacks.indexOf(off) + 1) : why;
    }
    return { route: taken.route, estimate: taken.estimate, at_most: taken.at_most, auto };
  }

  /** Plays how the first way is left, where the scene has that; then returns who follows. */
  async leave(
    draft: Draft,
    { route, at_most, auto }: Offer,
    run: number,
    tell: Tell,
  ): Promise<(Pick<Offer, 'route' | 'at_most'> & { instead: Instead; receipt: Receipt }) | null> {
    const next = auto?.fallbacks.find(({ cause }) => cause === 'plan_limit');
    if (this.#scene !== 'taken' || !next?.route) return null;
    const conversation = draft.reply_to ?? run;
    const { tier, model, payer_label } = route;
    tell({ event: 'started', run, conversation, tier, model, payer_label, at_most });
    await new Promise((resolve) => setTimeout(resolve, LEAVES_MS));
    const receipt = failed(run, conversation, route);
    const to = next.route.payer_label;
    const cause = 'plan_limit';
    tell({ event: 'fallback', cause, from: payer_label, to, error: LIMIT, receipt });
    const instead = { cause, payer_label, run } as const;
    return { route: next.route, at_most: next.at_most, instead, receipt };
  }

  /** Says how a run ends that is not left. */
  ending({ class: by, fallbacks: [first] }: AutoRoute): Ending {
    if (this.#scene !== 'barred' || !first) return {};
    return { failure: advised(LIMIT, first, by, 1) };
  }

  #auto(draft: Draft, by: Class): AutoRoute {
    const rule = this.#rules.find((one) => one.class === by);
    if (!rule) {
      const first = way('metered', () => this.#rest.offer({ ...draft, payer: { with: 'active' } }));
      const none = { fallbacks: [], begins_with: null, at_most: first.at_most };
      return { class: by, has_rule: false, first, ...none };
    }
    const first = this.#way(draft, rule.first);
    const fallbacks = rule.fallbacks.map((one): FallbackWay => {
      const agreement = this.#agreement(rule, one);
      return {
        ...this.#way(draft, one.to),
        cause: one.cause,
        to: one.to,
        agreement,
        payer_label: this.#payer(one.to.through),
        allowed_at: this.#allowed.get(agreement.version) ?? null,
      };
    });
    const begins = fallbacks.findIndex(
      ({ cause, allowed_at, route }) => cause === 'unavailable' && allowed_at !== null && route,
    );
    const begins_with = first.route || begins < 0 ? null : begins;
    const at_most = mostOf(first, fallbacks);
    return { class: by, has_rule: true, first, fallbacks, begins_with, at_most };
  }

  #way(draft: Draft, { through, model }: Destination): Way {
    return way(through.tier, () => {
      const key = through.tier === 'subscription' ? null : through.key;
      const row = this.#rest.keys().find(({ id }) => id === key);
      if (key !== null && !row)
        throw refuse('not_found', 'The key is no longer in the store.', 'Choose another one.');
      if (row?.is_active === false)
        throw refuse('bad_input', `${row.name} is retired.`, 'Choose another key.');
      return this.#rest.offer({
        ...draft,
        model: model ?? draft.model,
        payer: payWith(through),
      });
    });
  }

  #payer(through: Through): string {
    return payerOf(through, this.#rest.keys(), []);
  }

  #agreement({ class: by, first }: RoutingRule, { cause, to }: Fallback): FallbackAgreement {
    const model = to.model ?? 'the same model';
    const payer = this.#payer(to.through);
    return {
      sentence: `For ${by}: when ${CAUSES[cause].when} before an answer has begun, ${payer} pays in place of ${this.#payer(first.through)}, or of a fallback that pays by then, for ${model}.`,
      version: JSON.stringify([by, first, cause, to]),
    };
  }

  #of(by: Class, number: number): FallbackAgreement {
    const rule = this.#rules.find((one) => one.class === by);
    const one = rule?.fallbacks[number - 1];
    if (!rule || !one)
      throw refuse('not_found', `There is no fallback ${number} for ${by}.`, null, 'list_routing');
    return this.#agreement(rule, one);
  }
}

function unreadable(by: Class): AutoRoute {
  const first = way('metered', () => {
    throw refuse(
      'damaged',
      `The rule for ${by} can’t be read any more.`,
      'Remove it and make it anew; nothing was sent.',
    );
  });
  return { class: by, has_rule: true, first, fallbacks: [], begins_with: null, at_most: null };
}

function payWith(through: Through): PayWith {
  switch (through.tier) {
    case 'subscription':
      return { with: 'plan', login: through.login };
    case 'metered':
      return through.key === null ? { with: 'active' } : { with: 'key', id: through.key };
    case 'farm':
      return { with: 'farm', host: through.host, label: through.label, key: through.key };
  }
}

/** What was left may have been billed where a server was busy; else the dearest way alone counts. */
function mostOf(first: Way, fallbacks: readonly FallbackWay[]): Nano | null {
  const follow = fallbacks.filter(({ allowed_at, route }) => allowed_at !== null && route);
  const ways: Way[] = first.route ? [first, ...follow] : follow;
  if (ways.some(({ at_most }) => at_most === null)) return null;
  const amounts = ways.map(({ at_most }) => nanos(at_most ?? '0'));
  const isSummed = follow.some(({ cause }) => BUSY.includes(cause));
  return exact(amounts.reduce((all, one) => (isSummed ? all + one : all > one ? all : one), 0n));
}

function advised(why: typeof LIMIT, off: FallbackWay, by: Class, number: number) {
  const more = `Fallback ${number} for ${by} would go on with ${off.payer_label}, but you have not allowed it.`;
  return {
    ...why,
    hint: `${why.hint ?? ''} ${more}`.trim(),
    remedy: why.remedy ?? ('allow_fallback' as const),
  };
}
