/** Notices that plain `claude` bills somebody else than when the window last knew. */
import type { Who } from './bindings';
import { payerKind, verdict, type PayerKind } from './payer';

/** What is said of it. */
export interface Changed {
  kind: PayerKind;
  /** Who is billed now, and where that is set. */
  sentence: string;
  /** Who was billed before. */
  before: string;
}

export class PayerChange {
  /** What is to be said; nothing where nothing changed, or it was put away. */
  notice = $state.raw<Changed | null>(null);

  #last: string | null = null;
  readonly #seen: string[] = [];

  /** Takes in an answer to who pays. */
  hear(who: Who): void {
    const { payer, rest } = verdict(who);
    const last = this.#last;
    const isBack = this.#seen.includes(payer);
    this.#last = payer;
    if (!isBack) this.#seen.push(payer);
    if (last === null || last === payer) return;
    const where = rest === '' ? '' : `, ${rest}`;
    this.notice = {
      kind: payerKind(who),
      sentence: `Plain \`claude\` bills ${payer} ${isBack ? 'again' : 'now'}${where}.`,
      before: last,
    };
  }

  /** Puts the notice away. */
  dismiss = (): void => {
    this.notice = null;
  };
}
