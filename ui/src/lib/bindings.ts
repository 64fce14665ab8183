// Generated from the table in src-tauri/src/commands.rs; a test fails where the two differ.
// Write it anew: SWITCHYARD_WRITE_BINDINGS=1 cargo test --package switchyard-desktop bindings

import { call, stream } from './host';

/**
 * One acceptance, as it was recorded.
 */
export type Acceptance = { 
/**
 * The version of the text.
 */
version: string, 
/**
 * The face through which it was accepted.
 */
face: string, 
/**
 * When it was accepted.
 */
accepted_at: Millis, 
/**
 * When it was withdrawn, if it was.
 */
withdrawn_at: Millis | null, };

/**
 * What came of adding a key.
 */
export type Added = { 
/**
 * The key as it is stored.
 */
key: Key, 
/**
 * Whether it is the active key now.
 */
is_selected: boolean, 
/**
 * Why it could not be checked, where it was stored unchecked.
 */
unchecked_because: Failure | null, };

/**
 * What the ledger says of a run.
 */
export type Amount = { 
/**
 * The tokens.
 */
tokens: Tokens, 
/**
 * The cost; `None` where the price is unknown.
 */
cost: Nano | null, 
/**
 * What the figure rests on.
 */
basis: Basis, 
/**
 * The date of the price table.
 */
priced_as_of: string | null, };

/**
 * A credential that is sent to a server: an API key, an admin key, or a gateway's token.
 */
export type ApiKey = string;

/**
 * A file that was attached to the draft.
 */
export type Attached = { 
/**
 * The name under which a draft refers to it.
 */
id: number, 
/**
 * The file's name, without its folder.
 */
name: string, 
/**
 * What it is, found out from its bytes.
 */
media: string, 
/**
 * Its size, in bytes.
 */
bytes: number, };

/**
 * Where one class of work goes, with everything that may follow.
 */
export type AutoRoute = { 
/**
 * The class of work.
 */
class: Class, 
/**
 * The routing table has a rule for it; else it goes as it does where no class is named.
 */
has_rule: boolean, 
/**
 * Where it goes first, or why it can't.
 */
first: Way, 
/**
 * What may follow, in the order in which it is looked at.
 */
fallbacks: Array<FallbackWay>, 
/**
 * The place, from 0, of the fallback that is taken at once, because the first way can't be.
 */
begins_with: number | null, 
/**
 * The most dollars that can leave, with every fallback that may be taken; `None` where a price
 * is unknown.
 */
at_most: Nano | null, };

/**
 * What a ledger figure rests on.
 */
export type Basis = "metered" | "estimated" | "billed" | "plan" | "extra";

/**
 * Where the end of a run went: see [`recover`](super::recover) for what the store did not take.
 */
export type Books = "kept" | "set_aside" | "lost";

/**
 * What came of it.
 */
export type BroughtHosts = { 
/**
 * New hosts. Their keys are not pinned yet.
 */
added: Array<Host>, 
/**
 * Hosts that are somewhere else now, or are back.
 */
changed: Array<Host>, 
/**
 * Hosts that were known and are as they were.
 */
same: number, 
/**
 * Hosts that the list does not name any more. They take no runs, and stay until they are removed.
 */
gone: Array<Host>, 
/**
 * What could not be taken over, with the reason.
 */
refused: Array<[string, Failure]>, };

/**
 * What changed; the page reads again what it shows of it.
 */
export type Change = "store" | "who" | "keychain_waits" | "keychain_done";

/**
 * What a check found out.
 */
export type Checked = { 
/**
 * The key as it is stored now.
 */
key: Key, 
/**
 * What is wrong, or why nothing was found out.
 */
trouble: Failure | null, 
/**
 * Whether the server gave a verdict.
 */
is_answered: boolean, 
/**
 * What the check cost, where it was a real call.
 */
cost: Nano | null, };

/**
 * The files that the user chose.
 */
export type Chosen = { 
/**
 * Those that are attached now.
 */
attached: Array<Attached>, 
/**
 * Why the first of the others was not.
 */
trouble: Failure | null, };

/**
 * What kind of work a prompt is; routing rules go by it.
 */
export type Class = "interactive" | "planning" | "review" | "chat" | "task" | "check";

/**
 * The account that the CLI names in its answer to `initialize`. Two that are equal are the same as
 * far as the CLI tells.
 */
export type ClaudeAccount = { 
/**
 * The plan, such as `Claude Max`; only for the CLI's own login.
 */
plan: string | null, 
/**
 * The login's address, where the CLI has it.
 */
email: string | null, 
/**
 * The login's organisation, where the CLI has it.
 */
organization: string | null, 
/**
 * Where a token comes from.
 */
token_source: string | null, 
/**
 * Where an API key comes from; one that is there would be billed before everything else.
 */
key_source: string | null, 
/**
 * Who serves: Anthropic itself, or a cloud provider.
 */
provider: string | null, 
/**
 * The names of what else the answer held. Its meaning is not known.
 */
unknown: Array<string>, };

/**
 * The CLI, as far as it answered.
 */
export type Cli = { 
/**
 * The program.
 */
path: string, 
/**
 * Its version, where it said one.
 */
version: string | null, };

/**
 * What went wrong, as far as a caller branches on it; everything else is [`Code::Failed`].
 */
export type Code = "bad_input" | "not_found" | "duplicate" | "no_vault" | "locked" | "wrong_passphrase" | "keychain_empty" | "keychain_unavailable" | "keychain_mismatch" | "damaged" | "store_newer" | "store_damaged" | "store_unwritable" | "key_refused" | "refused" | "busy" | "network" | "timeout" | "consent_needed" | "wrong_payer" | "no_host" | "host_key" | "host_failed" | "cancelled" | "failed";

/**
 * All there is to show about one subject.
 */
export type Consent = { 
/**
 * What it is about.
 */
subject: ConsentSubject, 
/**
 * How things stand.
 */
standing: ConsentStanding, 
/**
 * The current text.
 */
text: ConsentText, 
/**
 * Every acceptance, newest first.
 */
history: Array<Acceptance>, };

/**
 * A part of a risk text.
 */
export type ConsentBlock = { "kind": "paragraph", 
/**
 * What it says.
 */
text: string, } | { "kind": "quote" } & Quote;

/**
 * How things stand with one subject.
 */
export type ConsentStanding = { "state": "accepted", 
/**
 * Since when.
 */
at: Millis, } | { "state": "never" } | { "state": "withdrawn", 
/**
 * Since when.
 */
at: Millis, } | { "state": "text_changed", 
/**
 * The version that is accepted.
 */
version: string, 
/**
 * Since when.
 */
at: Millis, };

/**
 * What is consented to.
 */
export type ConsentSubject = "subscription" | "extra_usage" | "oauth";

/**
 * A risk text as it is shown.
 */
export type ConsentText = { 
/**
 * What it is about.
 */
subject: ConsentSubject, 
/**
 * Its version: the number in its head and the first eight digits of its hash, so that no two texts
 * share one, and nobody names it without having seen it.
 */
version: string, 
/**
 * Its title.
 */
title: string, 
/**
 * What follows the title, in order.
 */
blocks: Array<ConsentBlock>, };

/**
 * Names a conversation.
 */
export type ConversationId = number;

/**
 * Who counted the tokens of a prompt.
 */
export type CountedBy = "server" | "local";

/**
 * What came of making a vault.
 */
export type Created = { 
/**
 * The recovery code, which is shown this once and can't be asked for again.
 */
recovery_code: string | null, 
/**
 * Why there is no keychain slot although one was wanted.
 */
no_keychain: Failure | null, };

/**
 * A credential as far as it may be shown.
 */
export type Credential = { 
/**
 * The variable or setting that holds it.
 */
name: string, 
/**
 * Its last four characters.
 */
last4: string, 
/**
 * What its prefix says.
 */
shape: Shape, 
/**
 * Where it is set.
 */
place: Place, };

/**
 * Local days, the first and the last included.
 */
export type Days = { 
/**
 * The first day.
 */
first: string, 
/**
 * The last day.
 */
last: string, };

/**
 * Where work goes: who pays, and for which model.
 */
export type Destination = { 
/**
 * The tier and its payer.
 */
through: Through, 
/**
 * The model, by id or word; where absent, the one that the run would have otherwise, which for a
 * fallback is that of the first way.
 */
model: string | null, 
/**
 * How much work goes into the answer; as the run would have it otherwise where absent.
 */
effort: Effort | null, };

/**
 * A prompt as it stands in the editor.
 */
export type Draft = { 
/**
 * The prompt.
 */
prompt: string, 
/**
 * The instructions above it.
 */
system: string | null, 
/**
 * An id or a word; the usual one where absent.
 */
model: string | null, 
/**
 * Who shall pay.
 */
payer: PayWith, 
/**
 * Who was shown to pay when it was sent; nobody else does then.
 */
shown: ShownPayer | null, 
/**
 * The run that this one continues.
 */
reply_to: RunId | null, 
/**
 * The longest answer, in tokens.
 */
max_tokens: number | null, 
/**
 * How hard the model shall try.
 */
effort: Effort | null, 
/**
 * Whether the model thinks first.
 */
thinking: Thinking | null, 
/**
 * The files that go with it, by the names that they were attached under.
 */
attachments: Array<number>, };

/**
 * How much work a model puts into an answer.
 */
export type Effort = "low" | "medium" | "high" | "xhigh" | "max";

/**
 * What a prompt will cost, as far as it can be known before it is sent.
 */
export type Estimate = { 
/**
 * The prompt's size in tokens.
 */
prompt_tokens: number, 
/**
 * Who counted them.
 */
counted_by: CountedBy, 
/**
 * The cost with an answer of usual length; `None` where the price is unknown.
 */
likely: Nano | null, 
/**
 * The most that it can cost, by [`Catalogue::worst_case`]; `None` where the price is unknown.
 */
at_most: Nano | null, };

/**
 * A failure in words: what goes to another process, into an event, or into JSON.
 */
export type Failure = { 
/**
 * What callers branch on.
 */
code: Code, 
/**
 * What happened and what it means.
 */
message: string, 
/**
 * What to do about it, as far as it is the same in every face.
 */
hint: string | null, 
/**
 * What else would help; each face words it.
 */
remedy: Remedy | null, };

/**
 * What may take the place of the way before it.
 */
export type Fallback = { 
/**
 * When.
 */
cause: FallbackCause, 
/**
 * Where to. It names its payer: no choice made elsewhere changes who that is.
 */
to: Destination, };

/**
 * What is allowed with a fallback.
 */
export type FallbackAgreement = { 
/**
 * What changes, as a sentence: when, from whom, to whom.
 */
sentence: string, 
/**
 * Stands for exactly this change. One that is allowed is void as soon as any part of it differs.
 */
version: string, };

/**
 * Why a run goes on another way.
 */
export type FallbackCause = "plan_limit" | "rate_limited" | "overloaded" | "host_down" | "unavailable";

/**
 * One fallback beside the others.
 */
export type FallbackWay = { 
/**
 * When it is taken.
 */
cause: FallbackCause, 
/**
 * Where to, as the table has it.
 */
to: Destination, 
/**
 * What the user allows with it.
 */
agreement: FallbackAgreement, 
/**
 * Who would pay, as people know them.
 */
payer_label: string, 
/**
 * Since when it is allowed; `None` where it is not, and is never taken.
 */
allowed_at: Millis | null, 
/**
 * The tier.
 */
tier: Tier, 
/**
 * Where a run would go and who would pay, where it can be used.
 */
route: Route | null, 
/**
 * What it would cost; of a plan, outside of one.
 */
estimate: Estimate | null, 
/**
 * The most dollars that would leave; `None` where the price is unknown.
 */
at_most: Nano | null, 
/**
 * What is left of the budget; `None` where none is set.
 */
budget_left: Nano | null, 
/**
 * Why it can't be used.
 */
why_not: Failure | null, };

/**
 * A host that may take a run.
 */
export type FarmHost = { 
/**
 * Its number.
 */
id: HostId, 
/**
 * Its name.
 */
name: string, };

/**
 * Where on the farm a run may go.
 */
export type FarmRoute = { 
/**
 * The hosts that may take it, the least busy first. The same payer pays on all of them.
 */
hosts: Array<FarmHost>, 
/**
 * The user has named the host.
 */
is_named: boolean, 
/**
 * The label that they bear, where one was asked for.
 */
label: string | null, 
/**
 * How long hosts may have the run in all, in seconds. Waiting for a slot is no part of it.
 */
timeout_seconds: number, 
/**
 * How often another host may be tried.
 */
retries: number, 
/**
 * How often the prompt may be billed at most: each host that fails leaves it to another one, and one whose
 * connection was lost may have it once more. How many hosts are up at the moment plays no part in it: what
 * was said must hold when others are.
 */
times_billed_max: number, };

/**
 * A sum of money with the number of runs behind it.
 */
export type Figure = { 
/**
 * The sum of the known costs.
 */
cost: Nano, 
/**
 * How many runs it is of, those without a price included.
 */
runs: number, 
/**
 * How many of them have no price, so that the sum is too low by theirs.
 */
unpriced: number, };

/**
 * One place that sets or overrides a credential.
 */
export type Finding = { 
/**
 * The variable or setting.
 */
name: string, 
/**
 * Where it stands.
 */
place: Place, 
/**
 * The place in words.
 */
source: string, 
/**
 * What is set, as far as it may be shown: `…abcd`, a host, or "computed".
 */
value: string | null, 
/**
 * Whether it has its way.
 */
state: FindingState, 
/**
 * What it does, in one sentence.
 */
effect: string, };

/**
 * Whether a finding has its way.
 */
export type FindingState = { "state": "in_force" } | { "state": "overridden", 
/**
 * What is stronger, in words.
 */
by: string, } | { "state": "pending" } | { "state": "unused", 
/**
 * Why, as a sentence.
 */
why: string, };

/**
 * A host, as far as it is known.
 */
export type Host = { 
/**
 * Its number.
 */
id: HostId, 
/**
 * What people call it.
 */
name: string, 
/**
 * `[user@]host`, as ssh takes it.
 */
destination: string, 
/**
 * Its port, where it isn't that of the configuration, or 22.
 */
port: number | null, 
/**
 * The file of the private key to log in with, where it isn't that of the configuration or the agent.
 */
identity: string | null, 
/**
 * How many runs it takes at a time.
 */
slots: number, 
/**
 * The systemd unit whose state is watched.
 */
service_unit: string | null, 
/**
 * The key that pays for what runs there, where none is named.
 */
key: KeyId | null, 
/**
 * The program there that brings the box's own key; then none is sent.
 */
own_command: string | null, 
/**
 * Words to choose it by.
 */
labels: Array<string>, 
/**
 * How it came into the store.
 */
source: HostSource, 
/**
 * What its source calls it.
 */
origin: string | null, 
/**
 * The keys by which it must prove itself.
 */
host_keys: Array<HostKey>, 
/**
 * When they were pinned.
 */
pinned_at: Millis | null, 
/**
 * The user has paused it.
 */
is_paused: boolean, 
/**
 * Since when its source does not name it any more.
 */
gone_at: Millis | null, 
/**
 * How often in a row it has failed.
 */
failures: number, 
/**
 * How it failed last.
 */
last_failure: Failure | null, 
/**
 * Until when it is left alone.
 */
rests_until: Millis | null, 
/**
 * When it was asked last how it stands.
 */
probed_at: Millis | null, 
/**
 * What it answered.
 */
probe: HostProbe | null, 
/**
 * When it was told of.
 */
created_at: Millis, };

/**
 * What to change of a host; `None` leaves a field as it is, and an empty text takes it away.
 */
export type HostEdit = { 
/**
 * A new name.
 */
name?: string, 
/**
 * A new destination. The pinned keys go with the old one.
 */
destination?: string, 
/**
 * A new port; 0 is that of the configuration. The pinned keys go with the old one.
 */
port?: number, 
/**
 * Another private key's file.
 */
identity?: string, 
/**
 * Another number of slots.
 */
slots?: number, 
/**
 * Another unit to watch.
 */
service_unit?: string, 
/**
 * Another key that pays there; an empty one is the active key.
 */
key?: KeyId, 
/**
 * Another program that brings the box's own key.
 */
own_command?: string, 
/**
 * New labels in place of the old ones.
 */
labels?: Array<string>, };

/**
 * Names a host of the farm.
 */
export type HostId = number;

/**
 * A host key as files of known hosts write it: `TYPE BASE64`.
 */
export type HostKey = string;

/**
 * A list of hosts that is kept elsewhere, with what holds for each host of it.
 */
export type HostList = { "from": "ssh_config", 
/**
 * Slots, labels and the like.
 */
each: NewHost, } | { "from": "ec2", 
/**
 * The JSON.
 */
json: string, 
/**
 * Of the instances, only those with this tag: `KEY` or `KEY=VALUE`.
 */
tag: string | null, 
/**
 * As above; its destination is the user's name on the instances.
 */
each: NewHost, };

/**
 * What a host answered. Nothing of it is believed any further than to be shown.
 */
export type HostProbe = { 
/**
 * Why it takes no runs; `None` where it does.
 */
trouble: Failure | null, 
/**
 * Where its `claude` is.
 */
claude: string | null, 
/**
 * Its version.
 */
version: string | null, 
/**
 * Which credential `claude` would use by itself there, in its own word; it is never used.
 */
login: string | null, 
/**
 * How the unit that is watched stands.
 */
service: ServiceState | null, 
/**
 * By how much its clock is ahead of ours, in milliseconds.
 */
clock_ahead_ms: number | null, 
/**
 * How many processes ran or waited on average in the last minute.
 */
load: number | null, 
/**
 * How many processors it has.
 */
processors: number | null, 
/**
 * How long a word takes there and back, in milliseconds.
 */
latency_ms: number | null, };

/**
 * A host in a list, with how it stands.
 */
export type HostRow = { 
/**
 * How it stands.
 */
state: HostState, 
/**
 * The fingerprints of its pinned keys, as ssh shows them.
 */
fingerprints: Array<string>, 
/**
 * How many runs of this program go on there.
 */
busy: number, 
/**
 * Its number.
 */
id: HostId, 
/**
 * What people call it.
 */
name: string, 
/**
 * `[user@]host`, as ssh takes it.
 */
destination: string, 
/**
 * Its port, where it isn't that of the configuration, or 22.
 */
port: number | null, 
/**
 * The file of the private key to log in with, where it isn't that of the configuration or the agent.
 */
identity: string | null, 
/**
 * How many runs it takes at a time.
 */
slots: number, 
/**
 * The systemd unit whose state is watched.
 */
service_unit: string | null, 
/**
 * The key that pays for what runs there, where none is named.
 */
key: KeyId | null, 
/**
 * The program there that brings the box's own key; then none is sent.
 */
own_command: string | null, 
/**
 * Words to choose it by.
 */
labels: Array<string>, 
/**
 * How it came into the store.
 */
source: HostSource, 
/**
 * What its source calls it.
 */
origin: string | null, 
/**
 * The keys by which it must prove itself.
 */
host_keys: Array<HostKey>, 
/**
 * When they were pinned.
 */
pinned_at: Millis | null, 
/**
 * The user has paused it.
 */
is_paused: boolean, 
/**
 * Since when its source does not name it any more.
 */
gone_at: Millis | null, 
/**
 * How often in a row it has failed.
 */
failures: number, 
/**
 * How it failed last.
 */
last_failure: Failure | null, 
/**
 * Until when it is left alone.
 */
rests_until: Millis | null, 
/**
 * When it was asked last how it stands.
 */
probed_at: Millis | null, 
/**
 * What it answered.
 */
probe: HostProbe | null, 
/**
 * When it was told of.
 */
created_at: Millis, };

/**
 * How a host came into the store.
 */
export type HostSource = "manual" | "ssh_config" | "ec2";

/**
 * How a host stands.
 */
export type HostState = "ready" | "unpinned" | "paused" | "key_changed" | "resting" | "gone";

/**
 * What a run stands in for.
 */
export type Instead = { 
/**
 * Why.
 */
cause: FallbackCause, 
/**
 * Who paid there, or would have, as people know them.
 */
payer_label: string, 
/**
 * The run that ended; `None` where none had begun.
 */
run: RunId | null, };

/**
 * What is known of a stored key; no part of it is secret.
 */
export type Key = { 
/**
 * Its id, the same in every store.
 */
id: KeyId, 
/**
 * Its name, exactly as it was given.
 */
name: string, 
/**
 * What it may be used for.
 */
kind: KeyKind, 
/**
 * How it came here.
 */
source: KeySource, 
/**
 * The last four characters of the secret.
 */
last4: string, 
/**
 * The gateway that it is for; `None` is Anthropic's own API.
 */
base_url: string | null, 
/**
 * The organisation that pays, as the user or the server named it.
 */
organization: string | null, 
/**
 * What it is for, such as `production`; frozen into each run.
 */
environment: string, 
/**
 * Free words to search and group by.
 */
tags: Array<string>, 
/**
 * Free text.
 */
note: string, 
/**
 * The newest verdict.
 */
validity: Validity, 
/**
 * When the newest verdict was asked for.
 */
checked_at: Millis | null, 
/**
 * When a check last found the key good.
 */
valid_at: Millis | null, 
/**
 * When it was added.
 */
created_at: Millis, 
/**
 * When it last paid for a run.
 */
last_used_at: Millis | null, 
/**
 * When it stops being valid, where that is known.
 */
expires_at: Millis | null, 
/**
 * Whether it is usable: not retired.
 */
is_active: boolean, };

/**
 * What to change; `None` leaves a field as it is.
 */
export type KeyEdit = { 
/**
 * A new name.
 */
name?: string, 
/**
 * A new environment label; empty removes it.
 */
environment?: string, 
/**
 * A new organisation; empty removes it.
 */
organization?: string, 
/**
 * New tags in place of the old ones.
 */
tags?: Array<string>, 
/**
 * A new note; empty removes it.
 */
note?: string, 
/**
 * When the key stops being valid; `Some(None)` is never.
 */
expires_at?: number | null, };

/**
 * Names a stored key: a UUID, the same in every store that the key is brought to.
 */
export type KeyId = string;

/**
 * What a key may be used for.
 */
export type KeyKind = "api" | "admin";

/**
 * A key in a list.
 */
export type KeyRow = { 
/**
 * Whether it is the active key.
 */
is_selected: boolean, 
/**
 * The money that has left through it this month.
 */
month: Figure, 
/**
 * Its id, the same in every store.
 */
id: KeyId, 
/**
 * Its name, exactly as it was given.
 */
name: string, 
/**
 * What it may be used for.
 */
kind: KeyKind, 
/**
 * How it came here.
 */
source: KeySource, 
/**
 * The last four characters of the secret.
 */
last4: string, 
/**
 * The gateway that it is for; `None` is Anthropic's own API.
 */
base_url: string | null, 
/**
 * The organisation that pays, as the user or the server named it.
 */
organization: string | null, 
/**
 * What it is for, such as `production`; frozen into each run.
 */
environment: string, 
/**
 * Free words to search and group by.
 */
tags: Array<string>, 
/**
 * Free text.
 */
note: string, 
/**
 * The newest verdict.
 */
validity: Validity, 
/**
 * When the newest verdict was asked for.
 */
checked_at: Millis | null, 
/**
 * When a check last found the key good.
 */
valid_at: Millis | null, 
/**
 * When it was added.
 */
created_at: Millis, 
/**
 * When it last paid for a run.
 */
last_used_at: Millis | null, 
/**
 * When it stops being valid, where that is known.
 */
expires_at: Millis | null, 
/**
 * Whether it is usable: not retired.
 */
is_active: boolean, };

/**
 * How a key came into the store.
 */
export type KeySource = "manual" | "oauth" | "env" | "import";

/**
 * What stood in the editor when a page went, for the next one. It is kept in memory alone.
 */
export type LeftDraft = { 
/**
 * The prompt and all that goes with it.
 */
draft: Draft, 
/**
 * The files that its attachments name.
 */
files: Array<Attached>, 
/**
 * The first line of what it replies to.
 */
title: string | null, 
/**
 * Who paid for what it replies to.
 */
payer: string | null, 
/**
 * The tier that it went through.
 */
tier: Tier | null, };

/**
 * A file that the user chose, to be looked at before anything of it is taken over.
 */
export type ListFile = { 
/**
 * Its name, without its folder.
 */
name: string, 
/**
 * What it holds.
 */
text: string, };

/**
 * Whether the vault is locked.
 */
export type Lock = { "locked": LockReason } | "unlocked";

/**
 * Why the vault is locked.
 */
export type LockReason = "start" | "asked" | "idle" | "suspend" | "screen" | "renewed";

/**
 * Where a login is.
 */
export type LoginPlace = { "kind": "usual" } | { "kind": "folder", 
/**
 * The whole path.
 */
folder: string, } | { "kind": "variable", 
/**
 * The variable's name.
 */
variable: string, };

/**
 * A login of the plan in a list.
 */
export type LoginRow = { 
/**
 * Its name and place.
 */
login: PlanLogin, 
/**
 * It is the one that is used.
 */
is_chosen: boolean, 
/**
 * What its last run said.
 */
known: PlanKnown, 
/**
 * Whether somebody is logged in, as the CLI says itself; `None` where it was not asked, or gave no
 * answer. A variable counts as logged in where it holds a token.
 */
is_logged_in: boolean | null, 
/**
 * What logs in, to be typed in a terminal; `None` for a token in a variable.
 */
command: string | null, };

/**
 * A moment in wall time: milliseconds since 1970-01-01 UTC, as the store keeps it.
 */
export type Millis = number;

/**
 * A model as the server lists it. All but the id is optional on the wire.
 */
export type ModelInfo = { 
/**
 * The id that requests name.
 */
id: string, 
/**
 * The name for people; the id where there is none.
 */
display_name: string, 
/**
 * `active`, `deprecated`, `retired`, or unknown.
 */
lifecycle: string | null, 
/**
 * The context window, in tokens.
 */
max_input: number | null, 
/**
 * The longest answer, in tokens.
 */
max_output: number | null, };

/**
 * The models of one server.
 */
export type Models = { 
/**
 * The models, in the server's order.
 */
models: Array<ModelInfo>, 
/**
 * When the server was asked; `None` for the list that comes with the program.
 */
fetched_at: Millis | null, };

/**
 * An amount of money: nano-dollars, exact. Written as a decimal string of dollars on every wire,
 * and rounded only where it is shown to a person.
 *
 * `Display` gives `$0`, `<$0.0001`, `$0.0123`, `$12.40` or `$1,234.56`.
 */
export type Nano = string;

/**
 * What the user says of a host.
 */
export type NewHost = { 
/**
 * What to call it.
 */
name: string, 
/**
 * `[user@]host`, or an entry of the ssh configuration.
 */
destination: string, 
/**
 * Its port, where the configuration does not say it.
 */
port?: number, 
/**
 * The file of the private key to log in with.
 */
identity?: string, 
/**
 * How many runs it takes at a time; one where absent.
 */
slots?: number, 
/**
 * The systemd unit whose state is watched.
 */
service_unit?: string, 
/**
 * The key that pays for what runs there.
 */
key?: KeyId, 
/**
 * The program there that brings the box's own key.
 */
own_command?: string, 
/**
 * Words to choose it by.
 */
labels: Array<string>, };

/**
 * A key that was pasted.
 */
export type NewKey = { 
/**
 * The key.
 */
secret: ApiKey, 
/**
 * The gateway that it is for; Anthropic's own API where absent.
 */
base_url: string | null, 
/**
 * Its name, which is required, and its labels.
 */
labels: KeyEdit, 
/**
 * Store it although the server can't be asked.
 */
unchecked: boolean, 
/**
 * Make it the active key.
 */
select: boolean, };

/**
 * A further way to open the vault, in place of the one of its kind.
 */
export type NewSlot = "keychain" | { "passphrase": Passphrase } | "recovery";

/**
 * The slots of a vault that is to be made.
 */
export type NewVault = { 
/**
 * The keychain shall open it.
 */
keychain: boolean, 
/**
 * This passphrase shall open it.
 */
passphrase: Passphrase | null, 
/**
 * A recovery code shall open it.
 */
recovery: boolean, };

/**
 * Who the next login shell bills.
 */
export type Next = { 
/**
 * Who is billed then.
 */
payer: WhoPays, 
/**
 * The same in one sentence.
 */
sentence: string, };

/**
 * Why nobody is billed.
 */
export type Nobody = { "why": "not_logged_in" } | { "why": "login_unused" } | { "why": "refuses", 
/**
 * The managed settings file.
 */
place: Place, };

/**
 * Who would pay for a draft, and how much at most.
 */
export type Offer = { 
/**
 * Where it would go and who would pay.
 */
route: Route, 
/**
 * What it would cost, as far as that is known; of a plan, outside of one.
 */
estimate: Estimate, 
/**
 * The most dollars that leave, fallbacks left out; `None` where the price is unknown.
 */
at_most: Nano | null, 
/**
 * All who may pay, and the most that leaves in all, where the routing table was asked.
 */
auto: AutoRoute | null, };

/**
 * What the vault is opened with.
 */
export type Opener = "keychain" | { "passphrase": Passphrase } | { "recovery": RecoveryCode };

/**
 * What the user types to open a passphrase slot.
 */
export type Passphrase = string;

/**
 * Who shall pay for a draft.
 */
export type PayWith = { "with": "usual" } | { "with": "active" } | { "with": "key", 
/**
 * The key.
 */
id: KeyId, } | { "with": "auto", 
/**
 * What kind of work it is.
 */
class: Class, } | { "with": "plan", 
/**
 * The login through which it is used; the chosen one where absent.
 */
login: string | null, } | { "with": "farm", 
/**
 * This host and no other.
 */
host: HostId | null, 
/**
 * Any host that bears this label.
 */
label: string | null, 
/**
 * The key that pays in place of the host's.
 */
key: KeyId | null, };

/**
 * One thing that can fill a slot of the request.
 */
export type PayerSource = { "kind": "credential" } & Credential | { "kind": "helper", 
/**
 * The settings entry.
 */
place: Place, } | { "kind": "login", 
/**
 * The plan, as the CLI names it (`max`, `pro`, …), where it is known.
 */
plan: string | null, } | { "kind": "profile", 
/**
 * Its name; `None` is the default profile.
 */
name: string | null, } | { "kind": "federation", 
/**
 * Where the rule is set.
 */
place: Place, };

/**
 * One place that sets or overrides a credential.
 */
export type Place = { "place": "environment" } | { "place": "login_shell" } | { "place": "shell_file", 
/**
 * The file.
 */
path: string, 
/**
 * The line, counted from 1.
 */
line: number, } | { "place": "settings", 
/**
 * Which file it is.
 */
scope: Scope, 
/**
 * The file.
 */
path: string, 
/**
 * The line, counted from 1, where it could be told.
 */
line: number | null, } | { "place": "dot_env", 
/**
 * The file.
 */
path: string, 
/**
 * The line, counted from 1.
 */
line: number, } | { "place": "login" };

/**
 * What is known of a login, from the last run through it. Nothing is spent to learn it.
 */
export type PlanKnown = { 
/**
 * The account that the CLI named.
 */
account: ClaudeAccount | null, 
/**
 * The plan's limits.
 */
limits: PlanLimits | null, 
/**
 * When the limits were told.
 */
limits_at: Millis | null, };

/**
 * The plan's limits as they stood when a request was answered.
 */
export type PlanLimits = { 
/**
 * Whether requests are let through.
 */
standing: PlanStanding, 
/**
 * The window that decides that, such as `five_hour`.
 */
window: string | null, 
/**
 * When that window begins anew.
 */
resets_at: Millis | null, 
/**
 * Each window that was told.
 */
windows: Array<PlanWindow>, 
/**
 * Paid usage beyond the plan is being spent.
 */
is_extra: boolean, };

/**
 * A login, by the name that the user calls it.
 */
export type PlanLogin = { 
/**
 * Its name.
 */
name: string, 
/**
 * Where it is.
 */
place: LoginPlace, };

/**
 * What is known of the plan that pays.
 */
export type PlanRoute = { 
/**
 * The login through which it is used.
 */
login: PlanLogin, 
/**
 * What its last run said of it.
 */
known: PlanKnown, 
/**
 * The plan's limits are used up, and dollars may leave.
 */
is_extra: boolean, 
/**
 * The user has accepted that dollars leave when the plan's limits are reached.
 */
may_be_extra: boolean, };

/**
 * Whether a limit lets requests through.
 */
export type PlanStanding = "allowed" | "allowed_warning" | "rejected" | "unknown";

/**
 * How things stand with the user's plan.
 */
export type PlanStatus = { 
/**
 * Why nothing may be sent through it; `None` where the user has accepted that.
 */
off: Failure | null, 
/**
 * The user has accepted that dollars leave when the plan's limits are reached.
 */
may_be_extra: boolean, 
/**
 * The logins, in the order in which they were told of.
 */
logins: Array<LoginRow>, 
/**
 * The CLI, where it passed the gate.
 */
cli: Cli | null, 
/**
 * What is missing, where it did not.
 */
missing: Failure | null, };

/**
 * One window of a plan's limits.
 */
export type PlanWindow = { 
/**
 * Its kind in the CLI's word, such as `five_hour` or `seven_day`.
 */
kind: string, 
/**
 * The share that is used, from 0 to 1; it may be more.
 */
used: number | null, 
/**
 * When it begins anew.
 */
resets_at: Millis | null, 
/**
 * Whether it lets requests through.
 */
standing: PlanStanding, };

/**
 * Words quoted from a page, exactly as they stood there.
 */
export type Quote = { 
/**
 * What was said.
 */
sentence: string, 
/**
 * The page.
 */
url: string, 
/**
 * The day on which the page said so, as `YYYY-MM-DD`.
 */
date: string, };

/**
 * What a report is asked for.
 */
export type Range = "today" | { "last": number } | "month" | "last_month" | { "between": Days };

/**
 * What remains of a run: who paid what for it, and how it ended.
 */
export type Receipt = { 
/**
 * The run.
 */
run: RunId, 
/**
 * The conversation that it belongs to.
 */
conversation: ConversationId, 
/**
 * How it ended.
 */
state: RunState, 
/**
 * The tier that it went through.
 */
tier: Tier, 
/**
 * The model that answered, or the one asked where none did.
 */
model: string, 
/**
 * Who is billed.
 */
payer: string, 
/**
 * Who is billed, as people know them.
 */
payer_label: string, 
/**
 * The stored key, where one paid.
 */
key: KeyId | null, 
/**
 * The host of the farm that it went to, by its name.
 */
host?: string, 
/**
 * What is booked, now or later as `books` says; `None` where nothing was billed, or where it is
 * lost.
 */
booked: Amount | null, 
/**
 * Whether the run's end is in the store.
 */
books: Books, 
/**
 * Why the model stopped, in the API's word.
 */
stop_reason: string | null, 
/**
 * What that word means, where the answer is not simply complete.
 */
stop_note: string | null, 
/**
 * The server's name for the request.
 */
request_id: string | null, 
/**
 * What the server or the CLI said of the credential that it was given.
 */
proof: string | null, 
/**
 * How often the request was sent.
 */
attempts: number, 
/**
 * From the start to the first piece of the answer, in milliseconds.
 */
first_token_ms: number | null, 
/**
 * From the start to the end, in milliseconds.
 */
total_ms: number, 
/**
 * What it stands in for, where a fallback was taken.
 */
instead_of: Instead | null, 
/**
 * Prompt and answer are kept, sealed; else they are nowhere once they have been shown.
 */
is_kept: boolean, };

/**
 * The printable code that opens a recovery slot.
 */
export type RecoveryCode = string;

/**
 * A server that gets the credential instead of Anthropic's.
 */
export type Redirect = { 
/**
 * The host, or what stands for it.
 */
host: string, 
/**
 * Where that is set.
 */
place: Place, 
/**
 * The same in one sentence.
 */
sentence: string, };

/**
 * A step that would help and that every face has in a form of its own: a button in a window, a
 * command on a command line. The core names it, the face words it.
 */
export type Remedy = "make_vault" | "unlock_vault" | "start_agent" | "add_key" | "store_unchecked" | "name_gateway" | "select_key" | "choose_payer" | "list_runs" | "restore_store" | "accept_subscription" | "accept_extra_usage" | "accept_sign_in" | "point_to_claude" | "list_logins" | "add_host" | "pin_host" | "list_hosts" | "probe_host" | "confirm_login" | "log_in" | "list_routing" | "allow_fallback";

/**
 * Where a run goes and who pays for it.
 */
export type Route = { 
/**
 * The tier.
 */
tier: Tier, 
/**
 * The model, by the id that is sent.
 */
model: string, 
/**
 * Present where nobody here knows the model, which a face says before it sends.
 */
unknown_model: UnknownModel | null, 
/**
 * Who is billed, as people know them.
 */
payer_label: string, 
/**
 * The stored key, where one pays.
 */
key: KeyId | null, 
/**
 * The server that the key is sent to, where it isn't Anthropic's own.
 */
gateway: string | null, 
/**
 * The key's environment label, frozen into the run.
 */
environment: string, 
/**
 * The longest answer, in tokens.
 */
max_tokens: number, 
/**
 * Why this payer: a clause that begins with "because".
 */
reason: string, 
/**
 * What is known of the plan, where it pays.
 */
plan: PlanRoute | null, 
/**
 * Where on the farm it may go, where it does.
 */
farm?: FarmRoute, };

/**
 * One class of work in the routing table.
 */
export type RoutingRow = { 
/**
 * Its rule; `None` where there is none, so that its work goes as it does where no class is named, and
 * where it can't be read, so that its work goes nowhere.
 */
rule: RoutingRule | null, 
/**
 * Who would pay now, first and in place of that; each way that can't be taken with the reason. It has
 * a rule also where that can't be read.
 */
auto: AutoRoute, };

/**
 * Where one class of work goes.
 */
export type RoutingRule = { 
/**
 * The class.
 */
class: Class, 
/**
 * Where it goes first.
 */
first: Destination, 
/**
 * What may follow, in order.
 */
fallbacks: Array<Fallback>, };

/**
 * One run with all that is known of it.
 */
export type RunDetails = { 
/**
 * The instructions that stood above, where they are kept.
 */
system: string | null, 
/**
 * The prompt, where it is kept.
 */
prompt: string | null, 
/**
 * The answer, where it is kept.
 */
answer: string | null, 
/**
 * The names of the files that went with it.
 */
attachments: Array<string>, 
/**
 * Why the model stopped, in the API's word.
 */
stop_reason: string | null, 
/**
 * The server's name for the request.
 */
request_id: string | null, 
/**
 * What the server or the CLI said of the credential that it was given.
 */
proof: string | null, 
/**
 * What went wrong: in words where they are kept, else the error's code.
 */
error: string | null, 
/**
 * When it ended.
 */
finished_at: Millis | null, 
/**
 * The run.
 */
run: RunId, 
/**
 * The conversation that it belongs to.
 */
conversation: ConversationId, 
/**
 * The run that it continues.
 */
reply_to: RunId | null, 
/**
 * How it stands.
 */
state: RunState, 
/**
 * What kind of work it was.
 */
class: Class, 
/**
 * The tier that it went through.
 */
tier: Tier, 
/**
 * The model that answered, or the one asked where none did.
 */
model: string, 
/**
 * Who is billed, as people knew them then.
 */
payer_label: string, 
/**
 * The stored key, where one paid.
 */
key: KeyId | null, 
/**
 * The host of the farm that it went to, by its name.
 */
host?: string, 
/**
 * When it began.
 */
started_at: Millis, 
/**
 * The first line of the prompt, where it is kept and could be opened.
 */
title: string | null, 
/**
 * Its texts are kept.
 */
is_kept: boolean, 
/**
 * What the ledger says of it; `None` where nothing was billed or it is not booked yet.
 */
cost: Nano | null, 
/**
 * What the ledger's figure rests on.
 */
basis: Basis | null, 
/**
 * The tokens, prompt and answer.
 */
tokens: number | null, 
/**
 * What it stands in for, where a fallback was taken.
 */
instead_of: Instead | null, };

/**
 * One thing that happened in a run. The last one is `Finished` or `Failed`.
 */
export type RunEvent = { "event": "started", 
/**
 * The run.
 */
run: RunId, 
/**
 * The conversation that it belongs to.
 */
conversation: ConversationId, 
/**
 * The tier that it goes through.
 */
tier: Tier, 
/**
 * The model that is asked.
 */
model: string, 
/**
 * Who is billed, as people know them.
 */
payer_label: string, 
/**
 * The most that it can cost; absent where the price is unknown.
 */
at_most: Nano | null, } | { "event": "placed", 
/**
 * Its name.
 */
host: string, } | { "event": "text", 
/**
 * The piece.
 */
text: string, } | { "event": "thinking", 
/**
 * The piece.
 */
text: string, } | { "event": "replaced", 
/**
 * The answer.
 */
text: string, } | { "event": "limits", 
/**
 * The plan's limits.
 */
limits: PlanLimits, } | { "event": "usage", 
/**
 * The counts.
 */
tokens: Tokens, } | { "event": "waiting", 
/**
 * What for.
 */
why: string, 
/**
 * Until when.
 */
until: Millis, 
/**
 * The number of the attempt that follows.
 */
attempt: number, } | { "event": "fallback", 
/**
 * Why.
 */
cause: FallbackCause, 
/**
 * Who paid, or would have, as people know them.
 */
from: string, 
/**
 * Who pays from here on.
 */
to: string, 
/**
 * What went wrong.
 */
error: Failure, 
/**
 * What remains of the run that ended; absent where none had begun.
 */
receipt: Receipt | null, } | { "event": "finished", 
/**
 * What remains.
 */
receipt: Receipt, } | { "event": "failed", 
/**
 * Why.
 */
error: Failure, 
/**
 * What remains.
 */
receipt: Receipt, };

/**
 * Names a run; small and never used again, so that people can type it.
 */
export type RunId = number;

/**
 * How a run stands.
 */
export type RunState = "started" | "finished" | "failed" | "cancelled" | "lost";

/**
 * One run in a list.
 */
export type RunSummary = { 
/**
 * The run.
 */
run: RunId, 
/**
 * The conversation that it belongs to.
 */
conversation: ConversationId, 
/**
 * The run that it continues.
 */
reply_to: RunId | null, 
/**
 * How it stands.
 */
state: RunState, 
/**
 * What kind of work it was.
 */
class: Class, 
/**
 * The tier that it went through.
 */
tier: Tier, 
/**
 * The model that answered, or the one asked where none did.
 */
model: string, 
/**
 * Who is billed, as people knew them then.
 */
payer_label: string, 
/**
 * The stored key, where one paid.
 */
key: KeyId | null, 
/**
 * The host of the farm that it went to, by its name.
 */
host?: string, 
/**
 * When it began.
 */
started_at: Millis, 
/**
 * The first line of the prompt, where it is kept and could be opened.
 */
title: string | null, 
/**
 * Its texts are kept.
 */
is_kept: boolean, 
/**
 * What the ledger says of it; `None` where nothing was billed or it is not booked yet.
 */
cost: Nano | null, 
/**
 * What the ledger's figure rests on.
 */
basis: Basis | null, 
/**
 * The tokens, prompt and answer.
 */
tokens: number | null, 
/**
 * What it stands in for, where a fallback was taken.
 */
instead_of: Instead | null, };

/**
 * Which of Claude Code's files a setting stands in; a later one outranks an earlier one.
 */
export type Scope = "state" | "user" | "project" | "local" | "root_local" | "managed";

/**
 * How a unit of systemd stands, in its own word.
 */
export type ServiceState = "active" | "inactive" | "failed" | "activating" | "deactivating" | "reloading" | "unknown";

/**
 * A setting as a list shows it.
 */
export type SettingRow = { 
/**
 * Its name.
 */
name: string, 
/**
 * What it is for, and the values that it takes.
 */
about: string, 
/**
 * The value that holds, as JSON.
 */
value: string, };

/**
 * What a credential's text says about itself.
 */
export type Shape = "api_key" | "admin_key" | "subscription_token" | "other";

/**
 * A key that a host has shown, held against what is pinned.
 */
export type ShownKey = { 
/**
 * The key.
 */
key: HostKey, 
/**
 * Its type, such as `ssh-ed25519`.
 */
kind: string, 
/**
 * What people compare, as `ssh-keygen -l` prints it.
 */
fingerprint: string, 
/**
 * It is one of the pinned keys.
 */
is_pinned: boolean, 
/**
 * The fingerprints that are pinned; none where this is the first key.
 */
pinned: Array<string>, };

/**
 * Who was shown to pay. Between that and the sending, keys are chosen, hosts come and go, and rules change.
 */
export type ShownPayer = { 
/**
 * The tier.
 */
tier: Tier, 
/**
 * The stored key, where one pays.
 */
key: KeyId | null, 
/**
 * The server that it is sent to, where it isn't Anthropic's own.
 */
gateway: string | null, 
/**
 * The login of a plan, where that pays. What `claude` says of its account is held against what was said
 * before when it is asked, and is another matter.
 */
login: string | null, 
/**
 * What the payer was called.
 */
label: string, };

/**
 * A slot, as it may be shown.
 */
export type Slot = { 
/**
 * What opens it.
 */
kind: SlotKind, 
/**
 * When it was made.
 */
created_at: Millis, 
/**
 * When it last opened the vault.
 */
last_used_at: Millis | null, };

/**
 * What opens a slot.
 */
export type SlotKind = "keychain" | "passphrase" | "recovery";

/**
 * How things stand: the frame around every screen.
 */
export type Standing = { 
/**
 * The version of this program.
 */
version: string, 
/**
 * The vault; `None` where there is none yet.
 */
vault: VaultStatus | null, 
/**
 * The key that pays when no other is named.
 */
active: Key | null, 
/**
 * Whether any key is stored.
 */
has_keys: boolean, 
/**
 * Whether prompts may go through the user's plan.
 */
has_plan: boolean, 
/**
 * What is wrong with the store's file, where it is open for reading only.
 */
damage: Failure | null, 
/**
 * Whether everything here is simulated.
 */
is_simulated: boolean, };

/**
 * The sums of some part of the ledger.
 */
export type Sums = { 
/**
 * Money that leaves: metered, estimated, billed, and extra usage beyond a plan.
 */
leaving: Figure, 
/**
 * What runs on a plan would have cost without it; never part of `leaving`.
 */
plan: Figure, 
/**
 * Both, by what the figures rest on.
 */
by_basis: { [key in Basis]?: Figure }, 
/**
 * The tokens of all runs.
 */
tokens: Tokens, };

/**
 * The key that pays for a plain `claude` right now, to be stored as well.
 */
export type TakeOver = { 
/**
 * The variable that holds it, as the finding named it.
 */
name: string, 
/**
 * Its last four characters: what was seen is what is taken.
 */
last4: string, 
/**
 * The gateway that it is for; Anthropic's own API where absent.
 */
base_url: string | null, 
/**
 * The name that it gets, and its labels.
 */
labels: KeyEdit, 
/**
 * Store it although the server can't be asked.
 */
unchecked: boolean, 
/**
 * Make it the active key.
 */
select: boolean, };

/**
 * Whether a model thinks before it answers; thinking is billed as output.
 */
export type Thinking = "adaptive" | "disabled";

/**
 * A tier, with whoever pays in it.
 */
export type Through = { "tier": "subscription", 
/**
 * The login by name; the chosen one where absent.
 */
login: string | null, } | { "tier": "metered", 
/**
 * The stored key; the active one where absent.
 */
key: KeyId | null, } | { "tier": "farm", 
/**
 * This host and no other.
 */
host: HostId | null, 
/**
 * Any host with this label; any host where neither is there.
 */
label: string | null, 
/**
 * The stored key; the host's own way to pay where absent.
 */
key: KeyId | null, };

/**
 * A way for a prompt to reach a model.
 */
export type Tier = "subscription" | "metered" | "farm";

/**
 * The tokens of one run, as the server counted them.
 *
 * `input` leaves cached tokens out; `output` includes `thinking`. Source: Messages API, `usage`.
 */
export type Tokens = { 
/**
 * Tokens of the prompt that were neither read from nor written to the cache.
 */
input: number, 
/**
 * Tokens of the answer, thinking included.
 */
output: number, 
/**
 * Tokens written to the five-minute cache.
 */
cache_write_5m: number, 
/**
 * Tokens written to the one-hour cache.
 */
cache_write_1h: number, 
/**
 * Tokens read from the cache.
 */
cache_read: number, 
/**
 * The part of `output` that was thinking.
 */
thinking: number, 
/**
 * Web searches, which are billed one by one.
 */
web_searches: number, };

/**
 * A model that neither the price table nor the server's own list has: it may be new, or misspelt.
 * It is sent all the same, at an unknown cost.
 */
export type UnknownModel = { 
/**
 * Its name, as it is sent.
 */
name: string, 
/**
 * The known name that is most like it, where one is near.
 */
nearest: string | null, };

/**
 * The sums of one day.
 */
export type UsageDay = { 
/**
 * The local day.
 */
date: string, 
/**
 * Its sums.
 */
sums: Sums, 
/**
 * The same by payer, under the ids of [`Report::payers`].
 */
payers: { [key in string]: Sums }, };

/**
 * Which part of the ledger is meant; a list that is empty leaves everything in.
 */
export type UsageFilter = { 
/**
 * Only these stored keys.
 */
keys: Array<KeyId>, 
/**
 * Only these tiers.
 */
tiers: Array<Tier>, 
/**
 * Only these models, by their ids in the ledger.
 */
models: Array<string>, 
/**
 * Only these environment labels; the empty one stands for keys without one.
 */
environments: Array<string>, };

/**
 * The sums of one payer, key, model, tier, environment or host.
 */
export type UsageGroup = { 
/**
 * What the store calls it, to filter by.
 */
id: string, 
/**
 * What a person calls it; as the user typed it, so shown with `text::shown`.
 */
label: string, 
/**
 * Tells whether it is a key or host that has been deleted.
 */
is_deleted: boolean, 
/**
 * Its sums.
 */
sums: Sums, };

/**
 * What was spent in some stretch of days.
 */
export type UsageReport = { 
/**
 * The days that it is about.
 */
days: Days, 
/**
 * The zone whose days they are.
 */
zone: string, 
/**
 * All of it.
 */
total: Sums, 
/**
 * How much of the prompts came from the cache, in thousandths.
 */
cached_permille: number | null, 
/**
 * The days that `previous` is about: see [`Range::previous`].
 */
previous_days: Days, 
/**
 * The sums of those days.
 */
previous: Sums, 
/**
 * For this month: what will have left by its end at the pace so far.
 */
projected: Nano | null, 
/**
 * By payer, the most money that leaves first, as are all the following.
 */
payers: Array<UsageGroup>, 
/**
 * By stored key; runs without one are under the empty id.
 */
keys: Array<UsageGroup>, 
/**
 * By model.
 */
models: Array<UsageGroup>, 
/**
 * By tier.
 */
tiers: Array<UsageGroup>, 
/**
 * By environment label; keys without one are under the empty id.
 */
environments: Array<UsageGroup>, 
/**
 * By host of the farm, the last one that had the run; runs that were on none are under the id 0.
 */
hosts: Array<UsageGroup>, 
/**
 * Day by day, only the days that have runs.
 */
series: Array<UsageDay>, };

/**
 * What the server last said of a key.
 */
export type Validity = "unchecked" | "valid" | "no_credit" | "refused" | "not_allowed" | "disabled" | "billing";

/**
 * What can be said of a vault without opening it.
 */
export type VaultStatus = { 
/**
 * Whether there is a vault.
 */
exists: boolean, 
/**
 * Whether it is locked.
 */
lock: Lock, 
/**
 * The ways to open it.
 */
slots: Array<Slot>, 
/**
 * After how many idle minutes it locks itself; `None` is never.
 */
lock_after_minutes: number | null, 
/**
 * Whether the keychain slot may be used without asking.
 */
silent_keychain: boolean, };

/**
 * One tier beside the others.
 */
export type Way = { 
/**
 * The tier.
 */
tier: Tier, 
/**
 * Where a run would go and who would pay, where it can be used.
 */
route: Route | null, 
/**
 * What it would cost; of a plan, outside of one.
 */
estimate: Estimate | null, 
/**
 * The most dollars that would leave; `None` where the price is unknown.
 */
at_most: Nano | null, 
/**
 * What is left of the budget; `None` where none is set.
 */
budget_left: Nano | null, 
/**
 * Why it can't be used.
 */
why_not: Failure | null, };

/**
 * Who pays right now, and why. Holds no secret: last four characters at most.
 */
export type Who = { 
/**
 * Who a plain `claude -p` bills.
 */
payer: WhoPays, 
/**
 * The same in one sentence.
 */
sentence: string, 
/**
 * Where the credential goes, when that is not Anthropic's own server.
 */
redirect: Redirect | null, 
/**
 * Who a terminal opened next would bill, where that is someone else.
 */
next: Next | null, 
/**
 * Every place that sets or overrides a credential, strongest first.
 */
findings: Array<Finding>, 
/**
 * What could not be found out, and what is worth knowing.
 */
notes: Array<string>, 
/**
 * The CLI, where there is one.
 */
cli: Cli | null, };

/**
 * Who is billed.
 */
export type WhoPays = { "payer": "nobody" } & Nobody | { "payer": "one", 
/**
 * The credential.
 */
source: PayerSource, } | { "payer": "both", 
/**
 * What is sent as `x-api-key`.
 */
key: PayerSource, 
/**
 * What is sent as `Authorization`.
 */
bearer: PayerSource, } | { "payer": "cloud", 
/**
 * Its name.
 */
provider: string, 
/**
 * The switch.
 */
name: string, 
/**
 * Where the switch is set.
 */
place: Place, };

/** Says how things stand: vault, active key, damage, demo. */
export const standing = (): Promise<Standing> => call('standing', {  });

/** Tells what changed, for as long as the page listens. */
export const next_changes = (): Promise<Array<Change>> => call('next_changes', {  });

/** Says that the first screen can be seen: what goes on behind the window may begin. */
export const first_screen_shown = (): Promise<null> => call('first_screen_shown', {  });

/** Writes a fault of the page into the program's log, where it can be found. */
export const report_fault = (fault: string): Promise<null> => call('report_fault', { fault });

/** Finds out who a plain `claude -p` bills right now. */
export const who = (): Promise<Who> => call('who', {  });

/** Lists the keys, each with this month's money. */
export const list_keys = (): Promise<Array<KeyRow>> => call('list_keys', {  });

/** Checks a pasted key with its server and stores it sealed. */
export const add_key = (key: NewKey): Promise<Added> => call('add_key', { key });

/** Stores the key that pays right now; where it was found it still bills. */
export const take_over = (key: TakeOver): Promise<Added> => call('take_over', { key });

/** Asks a key's server about it, for free. */
export const check_key = (id: KeyId): Promise<Checked> => call('check_key', { id });

/** Makes one real call with a key, which costs a small fraction of a cent. */
export const test_key = (id: KeyId): Promise<Checked> => call('test_key', { id });

/** Makes a key the active one. */
export const select_key = (id: KeyId): Promise<Key> => call('select_key', { id });

/** Changes what is known of a key. */
export const edit_key = (id: KeyId, change: KeyEdit): Promise<Key> => call('edit_key', { id, change });

/** Deletes a key; its row in the ledger's sums stays. */
export const remove_key = (id: KeyId): Promise<Key> => call('remove_key', { id });

/** Puts a key into the clipboard, and takes it out again after a minute. */
export const copy_key = (id: KeyId): Promise<null> => call('copy_key', { id });

/** Makes the vault and leaves it unlocked. */
export const make_vault = (vault: NewVault): Promise<Created> => call('make_vault', { vault });

/** Says what is wrong with a new passphrase, or nothing. */
export const weigh_passphrase = (passphrase: Passphrase): Promise<null> => call('weigh_passphrase', { passphrase });

/** Adds a way to open the vault, in place of the one of its kind. Returns a new recovery code, which is shown this once. */
export const add_slot = (slot: NewSlot): Promise<string | null> => call('add_slot', { slot });

/** Removes a way to open the vault; the last one stays. */
export const remove_slot = (kind: SlotKind): Promise<null> => call('remove_slot', { kind });

/** Stops waiting for the keychain, which then counts as one that can't be used. */
export const stop_waiting = (): Promise<null> => call('stop_waiting', {  });

/** Unlocks the vault for every face. */
export const unlock = (opener: Opener): Promise<null> => call('unlock', { opener });

/** Locks the vault for every face. */
export const lock = (): Promise<null> => call('lock', {  });

/** Lists the models of a key's server; of Anthropic's where none is named. */
export const list_models = (key: KeyId | null): Promise<Models> => call('list_models', { key });

/** Says who would pay for a draft and how much at most. Sends nothing. */
export const preflight = (draft: Draft): Promise<Offer> => call('preflight', { draft });

/** Says the same of each tier beside the others. Sends nothing. */
export const ways = (draft: Draft): Promise<Array<Way>> => call('ways', { draft });

/** Sends a draft; its events come until it is booked. */
export const send = (draft: Draft, name: string, events: (event: RunEvent) => void): Promise<null> => stream('send', { draft, name }, 'events', events);

/** Ends a run that is under way. */
export const cancel = (name: string): Promise<null> => call('cancel', { name });

/** Ends a run that another page of this window began. */
export const cancel_run = (run: RunId): Promise<null> => call('cancel_run', { run });

/** Keeps what stands in the editor for the next page, for as long as the program runs. */
export const keep_draft = (left: LeftDraft): Promise<null> => call('keep_draft', { left });

/** Returns what stood in the editor of the page before. */
export const left_draft = (): Promise<LeftDraft> => call('left_draft', {  });

/** Lets the user choose files to attach. */
export const choose_files = (): Promise<Chosen> => call('choose_files', {  });

/** Attaches what was pasted or dropped, as base64. */
export const attach = (name: string, body: string): Promise<Attached> => call('attach', { name, body });

/** Lets go of attached files. */
export const detach = (ids: Array<number>): Promise<null> => call('detach', { ids });

/** Lists runs, newest first, older than one of them. */
export const list_runs = (before: RunId | null, limit: number): Promise<Array<RunSummary>> => call('list_runs', { before, limit });

/** Returns one run with its texts. */
export const show_run = (run: RunId): Promise<RunDetails> => call('show_run', { run });

/** Sums up what was spent. */
export const usage = (range: Range, filter: UsageFilter): Promise<UsageReport> => call('usage', { range, filter });

/** Lets the user save a text, such as the usage as CSV; tells whether it was. */
export const save_text = (name: string, text: string): Promise<boolean> => call('save_text', { name, text });

/** Lists the settings. */
export const list_settings = (): Promise<Array<SettingRow>> => call('list_settings', {  });

/** Changes a setting; `default` goes back to the default. Returns a doubt about a model's name. */
export const change_setting = (name: string, value: string): Promise<UnknownModel | null> => call('change_setting', { name, value });

/** Says how things stand with the user's plan. Spends nothing. */
export const plan_status = (): Promise<PlanStatus> => call('plan_status', {  });

/** Tells of another login of the plan. It is used once it is chosen. */
export const add_login = (login: PlanLogin): Promise<null> => call('add_login', { login });

/** Chooses the login that is used from now on. */
export const select_login = (name: string): Promise<PlanLogin> => call('select_login', { name });

/** Forgets a login; what `claude` keeps stays as it is. */
export const remove_login = (name: string): Promise<null> => call('remove_login', { name });

/** Opens a terminal in which the user logs in. */
export const log_in = (name: string): Promise<null> => call('log_in', { name });

/** Lists the risk texts with what was accepted of them. */
export const consents = (): Promise<Array<Consent>> => call('consents', {  });

/** Records that the user accepts the text whose version was shown. */
export const accept_consent = (subject: ConsentSubject, version: string): Promise<Consent> => call('accept_consent', { subject, version });

/** Records that the user withdraws what they accepted. */
export const withdraw_consent = (subject: ConsentSubject): Promise<Consent> => call('withdraw_consent', { subject });

/** Lists where each class of work goes, and what may follow. Sends nothing. */
export const routing = (): Promise<Array<RoutingRow>> => call('routing', {  });

/** Puts a rule in the place of the one that its class has. A fallback that changes by that is off. */
export const set_routing = (rule: RoutingRule): Promise<null> => call('set_routing', { rule });

/** Removes the rule of a class with its fallbacks. */
export const unset_routing = (work: Class): Promise<null> => call('unset_routing', { work });

/** Allows a fallback beforehand, counted from 1, by the version of what was shown. */
export const allow_fallback = (work: Class, number: number, version: string): Promise<FallbackAgreement> => call('allow_fallback', { work, number, version });

/** Allows a fallback no longer. */
export const disallow_fallback = (work: Class, number: number): Promise<FallbackAgreement> => call('disallow_fallback', { work, number });

/** Lists the hosts of the farm as they stand now. Connects to none of them. */
export const list_hosts = (): Promise<Array<HostRow>> => call('list_hosts', {  });

/** Adds a host. Nothing is connected to by that, and its key is not pinned yet. */
export const add_host = (host: NewHost): Promise<Host> => call('add_host', { host });

/** Changes what is known of a host. */
export const edit_host = (id: HostId, change: HostEdit): Promise<Host> => call('edit_host', { id, change });

/** Removes a host; its runs and its rows in the ledger keep its name. */
export const remove_host = (id: HostId): Promise<Host> => call('remove_host', { id });

/** Gives a host no further runs, or runs again at once. */
export const pause_host = (id: HostId, is_paused: boolean): Promise<Host> => call('pause_host', { id, is_paused });

/** Asks a host for its key, without logging in. Pins nothing, and sends nothing of the user's. */
export const host_key = (id: HostId): Promise<ShownKey> => call('host_key', { id });

/** Pins the key by which a host must prove itself from now on. */
export const pin_host = (id: HostId, key: HostKey): Promise<Host> => call('pin_host', { id, key });

/** Asks a host how it stands, and keeps the answer. Changes nothing there. */
export const probe_host = (id: HostId): Promise<HostProbe> => call('probe_host', { id });

/** Says what taking over a list of hosts would do, and does nothing. */
export const preview_hosts = (list: HostList): Promise<BroughtHosts> => call('preview_hosts', { list });

/** Takes over a list of hosts. Connects to none of them. */
export const import_hosts = (list: HostList): Promise<BroughtHosts> => call('import_hosts', { list });

/** Lets the user choose a file with a list of hosts; nothing of it is taken over by that. */
export const choose_host_list = (): Promise<ListFile | null> => call('choose_host_list', {  });

/** Opens another window with sample data, in a store of its own. */
export const start_demo = (): Promise<null> => call('start_demo', {  });

/** Opens a link in the system's browser. */
export const open_link = (url: string): Promise<null> => call('open_link', { url });
