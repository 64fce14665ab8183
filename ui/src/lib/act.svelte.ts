import type { Failure } from './bindings';
import { failure } from './host';

const PATIENCE_MS = 300;

/** One thing that a person does: under way, failed with words to show, or done. */
export class Act {
  failure = $state.raw<Failure | null>(null);
  isRunning = $state(false);
  /** Whether it takes long enough to be shown. */
  isSlow = $state(false);

  #again: (() => Promise<unknown>) | null = null;

  /** Does it, unless it is under way already; tells whether it came to its end. */
  run = async (work: () => Promise<unknown>): Promise<boolean> => {
    if (this.isRunning) return false;
    this.#again = work;
    this.isRunning = true;
    const timer = setTimeout(() => (this.isSlow = true), PATIENCE_MS);
    try {
      await work();
      this.failure = null;
      return true;
    } catch (error) {
      this.failure = failure(error);
      return false;
    } finally {
      clearTimeout(timer);
      this.isRunning = false;
      this.isSlow = false;
    }
  };

  /** Does the same once more, after what stood in the way is gone. */
  retry = (): Promise<boolean> => (this.#again ? this.run(this.#again) : Promise.resolve(false));

  /** Forgets what went wrong. */
  clear = (): void => {
    this.failure = null;
  };
}
