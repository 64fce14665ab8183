/** A rule of the routing table while it is written. */
import type {
  Class,
  Destination,
  Effort,
  Fallback,
  FallbackCause,
  KeyId,
  RoutingRow,
  RoutingRule,
  Through,
  Tier,
} from '../../lib/bindings';
import { placeOf, whereOf, type Place } from '../../parts/places';

/** The most fallbacks of one class. */
const FALLBACKS_MAX = 8;

/** Who pays where nobody was chosen yet. */
export interface Usual {
  key: KeyId | null;
  login: string | null;
}

let made = 0;

/** One way: a tier with its payer, a model, and an effort. */
export class WayForm {
  /** Tells one way from another while they change places. */
  readonly id = (made += 1);
  tier = $state<Tier>('metered');
  /** Empty for the one that is chosen. */
  login = $state('');
  /** Empty for the active key; on the farm, for whoever pays on the host. */
  key = $state('');
  place = $state<Place>('any');
  /** Empty for the one that the run would have otherwise. */
  model = $state('');
  effort = $state<Effort | ''>('');

  constructor(to: Destination | null = null) {
    if (to === null) return;
    const { through } = to;
    this.tier = through.tier;
    this.model = to.model ?? '';
    this.effort = to.effort ?? '';
    if (through.tier === 'subscription') this.login = through.login ?? '';
    else this.key = through.key ?? '';
    if (through.tier === 'farm') this.place = placeOf(through);
  }

  readonly wire = $derived<Destination>({
    through: this.#through,
    model: this.model === '' ? null : this.model,
    effort: this.effort === '' ? null : this.effort,
  });

  /** It says by itself who pays. */
  readonly isExact = $derived(this.tier === 'subscription' ? this.login !== '' : this.key !== '');

  get #through(): Through {
    const key = this.key === '' ? null : this.key;
    switch (this.tier) {
      case 'subscription':
        return { tier: this.tier, login: this.login === '' ? null : this.login };
      case 'metered':
        return { tier: this.tier, key };
      case 'farm':
        return { tier: this.tier, key, ...whereOf(this.place) };
    }
  }
}

/** One fallback, with its cause. It names its payer. */
export class FallbackForm extends WayForm {
  cause = $state<FallbackCause>('unavailable');

  constructor(fallback: Fallback | null = null) {
    super(fallback?.to);
    if (fallback) this.cause = fallback.cause;
  }

  /** Names a payer where none is named. */
  fill({ key, login }: Usual): void {
    if (this.isExact) return;
    if (this.tier === 'subscription') this.login = login ?? '';
    else this.key = key ?? '';
  }
}

/** A rule: where a class of work goes first, and what may follow in this order. */
export class RuleForm {
  readonly work: Class;
  readonly isNew: boolean;
  readonly first: WayForm;
  fallbacks = $state<FallbackForm[]>([]);

  readonly #before: string;

  constructor(work: Class, rule: RoutingRule | null) {
    this.work = work;
    this.isNew = rule === null;
    this.first = new WayForm(rule?.first);
    this.fallbacks = rule?.fallbacks.map((one) => new FallbackForm(one)) ?? [];
    this.#before = JSON.stringify(this.wire);
  }

  readonly wire = $derived.by<RoutingRule>(() => ({
    class: this.work,
    first: this.first.wire,
    fallbacks: this.fallbacks.map(({ cause, wire }) => ({ cause, to: wire })),
  }));

  readonly isReady = $derived(this.fallbacks.every(({ isExact }) => isExact));
  readonly canAdd = $derived(this.fallbacks.length < FALLBACKS_MAX);

  get isChanged(): boolean {
    return this.isNew || JSON.stringify(this.wire) !== this.#before;
  }

  /** Adds a fallback to a key, for the cause that the first way has most of all. */
  add(usual: Usual): void {
    const next = new FallbackForm();
    next.cause = { subscription: 'plan_limit', metered: 'overloaded', farm: 'host_down' }[
      this.first.tier
    ] as FallbackCause;
    next.fill(usual);
    this.fallbacks.push(next);
  }

  remove(at: number): void {
    this.fallbacks.splice(at, 1);
  }

  /** Puts a fallback before the one that is before it, or behind the one behind it. */
  move(at: number, by: -1 | 1): void {
    const [one] = this.fallbacks.splice(at, 1);
    if (one) this.fallbacks.splice(at + by, 0, one);
  }

  /** Counts what was allowed and is void by this: the first way, or the fallback itself, differs. */
  voids(row: RoutingRow | undefined): number {
    if (!row?.rule) return 0;
    const allowed = row.rule.fallbacks.filter(
      (_, at) => row.auto.fallbacks[at]?.allowed_at != null,
    );
    if (!isSame(row.rule.first, this.wire.first)) return allowed.length;
    const stays = (one: Fallback) =>
      this.wire.fallbacks.some((other) => other.cause === one.cause && isSame(other.to, one.to));
    return allowed.filter((one) => !stays(one)).length;
  }
}

function isSame(one: Destination, other: Destination): boolean {
  const parts = ({ through, model, effort }: Destination) =>
    JSON.stringify([Object.entries(through).toSorted(), model, effort]);
  return parts(one) === parts(other);
}
