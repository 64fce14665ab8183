/** The settings that have a control of their own. What is not listed here is shown as plain text. */
import type { SettingRow } from './bindings';

/** How a setting is shown and changed. */
export type Control =
  | { kind: 'model' }
  | { kind: 'choice'; options: readonly { value: string; label: string }[]; other: Other }
  | { kind: 'text'; placeholder?: string; empty?: string }
  | { kind: 'timeouts' };

/** A value of one's own, beside the choices: a number of something, or a text. */
export type Other =
  | { kind: 'number'; unit: string; max: number }
  | { kind: 'text'; label: string; placeholder: string };

export interface Known {
  label: string;
  /** What it does, in a sentence. */
  about: string;
  control: Control;
  /** The default, where going back to it may take something away. */
  usual?: string;
  loss?: Loss;
}

/** Says what a change takes away for good, or nothing where it takes nothing. */
type Loss = (from: string, to: string) => string | null;

export interface Group {
  title: string;
  names: readonly string[];
}

/** A list of values by their words, with one of one's own beside them. */
function choice(other: Other, options: readonly [value: string, label: string][]): Control {
  return { kind: 'choice', options: options.map(([value, label]) => ({ value, label })), other };
}

/** Words what is lost where a time gets shorter; `forever` stands for one without an end. */
function whenShorter(forever: string, words: (to: string) => string): Loss {
  const length = (text: string) => (text === forever ? Infinity : Number(text));
  return (from, to) => (length(to) < length(from) ? words(to) : null);
}

export const known: Record<string, Known> = {
  'dispatch.model': {
    label: 'Model',
    about: 'For runs that name none.',
    control: { kind: 'model' },
  },
  'plan.program': {
    label: 'Where claude is',
    about: 'By its whole path, where it is in none of the usual places.',
    control: { kind: 'text', placeholder: 'found by itself', empty: 'null' },
  },
  'history.keep_days': {
    label: 'Keep prompts and answers',
    about: 'They are encrypted, and deleted when this time is over.',
    loss: whenShorter('null', (days) =>
      days === '0'
        ? 'All prompts and answers that are kept will be deleted.'
        : `Prompts and answers older than ${days} days will be deleted.`,
    ),
    control: choice({ kind: 'number', unit: 'days', max: 36_500 }, [
      ['null', 'For ever'],
      ['365', '1 year'],
      ['90', '90 days'],
      ['30', '30 days'],
      ['7', '7 days'],
      ['0', 'Not at all'],
    ]),
  },
  'usage.keep_months': {
    label: 'Keep single ledger rows',
    about: 'Sums by day stay in any case.',
    usual: '13',
    loss: whenShorter(
      '0',
      (months) => `Rows older than ${months} months will be added up, for good.`,
    ),
    control: choice({ kind: 'number', unit: 'months', max: 1_200 }, [
      ['0', 'For ever'],
      ['36', '3 years'],
      ['13', '13 months'],
      ['6', '6 months'],
      ['3', '3 months'],
    ]),
  },
  'usage.zone': {
    label: 'Time zone',
    about: 'Whose days are summed, by its IANA name.',
    control: { kind: 'text', placeholder: 'Europe/Berlin' },
  },
  'vault.lock_after_minutes': {
    label: 'Lock when idle',
    about:
      'The usual: after 15 minutes where it takes a passphrase, never where the keychain opens it.',
    control: choice({ kind: 'number', unit: 'minutes', max: 10_080 }, [
      ['null', 'The usual'],
      ['5', 'After 5 minutes'],
      ['15', 'After 15 minutes'],
      ['60', 'After 1 hour'],
      ['0', 'Never'],
    ]),
  },
  'http.proxy': {
    label: 'Proxy',
    about: 'A proxy sees when and how much is sent. A URL goes without name and password.',
    control: choice(
      { kind: 'text', label: 'By its URL', placeholder: 'http://proxy.example:3128' },
      [
        ['off', 'None'],
        ['system', 'The system’s'],
      ],
    ),
  },
  'http.ca_file': {
    label: 'Certificates',
    about: 'A PEM file to trust besides the usual ones, by its full path.',
    control: { kind: 'text', placeholder: '/etc/ssl/company.pem', empty: 'null' },
  },
  'http.timeouts': {
    label: 'Time limits',
    about: 'In seconds.',
    control: { kind: 'timeouts' },
  },
};

const groups: readonly Group[] = [
  { title: 'Dispatch', names: ['dispatch.model'] },
  { title: 'Plan', names: ['plan.program'] },
  { title: 'History and ledger', names: ['history.keep_days', 'usage.keep_months', 'usage.zone'] },
  { title: 'Vault', names: ['vault.lock_after_minutes'] },
  { title: 'Network', names: ['http.proxy', 'http.ca_file', 'http.timeouts'] },
];

/** Puts the settings that there are under headings; unknown ones come last. */
export function grouped(rows: readonly SettingRow[]): { title: string; rows: SettingRow[] }[] {
  const named = new Set(groups.flatMap((group) => group.names));
  const of = (names: readonly string[]) =>
    names.flatMap((name) => rows.filter((row) => row.name === name));
  return [
    ...groups.map(({ title, names }) => ({ title, rows: of(names) })),
    { title: 'More', rows: rows.filter((row) => !named.has(row.name)) },
  ].filter((group) => group.rows.length > 0);
}

/** Writes a JSON value as a person would: a text without quotes. */
export function plain(json: string): string {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'string' ? value : json;
  } catch {
    return json;
  }
}

/** What the parts of a request's time limits are called, in the order of a request. */
export const limits = {
  connect: 'To connect',
  first_byte: 'To the first byte',
  idle: 'Between two pieces',
  total: 'Whole run',
} as const;

export type Limits = Record<keyof typeof limits, number>;

/** Reads time limits in milliseconds, or nothing where they have another form. */
export function readLimits(json: string): Limits | null {
  try {
    const value = JSON.parse(json) as Partial<Limits>;
    const names = Object.keys(limits) as (keyof Limits)[];
    return names.every((name) => typeof value[name] === 'number') ? (value as Limits) : null;
  } catch {
    return null;
  }
}
