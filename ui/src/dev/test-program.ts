/** A program that a test speaks for, event by event. */
import type { Draft, Offer, Receipt, RunEvent } from '../lib/bindings';
import { useHost } from '../lib/host';

type Take = (event: RunEvent) => void;

export const receipt = (more: Partial<Receipt> = {}): Receipt => ({
  run: 41,
  conversation: 7,
  state: 'finished',
  tier: 'metered',
  model: 'claude-haiku-4-5',
  payer: 'key:a',
  payer_label: 'Work',
  key: 'a',
  booked: null,
  books: 'kept',
  stop_reason: 'end_turn',
  stop_note: null,
  request_id: 'req_1',
  proof: null,
  attempts: 1,
  first_token_ms: 420,
  total_ms: 1800,
  instead_of: null,
  is_kept: true,
  ...more,
});

export const offer = (key = 'a', payer_label = 'Work'): Offer => ({
  route: {
    tier: 'metered',
    model: 'claude-haiku-4-5',
    payer_label,
    key,
    gateway: null,
    unknown_model: null,
    environment: '',
    max_tokens: 8192,
    plan: null,
    reason: `because ${payer_label} is the active key`,
  },
  estimate: { prompt_tokens: 10, counted_by: 'local', likely: '0.0018', at_most: '0.0041' },
  at_most: '0.0041',
  auto: null,
});

export const started: RunEvent = {
  event: 'started',
  run: 41,
  conversation: 7,
  tier: 'metered',
  model: 'claude-haiku-4-5',
  payer_label: 'Work',
  at_most: '0.0041',
};
export const text = (piece: string): RunEvent => ({ event: 'text', text: piece });
export const locked = {
  code: 'locked',
  message: 'The vault is locked.',
  hint: 'Unlock it.',
  remedy: null,
};

/** A host that a test speaks for. */
export class Program {
  offers: (draft: Draft) => Promise<Offer> = () => Promise.resolve(offer());
  sent: { draft: Draft; name: string; take: Take }[] = [];
  calls: [string, Record<string, unknown>][] = [];
  refuse: unknown = null;
  #end: (() => void)[] = [];

  constructor() {
    useHost({
      call: (command, args) => {
        this.calls.push([command, args]);
        if (command === 'preflight') return this.offers(args['draft'] as Draft);
        return Promise.resolve(command === 'attach' ? { id: 1, ...args, bytes: 3 } : null);
      },
      stream: (_command, args, _channel, take) => {
        if (this.refuse !== null) return Promise.reject(this.refuse);
        const { draft, name } = args as { draft: Draft; name: string };
        this.sent.push({ draft, name, take: take as Take });
        return new Promise((resolve) => this.#end.push(() => resolve(null)));
      },
    });
  }

  tell(...events: RunEvent[]): void {
    for (const event of events) this.sent.at(-1)?.take(event);
  }

  called(command: string): Record<string, unknown>[] {
    return this.calls.filter(([name]) => name === command).map(([, args]) => args);
  }
}
