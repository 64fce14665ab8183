import type {
  Change,
  ConsentSubject,
  Draft,
  KeyEdit,
  KeyRow,
  NewKey,
  NewSlot,
  NewVault,
} from '../lib/bindings';
import type {
  Offer,
  Opener,
  PlanLogin,
  Range,
  RunDetails,
  RunEvent,
  SettingRow,
  SlotKind,
  Standing,
  UsageFilter,
  Way,
  Who,
} from '../lib/bindings';
import type { Host } from '../lib/host';
import { download } from './download';
import { FakeFarm } from './fake-farm';
import { playRun } from './fake-run';
import { FakePlan, way } from './fake-plan';
import { FakeVault } from './fake-vault';
import { hostileKeys, hostileRuns, hostileWho } from './hostile';
import { BROKEN, DAMAGE, judge, weigh } from './refusals';
import {
  keyOf,
  keyRow,
  manyKeys,
  someKeys,
  standingOf,
  whoByKey,
  whoByPlan,
  whoByPlanWithConsoleKey,
  whoNobody,
} from './sample';
import { ledger, planLedger, report } from './sample-ledger';
import { ANSWER, someRuns, summary } from './sample-runs';
import type { Scenario } from './scenario';
import { NOTHING_LEFT, offer, refuse, someModels, someSettings } from './sample-replies';

type Args = Record<string, unknown>;
type Take = (event: never) => void;

/** When a key begins to pay, in the scenario in which one does. */
const CHANGES_MS = 900;

/** Stands in for the program when the page runs in a browser. */
export class FakeHost implements Host {
  #scenario: Scenario;
  #keys: KeyRow[];
  #runs: RunDetails[];
  #ledger = ledger();
  #settings: SettingRow[] = someSettings();
  #standing: Standing;
  #vault: FakeVault;
  #plan: FakePlan;
  #farm: FakeFarm;
  #who: Who;
  #changes: Change[] = [];
  #asked: ((changes: Change[]) => void) | null = null;
  #cancelled = new Set<string>();
  #files = 0;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    const isEmpty = scenario.state === 'empty' || scenario.state === 'first-run';
    this.#keys = isEmpty ? [] : scenario.keys === null ? someKeys() : manyKeys(scenario.keys);
    this.#runs = isEmpty ? [] : someRuns(64);
    if (isEmpty) this.#ledger = [];
    else if (scenario.plan !== 'off') this.#ledger.push(...planLedger());
    this.#who = {
      key: whoByKey,
      plan: whoByPlan,
      nobody: whoNobody,
      unknown: whoNobody,
      changes: whoByPlan,
      console: whoByPlanWithConsoleKey,
    }[scenario.who]();
    if (scenario.isHostile) {
      this.#keys = hostileKeys(this.#keys);
      this.#runs = hostileRuns(this.#runs);
      this.#who = hostileWho(this.#who);
    }
    this.#standing = standingOf(this.#keys, {
      is_simulated: scenario.isSimulated,
      damage: scenario.isDamaged ? DAMAGE : null,
    });
    this.#vault = new FakeVault(scenario, (change) => this.#tell(change));
    this.#plan = new FakePlan(scenario.plan, (change) => this.#tell(change));
    this.#farm = new FakeFarm(scenario, (change) => this.#tell(change));
    if (scenario.who === 'changes') {
      setTimeout(() => {
        this.#who = whoByKey();
        this.#tell('who');
      }, CHANGES_MS);
    }
  }

  call = (command: string, args: Args): Promise<unknown> =>
    this.stream(command, args, '', () => undefined);

  stream = async (command: string, args: Args, _channel: string, take: Take): Promise<unknown> => {
    await new Promise((resolve) => setTimeout(resolve, this.#scenario.delay));
    const { state, who } = this.#scenario;
    const isBroken = state === 'error' || (command === 'who' && who === 'unknown');
    const broken = isBroken ? BROKEN[command] : undefined;
    if (broken) throw broken;
    const part = command in this ? this : this.#farm;
    const answer = (
      part as unknown as Record<string, ((args: Args, take: Take) => unknown) | undefined>
    )[command];
    if (!answer) throw refuse('failed', `The stand-in does not know ${command}.`, null);
    return structuredClone(await answer.call(part, args, take));
  };

  standing(): Standing {
    const active = this.#keys.find((key) => key.is_selected);
    return {
      ...this.#standing,
      vault: this.#vault.status,
      active: active ? keyOf(active) : null,
      has_keys: this.#keys.length > 0,
      has_plan: this.#plan.isOn,
    };
  }

  next_changes(): Promise<Change[]> {
    return new Promise((resolve) => {
      this.#asked = resolve;
      this.#answer();
    });
  }

  #tell(change: Change): void {
    this.#changes.push(change);
    this.#answer();
  }

  #answer(): void {
    if (!this.#asked || this.#changes.length === 0) return;
    this.#asked(this.#changes);
    this.#asked = null;
    this.#changes = [];
  }

  who = (): Who => this.#who;
  list_keys = (): KeyRow[] => this.#keys;
  weigh_passphrase = ({ passphrase }: Args): null => weigh(String(passphrase));
  list_models = () => someModels();
  list_settings = (): SettingRow[] => this.#settings;
  open_link = ({ url }: Args): null => (window.open(String(url), '_blank', 'noreferrer'), null);
  detach = (): null => null;
  first_screen_shown = (): null => null;
  start_demo = (): null => null;

  make_vault = ({ vault }: Args) => this.#vault.make(vault as NewVault);
  add_slot = ({ slot }: Args) => this.#vault.add(slot as NewSlot);
  remove_slot = ({ kind }: Args) => this.#vault.remove(kind as SlotKind);
  unlock = ({ opener }: Args) => this.#vault.unlock(opener as Opener);
  lock = (): null => this.#vault.lock();
  stop_waiting = (): null => this.#vault.stopWaiting();
  save_text = ({ name, text }: Args) => download(String(name), String(text));

  add_key({ key }: Args) {
    const { secret, labels, select, unchecked, base_url } = key as NewKey;
    judge(secret, base_url !== null, unchecked);
    this.#vault.need();
    const name = labels.name ?? 'Personal';
    if (this.#keys.some((other) => other.name === name)) {
      throw refuse(
        'duplicate',
        `There is a key called ${name} already, and two that look alike could be mixed up.`,
        'Choose another name.',
      );
    }
    const row = keyRow({
      name,
      id: `key-${Date.now()}`,
      last4: secret.slice(-4),
      base_url,
      environment: labels.environment ?? '',
      validity: unchecked ? 'unchecked' : 'valid',
      created_at: Date.now(),
    });
    this.#keys = [...this.#keys, row];
    const isSelected = select || this.#keys.length === 1;
    if (isSelected) this.select_key({ id: row.id });
    this.#tell('store');
    return { key: keyOf(row), is_selected: isSelected, unchecked_because: null };
  }

  take_over({ key }: Args) {
    const { labels, select } = key as { labels: KeyEdit; select: boolean };
    const secret = 'sk-ant-api03-taken-over-from-the-shell-3f9a';
    return this.add_key({ key: { secret, labels, select, unchecked: false, base_url: null } });
  }

  check_key({ id }: Args) {
    this.#vault.need();
    const row = this.#key(id);
    row.checked_at = Date.now();
    if (row.validity === 'unchecked') row.validity = 'valid';
    this.#tell('store');
    const isBad = row.validity === 'refused';
    return {
      key: keyOf(row),
      trouble: isBad
        ? refuse(
            'key_refused',
            'The server refuses this key (401).',
            'Make a new key in the Console.',
          )
        : null,
      is_answered: true,
      cost: null,
    };
  }

  test_key(args: Args) {
    return { ...this.check_key(args), cost: '0.000021' };
  }

  select_key({ id }: Args) {
    for (const row of this.#keys) row.is_selected = row.id === id;
    this.#tell('store');
    return keyOf(this.#key(id));
  }

  edit_key({ id, change }: Args) {
    const row = this.#key(id);
    Object.assign(row, change);
    this.#tell('store');
    return keyOf(row);
  }

  remove_key({ id }: Args) {
    const row = this.#key(id);
    this.#keys = this.#keys.filter((other) => other !== row);
    this.#tell('store');
    return keyOf(row);
  }

  copy_key({ id }: Args): null {
    this.#vault.need();
    this.#key(id);
    return null;
  }

  preflight({ draft }: Args) {
    const asked = draft as Draft;
    if (asked.payer.with === 'farm') return this.#farm.offer(asked, this.#keys);
    if (asked.payer.with === 'plan' || this.#wasByPlan(asked)) return this.#plan.offer(asked);
    return this.#metered(asked);
  }

  #wasByPlan({ payer, reply_to }: Draft): boolean {
    const before = this.#runs.find(({ run }) => run === reply_to);
    return payer.with === 'usual' && before?.tier === 'subscription';
  }

  #metered({ payer, model, prompt }: Draft): Offer {
    const row = this.#keys.find((row) =>
      payer.with === 'key' ? row.id === payer.id : row.is_selected,
    );
    if (!row)
      throw refuse(
        'not_found',
        'No key is selected that could pay.',
        null,
        this.#keys.length === 0 ? 'add_key' : 'select_key',
      );
    return offer(row, model ?? 'claude-haiku-5-5', prompt);
  }

  ways({ draft }: Args): Way[] {
    const asked = draft as Draft;
    const key =
      asked.payer.with === 'plan' || asked.payer.with === 'farm' || this.#wasByPlan(asked)
        ? { with: 'active' as const }
        : asked.payer;
    return [
      way('subscription', () => this.#plan.offer(asked)),
      way('metered', () => this.#metered({ ...asked, payer: key })),
      ...this.#farm.ways(asked, this.#keys),
    ];
  }

  plan_status = () => this.#plan.status;
  consents = () => this.#plan.consents;
  add_login = ({ login }: Args): null => this.#plan.add(login as PlanLogin);
  select_login = ({ name }: Args) => this.#plan.select(String(name));
  remove_login = ({ name }: Args): null => this.#plan.remove(String(name));
  log_in = ({ name }: Args): null => this.#plan.logIn(String(name));
  accept_consent = ({ subject }: Args) => this.#plan.accept(subject as ConsentSubject);
  withdraw_consent = ({ subject }: Args) => this.#plan.withdraw(subject as ConsentSubject);

  async send({ draft, name }: Args, take: Take): Promise<null> {
    const asked = draft as Draft;
    if (asked.payer.with !== 'plan') this.#vault.need();
    const run = (this.#runs[0]?.run ?? 0) + 1;
    const { route, at_most } = this.preflight({ draft });
    const isCancelled = (): boolean => this.#cancelled.has(String(name));
    const tell = take as (event: RunEvent) => void;
    const receipt = await playRun(
      asked,
      run,
      route,
      at_most,
      route.plan ? this.#plan.ending : route.farm ? this.#farm.ending(route.farm) : {},
      isCancelled,
      tell,
    );
    const [like] = someRuns(1);
    if (like) {
      const { conversation, state, tier, payer_label, key, proof, host } = receipt;
      const basis = receipt.booked?.basis ?? null;
      const texts = { title: asked.prompt, prompt: asked.prompt, answer: ANSWER, cost: '0.001634' };
      this.#runs.unshift({
        ...like,
        ...texts,
        ...{ run, conversation, state, tier, payer_label, key, proof, basis },
        ...(host !== undefined && { host }),
        started_at: Date.now(),
      });
    }
    this.#tell('store');
    return null;
  }

  cancel({ name }: Args): null {
    this.#cancelled.add(String(name));
    return null;
  }

  attach({ name, body }: Args) {
    return {
      id: ++this.#files,
      name: String(name),
      media: 'text/plain',
      bytes: String(body).length,
    };
  }

  choose_files() {
    const file = { id: ++this.#files, name: `trace-${this.#files}.txt`, media: 'text/plain' };
    return { attached: [{ ...file, bytes: 3481 }], trouble: null };
  }

  keep_draft({ left }: Args): null {
    sessionStorage.setItem('left-draft', JSON.stringify(left));
    return null;
  }

  left_draft(): unknown {
    return JSON.parse(sessionStorage.getItem('left-draft') ?? JSON.stringify(NOTHING_LEFT));
  }

  cancel_run({ run }: Args): null {
    this.#cancelled.add(String(run));
    return null;
  }

  list_runs({ before, limit }: Args) {
    const older = this.#runs.filter((run) => before === null || run.run < Number(before));
    const isLocked = this.#vault.status?.lock !== 'unlocked';
    const page = older.slice(0, Number(limit)).map(summary);
    return isLocked ? page.map((run) => ({ ...run, title: null })) : page;
  }

  show_run({ run }: Args) {
    const found = this.#runs.find((other) => other.run === run);
    if (!found) throw refuse('not_found', 'This run is no longer in the store.', null);
    const isLocked = this.#vault.status?.lock !== 'unlocked';
    return isLocked ? { ...found, prompt: null, answer: null, system: null, title: null } : found;
  }

  usage({ range, filter }: Args) {
    return report(this.#ledger, range as Range, filter as UsageFilter);
  }

  change_setting({ name, value }: Args): null {
    const row = this.#settings.find((setting) => setting.name === name);
    if (!row) throw refuse('not_found', `There is no setting ${name}.`, null);
    if (value === 'nonsense') throw refuse('bad_input', "This value can't be read.", row.about);
    row.value = String(value);
    this.#tell('store');
    return null;
  }

  #key(id: unknown): KeyRow {
    const row = this.#keys.find((key) => key.id === id);
    if (!row) throw refuse('not_found', 'This key is no longer in the store.', null);
    return row;
  }
}
