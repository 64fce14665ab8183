/** Two commands that the table of the wire is about to get; then these become plain re-exports. */
import type { Added, KeyEdit } from './bindings';
import { call } from './host';

/** The key that pays for a plain `claude` right now, to be stored as well. */
export type TakeOver = {
  /** The variable that holds it, as the finding named it. */
  name: string;
  /** Its last four characters: what was seen is what is taken. */
  last4: string;
  base_url: string | null;
  labels: KeyEdit;
  unchecked: boolean;
  select: boolean;
};

/** Stores the key that pays right now; where it was found it still bills. */
export const take_over = (key: TakeOver): Promise<Added> => call('take_over', { key });

/** Opens a window on sample data. */
export const start_demo = (): Promise<null> => call('start_demo', {});
