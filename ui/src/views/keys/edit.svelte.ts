import { edit_key, type KeyEdit, type KeyRow } from '../../lib/bindings';
import { Act } from '../../lib/act.svelte';
import { keys, named } from '../../lib/keys.svelte';
import { say } from '../../lib/said.svelte';
import { standing } from '../../lib/standing.svelte';

/** The labels of a key while they are edited. */
export class KeyEditing {
  name = $state('');
  environment = $state('');
  organization = $state('');
  tags = $state('');
  note = $state('');
  /** The day, as a date field has it; empty is never. */
  expires = $state('');

  readonly act = new Act();
  readonly #key: KeyRow;

  constructor(key: KeyRow) {
    this.#key = key;
    this.name = key.name;
    this.environment = key.environment;
    this.organization = key.organization ?? '';
    this.tags = key.tags.join(', ');
    this.note = key.note;
    this.expires = dayOf(key.expires_at);
  }

  /** What differs from what is stored. */
  get change(): KeyEdit {
    const key = this.#key;
    const tags = this.tags
      .split(',')
      .map((tag) => tag.trim())
      .filter(Boolean);
    return {
      ...(this.name.trim() !== key.name && { name: this.name.trim() }),
      ...(this.environment.trim() !== key.environment && { environment: this.environment.trim() }),
      ...(this.organization.trim() !== (key.organization ?? '') && {
        organization: this.organization.trim(),
      }),
      ...(tags.join('\n') !== key.tags.join('\n') && { tags }),
      ...(this.note !== key.note && { note: this.note }),
      ...(this.expires !== dayOf(key.expires_at) && { expires_at: endOf(this.expires) }),
    };
  }

  /** Whether there is something to save. */
  get isChanged(): boolean {
    return this.name.trim() !== '' && Object.keys(this.change).length > 0;
  }

  /** Stores what was changed; tells whether it is stored. */
  save = (): Promise<boolean> =>
    this.act.run(async () => {
      const key = await edit_key(this.#key.id, this.change);
      await Promise.all([keys.load(), standing.load()]);
      say(`${named(key)} is changed.`);
    });
}

function dayOf(moment: number | null): string {
  if (moment === null) return '';
  const then = new Date(moment);
  const two = (part: number): string => String(part).padStart(2, '0');
  return `${then.getFullYear()}-${two(then.getMonth() + 1)}-${two(then.getDate())}`;
}

/** The last moment of a local day. */
function endOf(day: string): number | null {
  return day === '' ? null : new Date(`${day}T23:59:59.999`).getTime();
}
