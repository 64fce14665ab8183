/** The stand-in's plan: its logins and consents, and what is wrong with it where something is. */
import type {
  Change,
  Consent,
  ConsentSubject,
  Draft,
  Failure,
  LoginRow,
  Offer,
  PlanKnown,
  PlanLogin,
  PlanStatus,
  Tier,
  Way,
} from '../lib/bindings';
import { failure } from '../lib/host';
import { exact } from '../lib/money';
import type { Ending } from './fake-run';
import { someConsents } from './sample-consents';
import { MISMATCH, OTHER } from './refusals';
import { refuse } from './sample-replies';
import type { PlanScene } from './scenario';

const HOUR = 3_600_000;
const FACE = 'window';

const NEEDED = refuse(
  'consent_needed',
  'Nothing is sent through your plan before you have read what it means and accepted it.',
  null,
  'accept_subscription',
);

const MISSING = refuse(
  'not_found',
  'There is no `claude` on this machine. It was looked for as /usr/bin/claude, /home/ann/.local/bin/claude.',
  'Install it with `npm install -g @anthropic-ai/claude-code`, then log in with `claude auth login`; or point to the program where it is somewhere else.',
  'point_to_claude',
);

const TOO_OLD = refuse(
  'failed',
  '/home/ann/.local/bin/claude is version 2.0.14; at least 2.1.330 is needed, which says who pays before it is given a prompt.',
  'Update it with `claude update`.',
  'point_to_claude',
);

/** What a login's last run said, by how much is used. */
export function known(used: number, more: Partial<PlanKnown['limits'] & object> = {}): PlanKnown {
  const now = Date.now();
  const standing = used >= 1 ? 'rejected' : used > 0.9 ? 'allowed_warning' : 'allowed';
  const resets_at = now + 2.2 * HOUR;
  return {
    account: {
      plan: 'Claude Max',
      email: 'ann@example.org',
      organization: 'Acme GmbH',
      token_source: null,
      key_source: null,
      provider: 'firstParty',
      unknown: [],
    },
    limits: {
      standing,
      window: 'five_hour',
      resets_at,
      windows: [
        { kind: 'five_hour', used, resets_at, standing },
        { kind: 'seven_day', used: 0.18, resets_at: now + 90 * HOUR, standing: 'allowed' },
      ],
      is_extra: false,
      ...more,
    },
    limits_at: now - 3 * 60_000,
  };
}

/** Makes a row of the list of logins. */
export function loginRow(login: PlanLogin, more: Partial<LoginRow> = {}): LoginRow {
  const { place } = login;
  const folder = place.kind === 'folder' ? `CLAUDE_CONFIG_DIR=${place.folder} ` : '';
  const command = place.kind === 'variable' ? null : `${folder}claude auth login`;
  const nothing: PlanKnown = { account: null, limits: null, limits_at: null };
  return { login, is_chosen: false, known: nothing, is_logged_in: true, command, ...more };
}

/** Turns an offer or its refusal into one tier beside the others. */
export function way(tier: Tier, ask: () => Offer): Way {
  try {
    const { route, estimate, at_most } = ask();
    return { tier, route, estimate, at_most, budget_left: null, why_not: null };
  } catch (error) {
    const why_not = failure(error);
    return { tier, route: null, estimate: null, at_most: null, budget_left: null, why_not };
  }
}

export class FakePlan {
  consents = someConsents();

  #scene: PlanScene;
  #tell: (change: Change) => void;
  #logins: LoginRow[];

  constructor(scene: PlanScene, tell: (change: Change) => void) {
    this.#scene = scene;
    this.#tell = tell;
    const is_extra = scene === 'extra' || scene === 'extra-off';
    const used = scene === 'near' ? 0.91 : scene === 'full' || is_extra ? 1 : 0.62;
    const work: PlanLogin = { name: 'work', place: { kind: 'usual' } };
    this.#logins = [
      loginRow(work, {
        is_chosen: true,
        is_logged_in: scene !== 'out',
        known: known(used, { is_extra }),
      }),
    ];
    if (scene === 'two') {
      const folder = { kind: 'folder', folder: '/home/ann/.claude-personal' } as const;
      const variable = { kind: 'variable', variable: 'TEAM_CLAUDE_TOKEN' } as const;
      this.#logins.push(
        loginRow({ name: 'personal', place: folder }, { known: known(0.07) }),
        loginRow({ name: 'team', place: variable }, { is_logged_in: false }),
      );
    }
    if (scene !== 'off') this.#set('subscription', true);
    if (scene === 'extra') this.#set('extra_usage', true);
    if (scene === 'changed') {
      const at = Date.now() - 40 * 24 * HOUR;
      this.#of('subscription').standing = { state: 'text_changed', version: '1-00aa11bb', at };
    }
  }

  get isOn(): boolean {
    return this.#of('subscription').standing.state === 'accepted';
  }

  get ending(): Ending {
    if (this.#scene === 'mismatch') return { failure: MISMATCH };
    if (this.#scene === 'other') return { failure: OTHER };
    if (this.#scene === 'replaced')
      return { replaced: 'The text that was shown is void: **this** is the answer.' };
    return {};
  }

  get status(): PlanStatus {
    const missing = this.#missing();
    return {
      off: this.isOn ? null : this.#refusal(),
      may_be_extra: this.#of('extra_usage').standing.state === 'accepted',
      logins: this.#logins,
      cli: missing ? null : { path: '/home/ann/.local/bin/claude', version: '2.1.330' },
      missing,
    };
  }

  offer({ payer, model, prompt, max_tokens, thinking, attachments }: Draft): Offer {
    if (!this.isOn) throw this.#refusal();
    const name = payer.with === 'plan' ? payer.login : null;
    const row = this.#logins.find(({ login, is_chosen }) =>
      name === null ? is_chosen : login.name === name,
    );
    if (!row) throw refuse('not_found', `There is no login ${name}.`, null, 'list_logins');
    const { login, known } = row;
    const extra = known.limits?.is_extra === true;
    const mayBeExtra = this.#of('extra_usage').standing.state === 'accepted';
    if (extra && !mayBeExtra)
      throw refuse(
        'consent_needed',
        'Nothing is paid for beyond your plan’s limits before you have read what it means and accepted it.',
        null,
        'accept_extra_usage',
      );
    if (max_tokens !== null || thinking !== null)
      throw refuse(
        'bad_input',
        `${max_tokens !== null ? 'The longest answer' : 'Whether the model thinks first'} can't be chosen where a plan pays: \`claude\` has no such control.`,
        'Leave that out, or send with a key. Nothing was sent.',
      );
    const missing = this.#missing();
    if (missing) throw missing;
    void attachments;
    const prompt_tokens = 12 + Math.ceil(prompt.length / 4);
    const at_most = exact(BigInt(prompt_tokens) * 3000n + 61_440_000n);
    const plan = known.account?.plan;
    return {
      route: {
        tier: 'subscription',
        model: model ?? 'claude-sonnet-5',
        payer_label: plan ? `your plan (${login.name}, ${plan})` : `your plan (${login.name})`,
        key: null,
        gateway: null,
        environment: '',
        max_tokens: 64_000,
        unknown_model: null,
        reason: name
          ? `because you chose ${login.name}`
          : `because ${login.name} is the plan's login`,
        plan: { login, known, is_extra: extra, may_be_extra: mayBeExtra },
      },
      estimate: { prompt_tokens, counted_by: 'local', likely: '0.0048', at_most },
      at_most: extra ? at_most : '0',
      auto: null,
    };
  }

  add(login: PlanLogin): null {
    if (this.#logins.some((row) => row.login.name === login.name))
      throw refuse('duplicate', `There is a login ${login.name} already.`, 'Give it another name.');
    if (login.place.kind === 'folder' && !login.place.folder.startsWith('/'))
      throw refuse(
        'bad_input',
        'That is not the whole path of a folder.',
        'Write it from the root on.',
      );
    this.#logins = [...this.#logins, loginRow(login, { is_logged_in: false })];
    this.#tell('store');
    return null;
  }

  select(name: string): PlanLogin {
    this.#logins = this.#logins.map((row) => ({ ...row, is_chosen: row.login.name === name }));
    this.#tell('store');
    return this.#logins.find((row) => row.is_chosen)?.login as PlanLogin;
  }

  remove(name: string): null {
    this.#logins = this.#logins.filter(({ login }) => login.name !== name);
    this.#tell('store');
    return null;
  }

  logIn(name: string): null {
    this.#logins = this.#logins.map((row) =>
      row.login.name === name ? { ...row, is_logged_in: true } : row,
    );
    return null;
  }

  accept(subject: ConsentSubject): Consent {
    this.#set(subject, true);
    this.#tell('store');
    return this.#of(subject);
  }

  withdraw(subject: ConsentSubject): Consent {
    this.#set(subject, false);
    this.#tell('store');
    return this.#of(subject);
  }

  #missing(): Failure | null {
    return { missing: MISSING, old: TOO_OLD }[this.#scene as string] ?? null;
  }

  #refusal(): Failure {
    return this.#scene === 'changed'
      ? {
          ...NEEDED,
          message:
            'Nothing is sent through your plan before you have accepted the text about it, which has changed since you did.',
        }
      : NEEDED;
  }

  #of(subject: ConsentSubject): Consent {
    return this.consents.find((one) => one.subject === subject) as Consent;
  }

  #set(subject: ConsentSubject, isAccepted: boolean): void {
    const at = Date.now();
    const { text, history } = this.#of(subject);
    const [newest, ...older] = history;
    const accepted = {
      version: text.version,
      face: FACE,
      accepted_at: newest?.accepted_at ?? at,
      withdrawn_at: null,
    };
    const next: Consent = isAccepted
      ? {
          subject,
          text,
          standing: { state: 'accepted', at },
          history: [{ ...accepted, accepted_at: at }, ...history],
        }
      : {
          subject,
          text,
          standing: { state: 'withdrawn', at },
          history: [{ ...accepted, ...newest, withdrawn_at: at }, ...older],
        };
    this.consents = this.consents.map((one) => (one.subject === subject ? next : one));
  }
}
