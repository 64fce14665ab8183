import type { Failure } from './bindings';
import { failure } from './host';

/** After this long a wait is shown. */
const PATIENCE_MS = 300;
/** What was read so shortly before is not read again. What changed meanwhile is told. */
const NEW_MS = 500;

/**
 * Something that is read from the program. While it is read again, the old value stays; an answer
 * that a newer question has overtaken is dropped.
 */
export class Resource<T> {
  value = $state.raw<T>();
  failure = $state.raw<Failure | null>(null);
  isLoading = $state(false);
  /** Whether the wait is long enough to be shown. */
  isSlow = $state(false);

  #read: () => Promise<T>;
  #newest = 0;
  #readAt = -Infinity;

  constructor(read: () => Promise<T>) {
    this.#read = read;
  }

  /** Reads it, unless that is being done or was done a moment ago, such as ahead of its screen. */
  loadUnlessNew = async (): Promise<void> => {
    const isNew = this.value !== undefined && performance.now() - this.#readAt < NEW_MS;
    if (this.isLoading || isNew) return;
    await this.load();
  };

  /** Reads it, now or again. */
  load = async (): Promise<void> => {
    const mine = ++this.#newest;
    this.isLoading = true;
    const timer = setTimeout(() => {
      if (mine === this.#newest) this.isSlow = true;
    }, PATIENCE_MS);
    try {
      const value = await this.#read();
      if (mine === this.#newest) {
        this.value = value;
        this.failure = null;
        this.#readAt = performance.now();
      }
    } catch (error) {
      if (mine === this.#newest) this.failure = failure(error);
    } finally {
      clearTimeout(timer);
      if (mine === this.#newest) {
        this.isLoading = false;
        this.isSlow = false;
      }
    }
  };
}
