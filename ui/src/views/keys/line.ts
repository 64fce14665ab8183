/** The rows of the key list: copies of one shape, filled anew for each key that they show. */
import type { KeyRow } from '../../lib/bindings';
import { ago, moment } from '../../lib/format';
import { health, type Health } from '../../lib/health';
import { canPay } from '../../lib/keys.svelte';
import { atLeast, leftOut } from '../../lib/money';
import Badge from '../../shared/Badge.svelte';
import { drawn } from '../../shared/stamp';
import KeyShape from './KeyShape.svelte';

/** What the buttons of a row do. */
export type Acts = {
  select: (key: KeyRow) => void;
  check: (key: KeyRow) => void;
  copy: (key: KeyRow) => void;
  more: (key: KeyRow, button: HTMLElement) => void;
};

type Part = keyof Acts | 'name' | 'admin' | 'gateway' | 'hint' | 'source' | 'environment' | Figures;
type Figures = 'health' | 'used' | 'month';

let shape: HTMLElement | undefined;
const badges = new Map<Health['state'], HTMLElement>();

function badge(state: Health['state']): HTMLElement {
  const first = badges.get(state) ?? drawn(Badge, { state, word: ' ' });
  badges.set(state, first);
  return first.cloneNode(true) as HTMLElement;
}

/** Writes a text where it is another one: most rows of a list say the same in most columns. */
function write(part: HTMLElement, text: string): void {
  if (part.textContent !== text) part.textContent = text;
}

/** Leaves the cents of millions to the title: a sum that is cut off could be any. */
export function inColumn(sum: string): string {
  return /,\d{3},/.test(sum) ? sum.replace(/\.\d\d$/, '') : sum;
}

/** One row. */
export class KeyLine {
  readonly root: HTMLElement;

  readonly #parts: Record<Part, HTMLElement>;
  #key: KeyRow | null = null;
  #state: Health['state'] | null = null;

  constructor(acts: Acts) {
    shape ??= drawn(KeyShape, {});
    this.root = shape.cloneNode(true) as HTMLElement;
    const parts = this.root.querySelectorAll<HTMLElement>('[data-part]');
    this.#parts = Object.fromEntries(
      Array.from(parts, (part) => [part.dataset.part, part]),
    ) as Record<Part, HTMLElement>;
    const on = (name: keyof Acts): void => {
      const button = this.#parts[name];
      button.addEventListener('click', () => this.#key && acts[name](this.#key, button));
    };
    (['select', 'check', 'copy', 'more'] as const).forEach(on);
    // The rules for dates are read when the first one is written, and nobody waits for a tooltip.
    this.#parts.used.addEventListener('pointerenter', () => {
      const at = this.#key?.last_used_at ?? null;
      this.#parts.used.title = at === null ? '' : moment(at);
    });
    // On a button with a menu, this arrow is the menu's and not the list's.
    this.#parts.more.addEventListener('keydown', (event) => {
      if (event.key !== 'ArrowDown' || !this.#key) return;
      event.preventDefault();
      event.stopPropagation();
      acts.more(this.#key, this.#parts.more);
    });
  }

  /** Shows a key at its place in the list. */
  show(key: KeyRow, index: number, tabindex: number): void {
    const { root } = this;
    root.dataset.index = String(index);
    root.ariaRowIndex = String(index + 2);
    root.ariaSelected = String(key.is_selected);
    root.tabIndex = tabindex;
    for (const name of ['select', 'check', 'copy', 'more'] as const) {
      this.#parts[name].tabIndex = tabindex;
    }
    // Most of what happens to a list moves its rows, or the focus in them.
    if (key === this.#key) return;
    this.#key = key;
    this.#fill(key);
  }

  #fill(key: KeyRow): void {
    const { admin, check, copy, environment, gateway, hint, more, name, select, source } =
      this.#parts;
    write(name, key.name);
    name.title = key.name;
    admin.hidden = key.kind !== 'admin';
    gateway.hidden = key.base_url === null;
    gateway.title = gateway.ariaLabel = `Sent to a gateway, ${key.base_url ?? ''}`;
    write(hint, `…${key.last4}`);
    write(source, key.source);
    write(environment, key.environment);
    environment.title = key.environment;
    select.hidden = !canPay(key) || key.is_selected;
    select.ariaLabel = `Select ${key.name}`;
    check.ariaLabel = check.title = `Check ${key.name} for free`;
    copy.ariaLabel = copy.title = `Copy ${key.name}`;
    more.ariaLabel = more.title = `More for ${key.name}`;
    this.#figures(key);
  }

  #figures(key: KeyRow): void {
    const { health: how, month, used } = this.#parts;
    const { state, word, about } = health(key);
    if (state !== this.#state) {
      this.#state = state;
      how.replaceChildren(badge(state));
    }
    const shown = how.firstElementChild as HTMLElement;
    shown.title = about;
    const said = shown.querySelector<HTMLElement>('.name');
    if (said) write(said, word);
    write(used, ago(key.last_used_at));
    used.title = '';
    const missing = leftOut(key.month);
    write(month, inColumn(atLeast(key.month)));
    month.title = missing ? `${missing} not counted` : `$${key.month.cost}`;
    month.dataset.is = key.month.runs === 0 ? 'nothing' : 'some';
  }
}

/** Makes what puts rows into their places; a place keeps its row, whatever it shows. */
export function lines(acts: Acts) {
  const made = new WeakMap<Element, KeyLine>();
  return (key: KeyRow, index: number, tabindex: number) => (place: HTMLElement) => {
    const line = made.get(place) ?? new KeyLine(acts);
    if (!made.has(place)) place.append(line.root);
    made.set(place, line);
    line.show(key, index, tabindex);
  };
}
