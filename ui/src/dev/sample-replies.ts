/** Small made-up replies: models, settings, an offer, a failure. */
import type {
  Code,
  Failure,
  KeyRow,
  LeftDraft,
  Models,
  Offer,
  Remedy,
  SettingRow,
} from '../lib/bindings';
import { exact } from '../lib/money';

/** Makes a failure in the program's shape. */
export function refuse(
  code: Code,
  message: string,
  hint: string | null,
  remedy: Remedy | null = null,
): Failure {
  return { code, message, hint, remedy };
}

export function someModels(): Models {
  const model = (id: string, display_name: string, max_output = 64_000) => ({
    id,
    display_name,
    lifecycle: 'active',
    max_input: 200_000,
    max_output,
  });
  return {
    models: [
      model('claude-haiku-5-5', 'Claude Haiku 5.5'),
      model('claude-sonnet-5', 'Claude Sonnet 5'),
      model('claude-opus-5', 'Claude Opus 5', 128_000),
      { ...model('claude-sonnet-4', 'Claude Sonnet 4'), lifecycle: 'deprecated' },
    ],
    fetched_at: Date.now() - 3_600_000,
  };
}

export function someSettings(): SettingRow[] {
  return [
    [
      'dispatch.model',
      'The model of runs that name none: an id, or haiku, sonnet, opus',
      '"sonnet"',
    ],
    [
      'history.keep_days',
      'For how many days prompts and answers are kept: a number, null for ever, 0 not at all',
      '90',
    ],
    [
      'vault.lock_after_minutes',
      'After how many idle minutes the vault locks itself: a number, 0 never, null 15 where a passphrase is needed',
      'null',
    ],
    [
      'usage.keep_months',
      'For how many months the ledger keeps single rows, 0 for ever; sums stay in any case',
      '13',
    ],
    [
      'plan.program',
      'The whole path of `claude`, where it is in none of the usual places, or null',
      'null',
    ],
    ['http.proxy', 'The proxy: off, system, or a URL without name and password', '"system"'],
    [
      'http.ca_file',
      'A file of certificates (PEM) to trust besides the usual ones, or null',
      'null',
    ],
    [
      'http.timeouts',
      'Limits in milliseconds, as JSON: connect, first_byte, idle, total',
      '{"connect":10000,"first_byte":60000,"idle":60000,"total":600000}',
    ],
    [
      'usage.zone',
      'The time zone whose days are summed, by its IANA name, such as Europe/Berlin',
      '"Europe/Berlin"',
    ],
  ].map(([name = '', about = '', value = '']) => ({ name, about, value }));
}

export function offer(key: KeyRow, model: string, prompt: string): Offer {
  const prompt_tokens = 12 + Math.ceil(prompt.length / 4);
  const isPriced = key.base_url === null;
  return {
    route: {
      tier: 'metered',
      model,
      payer_label: `${key.name} …${key.last4}`,
      key: key.id,
      gateway: key.base_url,
      environment: key.environment,
      max_tokens: 4096,
      unknown_model: null,
      plan: null,
      reason: key.is_selected ? 'because it is the active key' : 'because you chose it',
    },
    estimate: {
      prompt_tokens,
      counted_by: 'local',
      likely: isPriced ? exact(BigInt(prompt_tokens) * 1000n + 1_600_000n) : null,
      at_most: isPriced ? exact(BigInt(prompt_tokens) * 1000n + 20_480_000n) : null,
    },
    at_most: isPriced ? exact(BigInt(prompt_tokens) * 1000n + 20_480_000n) : null,
    auto: null,
  };
}

/** What a first page finds of the one before. */
export const NOTHING_LEFT: LeftDraft = {
  draft: {
    prompt: '',
    system: null,
    model: null,
    payer: { with: 'usual' },
    reply_to: null,
    max_tokens: null,
    effort: null,
    thinking: null,
    attachments: [],
    shown: null,
  },
  files: [],
  title: null,
  payer: null,
  tier: null,
};
