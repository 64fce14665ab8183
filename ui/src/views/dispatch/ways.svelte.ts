import { ways } from '../../lib/bindings';
import type { Draft, Failure, Way } from '../../lib/bindings';
import { failure } from '../../lib/host';

/** The tiers beside one another for a draft. The last answer stays until there is a newer one. */
export class Ways {
  list = $state.raw<readonly Way[] | null>(null);
  failure = $state.raw<Failure | null>(null);

  #newest = 0;

  /** Asks about a draft; an answer that a newer question has overtaken is dropped. */
  load = async (draft: Draft): Promise<void> => {
    const mine = (this.#newest += 1);
    try {
      const list = await ways(draft);
      if (mine !== this.#newest) return;
      this.list = list;
      this.failure = null;
    } catch (error) {
      if (mine === this.#newest) this.failure = failure(error);
    }
  };
}
