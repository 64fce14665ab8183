/** The runs of the history, read page by page as they are looked at. */
import { untrack } from 'svelte';

import { list_runs } from './bindings';
import type { Failure, RunState, RunSummary } from './bindings';
import { failure } from './host';

const PAGE = 100;
const PATIENCE_MS = 300;

export class Runs {
  rows = $state.raw<readonly RunSummary[]>([]);
  failure = $state.raw<Failure | null>(null);
  isLoading = $state(false);
  /** Whether the wait is long enough to be shown. */
  isSlow = $state(false);
  /** Every run there is has been read. */
  isWhole = $state(false);
  /** There was an answer, if only that there is nothing. */
  isRead = $state(false);

  #newest = 0;

  /** Reads the next page, unless one is on its way. */
  more = async (): Promise<void> => {
    if (this.isLoading || this.isWhole) return;
    await this.#read(async () => {
      const page = await list_runs(this.rows.at(-1)?.run ?? null, PAGE);
      return { rows: [...this.rows, ...page], isWhole: page.length < PAGE };
    });
  };

  /** Reads again what has been read: something changed, or the texts can be opened now. */
  load = (): Promise<void> =>
    this.#read(async () => {
      // What is read again is not what it is read for.
      const wanted = untrack(() => this.rows.length);
      const rows: RunSummary[] = [];
      for (;;) {
        const page = await list_runs(rows.at(-1)?.run ?? null, PAGE);
        rows.push(...page);
        if (page.length < PAGE) return { rows, isWhole: true };
        if (rows.length >= wanted) return { rows, isWhole: false };
      }
    });

  async #read(work: () => Promise<{ rows: RunSummary[]; isWhole: boolean }>): Promise<void> {
    const mine = (this.#newest += 1);
    this.isLoading = true;
    const timer = setTimeout(() => (this.isSlow = this.isLoading), PATIENCE_MS);
    try {
      const { rows, isWhole } = await work();
      if (mine !== this.#newest) return;
      this.rows = rows;
      this.isWhole = isWhole;
      this.isRead = true;
      this.failure = null;
    } catch (error) {
      if (mine === this.#newest) this.failure = failure(error);
    } finally {
      clearTimeout(timer);
      if (mine === this.#newest) this.isLoading = this.isSlow = false;
    }
  }
}

/** How each state is shown. */
export const states: Record<RunState, { state: 'ok' | 'warn' | 'bad' | 'idle'; word: string }> = {
  started: { state: 'idle', word: 'running' },
  finished: { state: 'ok', word: 'finished' },
  failed: { state: 'bad', word: 'failed' },
  cancelled: { state: 'warn', word: 'cancelled' },
  lost: { state: 'bad', word: 'lost' },
};
