/** What is said of a host while it is being added, changed, or brought in with others. */
import type { HostEdit, HostRow, NewHost } from '../../lib/bindings';

/** Whose key pays: the active one, one that is stored here, or one that is on the box. */
export type PaidBy = 'active' | 'own' | `key:${string}`;

export class HostForm {
  name = $state('');
  destination = $state('');
  port = $state('');
  identity = $state('');
  slots = $state('1');
  unit = $state('');
  paidBy = $state<PaidBy>('active');
  /** The program on the box that brings the box's own key. */
  program = $state('');
  labels = $state('');

  constructor(row: HostRow | null = null) {
    if (row === null) return;
    this.name = row.name;
    this.destination = row.destination;
    this.port = row.port === null ? '' : String(row.port);
    this.identity = row.identity ?? '';
    this.slots = String(row.slots);
    this.unit = row.service_unit ?? '';
    this.paidBy = row.own_command !== null ? 'own' : row.key === null ? 'active' : `key:${row.key}`;
    this.program = row.own_command ?? '';
    this.labels = row.labels.join(', ');
  }

  /** A host is somewhere, and is called something. */
  get isReady(): boolean {
    return this.name.trim() !== '' && this.destination.trim() !== '' && this.isPaid;
  }

  /** A key of its own is brought by a program. */
  get isPaid(): boolean {
    return this.paidBy !== 'own' || this.program.trim() !== '';
  }

  /** What holds for a host besides its name and place; whoever brings in several says it of each. */
  get rest(): Omit<NewHost, 'name' | 'destination'> {
    const { port, slots, program } = this;
    return {
      ...(port.trim() !== '' && { port: whole(port) }),
      ...(this.identity.trim() !== '' && { identity: this.identity.trim() }),
      ...(slots.trim() !== '' && { slots: whole(slots) }),
      ...(this.unit.trim() !== '' && { service_unit: this.unit.trim() }),
      ...(this.key !== '' && { key: this.key }),
      ...(this.paidBy === 'own' && { own_command: program.trim() }),
      labels: words(this.labels),
    };
  }

  get host(): NewHost {
    return { name: this.name.trim(), destination: this.destination.trim(), ...this.rest };
  }

  /** The stored key that pays; empty where none is named. */
  get key(): string {
    return this.paidBy.startsWith('key:') ? this.paidBy.slice(4) : '';
  }

  /** What differs from a host that is known; an empty text takes a field away. */
  changeOf(row: HostRow): HostEdit {
    const labels = words(this.labels);
    const program = this.paidBy === 'own' ? this.program.trim() : '';
    const port = this.port.trim() === '' ? 0 : whole(this.port);
    return {
      ...(this.name.trim() !== row.name && { name: this.name.trim() }),
      ...(this.destination.trim() !== row.destination && { destination: this.destination.trim() }),
      ...(port !== (row.port ?? 0) && { port }),
      ...(this.identity.trim() !== (row.identity ?? '') && { identity: this.identity.trim() }),
      ...(whole(this.slots) !== row.slots && { slots: whole(this.slots) }),
      ...(this.unit.trim() !== (row.service_unit ?? '') && { service_unit: this.unit.trim() }),
      ...(this.key !== (row.key ?? '') && { key: this.key }),
      ...(program !== (row.own_command ?? '') && { own_command: program }),
      ...(labels.join('\n') !== row.labels.join('\n') && { labels }),
    };
  }

  /** Tells whether it would go elsewhere, so that its pinned key is dropped. */
  movesFrom(row: HostRow): boolean {
    const { destination, port } = this.changeOf(row);
    return row.host_keys.length > 0 && (destination !== undefined || port !== undefined);
  }
}

/** What a field for a port takes, as the field itself checks it. */
export const PORT =
  '[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]';
/** What a field for a number of slots takes; how many are too many is for the program to say. */
export const SLOTS = '[1-9][0-9]{0,3}';

/** Reads a whole number that its field has checked; what is none is 0, which no host has. */
function whole(text: string): number {
  const number = Number(text.trim());
  return Number.isSafeInteger(number) && number > 0 ? number : 0;
}

function words(text: string): string[] {
  return text
    .split(',')
    .map((word) => word.trim())
    .filter(Boolean);
}
