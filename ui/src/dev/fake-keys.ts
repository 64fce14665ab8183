/** The stand-in's keys. */
import type { Change, KeyEdit, KeyRow, NewKey } from '../lib/bindings';
import type { FakeVault } from './fake-vault';
import { judge } from './refusals';
import { keyOf, keyRow } from './sample';
import { refuse } from './sample-replies';

type Args = Record<string, unknown>;

export class FakeKeys {
  rows: KeyRow[];

  #vault: FakeVault;
  #tell: (change: Change) => void;

  constructor(rows: KeyRow[], vault: FakeVault, tell: (change: Change) => void) {
    this.rows = rows;
    this.#vault = vault;
    this.#tell = tell;
  }

  list_keys = (): KeyRow[] => this.rows;

  add_key({ key }: Args) {
    const { secret, labels, select, unchecked, base_url } = key as NewKey;
    judge(secret, base_url !== null, unchecked);
    this.#vault.need();
    const name = labels.name ?? 'Personal';
    if (this.rows.some((other) => other.name === name)) {
      throw refuse(
        'duplicate',
        `There is a key called ${name} already, and two that look alike could be mixed up.`,
        'Choose another name.',
      );
    }
    const row = keyRow({
      name,
      id: `key-${Date.now()}`,
      last4: secret.slice(-4),
      base_url,
      environment: labels.environment ?? '',
      validity: unchecked ? 'unchecked' : 'valid',
      created_at: Date.now(),
    });
    this.rows = [...this.rows, row];
    const isSelected = select || this.rows.length === 1;
    if (isSelected) this.select_key({ id: row.id });
    this.#tell('store');
    return { key: keyOf(row), is_selected: isSelected, unchecked_because: null };
  }

  take_over({ key }: Args) {
    const { labels, select } = key as { labels: KeyEdit; select: boolean };
    const secret = 'sk-ant-api03-taken-over-from-the-shell-3f9a';
    return this.add_key({ key: { secret, labels, select, unchecked: false, base_url: null } });
  }

  check_key({ id }: Args) {
    this.#vault.need();
    const row = this.#key(id);
    row.checked_at = Date.now();
    if (row.validity === 'unchecked') row.validity = 'valid';
    this.#tell('store');
    const isBad = row.validity === 'refused';
    return {
      key: keyOf(row),
      trouble: isBad
        ? refuse(
            'key_refused',
            'The server refuses this key (401).',
            'Make a new key in the Console.',
          )
        : null,
      is_answered: true,
      cost: null,
    };
  }

  test_key(args: Args) {
    return { ...this.check_key(args), cost: '0.000021' };
  }

  select_key({ id }: Args) {
    for (const row of this.rows) row.is_selected = row.id === id;
    this.#tell('store');
    return keyOf(this.#key(id));
  }

  edit_key({ id, change }: Args) {
    const row = this.#key(id);
    Object.assign(row, change);
    this.#tell('store');
    return keyOf(row);
  }

  remove_key({ id }: Args) {
    const row = this.#key(id);
    this.rows = this.rows.filter((other) => other !== row);
    this.#tell('store');
    return keyOf(row);
  }

  copy_key({ id }: Args): null {
    this.#vault.need();
    this.#key(id);
    return null;
  }

  #key(id: unknown): KeyRow {
    const row = this.rows.find((key) => key.id === id);
    if (!row) throw refuse('not_found', 'This key is no longer in the store.', null);
    return row;
  }
}
