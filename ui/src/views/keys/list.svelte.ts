import type { KeyRow } from '../../lib/bindings';
import { HEALTH } from '../../lib/health';
import { compareMoney } from '../../lib/money';

/** What the list can be ordered by. */
export type Column = 'name' | 'source' | 'environment' | 'health' | 'used' | 'month';

/** Stands for "whatever the environment"; no label can be this, since labels are trimmed. */
export const ANY = ' any';

let collator: Intl.Collator | undefined;

/** Compares as people order names. The rules are read when they are first needed. */
function byWords(a: string, b: string): number {
  collator ??= new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });
  return collator.compare(a, b);
}

/** Labels are few, mostly of one word, and ordered before the first frame: without those rules. */
function byLabel(a: string, b: string): number {
  const [first, second] = [a.toLowerCase(), b.toLowerCase()];
  return first < second ? -1 : Number(first > second);
}

/** Where each row stands by its name, as far as that was worked out ahead. */
const places = new WeakMap<KeyRow, number>();

function byName(a: KeyRow, b: KeyRow): number {
  const [first, second] = [places.get(a), places.get(b)];
  if (first === undefined || second === undefined) return byWords(a.name, b.name);
  return first - second;
}

/** Puts a row where it belongs by its name, behind those of the same. */
function insert(sorted: KeyRow[], row: KeyRow): void {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = sorted[middle];
    if (other && byWords(row.name, other.name) < 0) high = middle;
    else low = middle + 1;
  }
  sorted.splice(low, 0, row);
}

const SEVERITY = { bad: 0, warn: 1, idle: 2, ok: 3 };

const orders: Record<Column, (a: KeyRow, b: KeyRow) => number> = {
  name: byName,
  source: (a, b) => byWords(a.source, b.source),
  environment: (a, b) => byWords(a.environment, b.environment),
  health: (a, b) => SEVERITY[HEALTH[a.validity].state] - SEVERITY[HEALTH[b.validity].state],
  used: (a, b) => (a.last_used_at ?? 0) - (b.last_used_at ?? 0),
  month: (a, b) => compareMoney(a.month.cost, b.month.cost),
};

/** When the first screen is there, and how many rows are got ready in one go after that. */
const LATER_MS = 400;
const AT_ONCE = 50;

/** Columns where the most is what people look for first. */
const FROM_THE_TOP: readonly Column[] = ['used', 'month'];

/** The list of keys as it is searched, filtered and ordered. */
export class KeyList {
  query = $state('');
  environment = $state(ANY);
  column = $state<Column>('used');
  isDescending = $state(true);

  #all: () => readonly KeyRow[];

  // Ordered once and searched often: a search must not order ten thousand rows at each letter. What is equal
  // stays as it came, which is by name.
  #ordered = $derived.by(() => {
    const order = orders[this.column];
    const sign = this.isDescending ? -1 : 1;
    return this.#all().toSorted((a, b) => sign * order(a, b));
  });

  /** The rows to show. */
  rows = $derived.by(() => {
    if (this.narrowed === null) return this.#ordered;
    const typed = this.query.toLowerCase().split(/\s+/).filter(Boolean);
    return this.#ordered.filter(
      (row) =>
        (this.environment === ANY || row.environment === this.environment) &&
        (typed.length === 0 || isFound(row, typed)),
    );
  });

  /** The environments that keys have, in the order of their names. */
  environments = $derived.by(() =>
    this.#all()
      .map((row) => row.environment)
      .filter((label, index, all) => all.indexOf(label) === index)
      .toSorted(byLabel),
  );

  constructor(all: () => readonly KeyRow[]) {
    this.#all = all;
  }

  /** What leaves keys out, where anything does. */
  get narrowed(): 'search' | 'environment' | 'both' | null {
    const isSearched = this.query.trim() !== '';
    if (this.environment === ANY) return isSearched ? 'search' : null;
    return isSearched ? 'both' : 'environment';
  }

  /** Says why no key is shown. */
  get why(): string {
    const place = this.environment === '' ? 'without an environment' : `in ${this.environment}`;
    const typed = `“${this.query.trim()}”`;
    const words = {
      search: `Nothing that is known of a key matches ${typed}.`,
      environment: `There is no key ${place} any more.`,
      both: `Nothing ${place} matches ${typed}. Keys elsewhere were not searched.`,
    };
    return this.narrowed === null ? '' : words[this.narrowed];
  }

  /**
   * Gets ready for the first letter of a search and for the order of names, a few rows at a time; returns what
   * ends that.
   */
  prepare = (): (() => void) => {
    let at = 0;
    const sorted: KeyRow[] = [];
    const some = (): void => {
      const rows = this.#all().slice(at, at + AT_ONCE);
      for (const row of rows) {
        searchable(row);
        insert(sorted, row);
      }
      at += AT_ONCE;
      if (rows.length > 0) timer = setTimeout(some);
      else sorted.forEach((row, place) => places.set(row, place));
    };
    let timer = setTimeout(some, LATER_MS);
    return () => clearTimeout(timer);
  };

  /** Orders by a column; once more turns the order round. */
  sortBy = (column: Column): void => {
    this.isDescending = column === this.column ? !this.isDescending : FROM_THE_TOP.includes(column);
    this.column = column;
  };

  /** Searches on in all environments. */
  everywhere = (): void => {
    this.environment = ANY;
  };

  /** Shows everything again. */
  widen = (): void => {
    this.query = '';
    this.environment = ANY;
  };
}

/** What a search looks through. Made once for each row: a letter is answered within a frame. */
const texts = new WeakMap<KeyRow, string>();

function searchable(row: KeyRow): string {
  const known = texts.get(row);
  if (known !== undefined) return known;
  const { name, last4, environment, organization, tags, note, source, base_url, kind } = row;
  const health = HEALTH[row.validity].word;
  const text = [
    name,
    last4,
    environment,
    organization,
    ...tags,
    note,
    source,
    base_url,
    kind,
    health,
  ]
    .join(' ')
    .toLowerCase();
  texts.set(row, text);
  return text;
}

function isFound(row: KeyRow, typed: readonly string[]): boolean {
  const text = searchable(row);
  return typed.every((word) => text.includes(word));
}
