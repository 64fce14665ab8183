/** What the stand-in has to tell: it is kept until the page asks, and then told at once. */
import type { Change } from '../lib/bindings';

export class FakeChanges {
  #waiting: Change[] = [];
  #asked: ((changes: Change[]) => void) | null = null;

  tell = (change: Change): void => {
    this.#waiting.push(change);
    this.#answer();
  };

  next_changes = (): Promise<Change[]> =>
    new Promise((resolve) => {
      this.#asked = resolve;
      this.#answer();
    });

  #answer(): void {
    if (!this.#asked || this.#waiting.length === 0) return;
    this.#asked(this.#waiting);
    this.#asked = null;
    this.#waiting = [];
  }
}
