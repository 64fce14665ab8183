import type {
  ConsentSubject,
  Draft,
  NewSlot,
  NewVault,
  Offer,
  Opener,
  PlanLogin,
  Range,
  Receipt,
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
import { FakeChanges } from './fake-changes';
import { FakeEditor } from './fake-editor';
import { FakeFarm } from './fake-farm';
import { FakeKeys } from './fake-keys';
import { FakePlan, way } from './fake-plan';
import { FakeRouting } from './fake-routing';
import { playRun, type Ending } from './fake-run';
import { FakeVault } from './fake-vault';
import { hostileKeys, hostileRuns, hostileWho } from './hostile';
import { BROKEN, DAMAGE, weigh } from './refusals';
import {
  keyOf,
  manyKeys,
  someKeys,
  standingOf,
  whoByKey,
  whoByPlan,
  whoByPlanWithConsoleKey,
  whoNobody,
} from './sample';
import { ledger, planLedger, report } from './sample-ledger';
import { sentRun, someRuns, summary } from './sample-runs';
import type { Scenario } from './scenario';
import { offer, refuse, someModels, someSettings } from './sample-replies';

type Args = Record<string, unknown>;
type Take = (event: never) => void;

/** When a key begins to pay, in the scenario in which one does. */
const CHANGES_MS = 900;

/** Stands in for the program when the page runs in a browser. */
export class FakeHost implements Host {
  #scenario: Scenario;
  #keys: FakeKeys;
  #runs: RunDetails[];
  #ledger = ledger();
  #settings: SettingRow[] = someSettings();
  #standing: Standing;
  #vault: FakeVault;
  #plan: FakePlan;
  #farm: FakeFarm;
  #who: Who;
  #routing: FakeRouting;
  #changes = new FakeChanges();
  #tell = this.#changes.tell;
  /** What answers commands, the host itself first. */
  #parts: object[];
  #cancelled = new Set<string>();

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    const isEmpty = scenario.state === 'empty' || scenario.state === 'first-run';
    let keys = isEmpty ? [] : scenario.keys === null ? someKeys() : manyKeys(scenario.keys);
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
      keys = hostileKeys(keys);
      this.#runs = hostileRuns(this.#runs);
      this.#who = hostileWho(this.#who);
    }
    this.#standing = standingOf(keys, {
      is_simulated: scenario.isSimulated,
      damage: scenario.isDamaged ? DAMAGE : null,
    });
    this.#vault = new FakeVault(scenario, this.#tell);
    this.#keys = new FakeKeys(keys, this.#vault, this.#tell);
    this.#plan = new FakePlan(scenario.plan, this.#tell);
    this.#farm = new FakeFarm(scenario, this.#tell);
    this.#routing = new FakeRouting(scenario.routing, {
      tell: this.#tell,
      offer: (draft) => this.preflight({ draft }),
      keys: () => this.#keys.rows,
    });
    this.#parts = [this, this.#changes, this.#keys, this.#farm, this.#routing, new FakeEditor()];
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
    const part = this.#parts.find((one) => command in one);
    if (!part) throw refuse('failed', `The stand-in does not know ${command}.`, null);
    const answers = part as Record<string, (args: Args, take: Take) => unknown>;
    return structuredClone(await answers[command]?.(args, take));
  };

  standing(): Standing {
    const active = this.#keys.rows.find((key) => key.is_selected);
    return {
      ...this.#standing,
      vault: this.#vault.status,
      active: active ? keyOf(active) : null,
      has_keys: this.#keys.rows.length > 0,
      has_plan: this.#plan.isOn,
    };
  }

  who = (): Who => this.#who;
  weigh_passphrase = ({ passphrase }: Args): null => weigh(String(passphrase));
  list_models = () => someModels();
  list_settings = (): SettingRow[] => this.#settings;
  open_link = ({ url }: Args): null => (window.open(String(url), '_blank', 'noreferrer'), null);
  first_screen_shown = (): null => null;
  start_demo = (): null => null;

  make_vault = ({ vault }: Args) => this.#vault.make(vault as NewVault);
  add_slot = ({ slot }: Args) => this.#vault.add(slot as NewSlot);
  remove_slot = ({ kind }: Args) => this.#vault.remove(kind as SlotKind);
  unlock = ({ opener }: Args) => this.#vault.unlock(opener as Opener);
  lock = (): null => this.#vault.lock();
  stop_waiting = (): null => this.#vault.stopWaiting();
  save_text = ({ name, text }: Args) => download(String(name), String(text));

  preflight({ draft }: Args): Offer {
    const asked = draft as Draft;
    if (asked.payer.with === 'auto') return this.#routing.offer(asked, asked.payer.class);
    if (asked.payer.with === 'farm') return this.#farm.offer(asked, this.#keys.rows);
    if (asked.payer.with === 'plan' || this.#wasByPlan(asked)) return this.#plan.offer(asked);
    return this.#metered(asked);
  }

  #wasByPlan({ payer, reply_to }: Draft): boolean {
    const before = this.#runs.find(({ run }) => run === reply_to);
    return payer.with === 'usual' && before?.tier === 'subscription';
  }

  #metered({ payer, model, prompt }: Draft): Offer {
    const row = this.#keys.rows.find((row) =>
      payer.with === 'key' ? row.id === payer.id : row.is_selected,
    );
    if (!row)
      throw refuse(
        'not_found',
        'No key is selected that could pay.',
        null,
        this.#keys.rows.length === 0 ? 'add_key' : 'select_key',
      );
    return offer(row, model ?? 'claude-haiku-5-5', prompt);
  }

  ways({ draft }: Args): Way[] {
    const asked = draft as Draft;
    const key =
      asked.payer.with === 'auto' ||
      asked.payer.with === 'plan' ||
      asked.payer.with === 'farm' ||
      this.#wasByPlan(asked)
        ? { with: 'active' as const }
        : asked.payer;
    return [
      way('subscription', () => this.#plan.offer(asked)),
      way('metered', () => this.#metered({ ...asked, payer: key })),
      ...this.#farm.ways(asked, this.#keys.rows),
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
    const offer = this.preflight({ draft });
    if (offer.route.plan === null) this.#vault.need();
    const run = (this.#runs[0]?.run ?? 0) + 1;
    const isCancelled = (): boolean => this.#cancelled.has(String(name));
    const tell = take as (event: RunEvent) => void;
    const left = await this.#routing.leave(asked, offer, run, tell);
    if (left) this.#keep(asked, left.receipt);
    const receipt = await playRun(
      asked,
      left ? run + 1 : run,
      left ?? offer,
      left ? { instead: left.instead } : this.#ending(offer),
      isCancelled,
      tell,
    );
    this.#keep(asked, receipt);
    this.#tell('store');
    return null;
  }

  #ending({ route, auto }: Offer): Ending {
    if (auto) return this.#routing.ending(auto);
    return route.plan ? this.#plan.ending : route.farm ? this.#farm.ending(route.farm) : {};
  }

  #keep(draft: Draft, receipt: Receipt): void {
    const [like] = someRuns(1);
    if (like) this.#runs.unshift(sentRun(like, draft, receipt));
  }

  cancel({ name }: Args): null {
    this.#cancelled.add(String(name));
    return null;
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
}
