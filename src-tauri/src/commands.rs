//! Everything that the page may ask for: one table, each line one delegation.

use std::sync::Arc;

use switchyard_core::app::{self, PlanStatus, RoutingRow, ShownKey, Standing};
use switchyard_core::consent::{Consent, Subject};
use switchyard_core::dispatch::routing::{Agreement, Rule};
use switchyard_core::dispatch::{Class, Models, RunEvent, UnknownModel, Way};
use switchyard_core::hosts::{self, Brought, Host, NewHost, Probe};
use switchyard_core::id::{HostId, KeyId, RunId};
use switchyard_core::keys::{self, Edit, Key};
use switchyard_core::plan::{self, PlanLogin};
use switchyard_core::secret::Passphrase;
use switchyard_core::ssh::HostKey;
use switchyard_core::usage::report::{Filter, Range, Report as UsageReport};
use switchyard_core::vault::SlotKind;
use switchyard_core::{Failure, dispatch, shell, vault};

use crate::desktop::Desktop;
use crate::farm::{HostList, ListFile};
use crate::inputs::{Draft, LeftDraft, NewKey, NewSlot, NewVault, Opener, TakeOver};
use crate::replies::{Added, Attached, Change, Checked, Chosen, Created, Offer, SettingRow};
use crate::wire::commands;

type Who = shell::Report;
type KeyRow = keys::Row;
type HostRow = hosts::Row;
type HostEdit = hosts::Edit;
type RunSummary = dispatch::Summary;
type RunDetails = dispatch::Details;

commands! { desktop;
    /// Says how things stand: vault, active key, damage, demo.
    standing() => Standing { desktop.app.standing().await }

    /// Tells what changed, for as long as the page listens.
    next_changes() => Vec<Change> { desktop.next_changes().await }

    /// Says that the first screen can be seen: what goes on behind the window may begin.
    first_screen_shown() => () { desktop.is_shown.send_replace(true); Ok(()) }

    /// Writes a fault of the page into the program's log, where it can be found.
    report_fault(fault: String) => () { desktop.report_fault(&fault) }

    /// Finds out who a plain `claude -p` bills right now.
    who() => Who { desktop.who().await }

    /// Lists the keys, each with this month's money.
    list_keys() => Vec<KeyRow> { desktop.keys() }

    /// Checks a pasted key with its server and stores it sealed.
    add_key(key: NewKey) => Added { desktop.add_key(key).await }

    /// Stores the key that pays right now; where it was found it still bills.
    take_over(key: TakeOver) => Added { desktop.take_over(key).await }

    /// Asks a key's server about it, for free.
    check_key(id: KeyId) => Checked { desktop.check_key(&id).await }

    /// Makes one real call with a key, which costs a small fraction of a cent.
    test_key(id: KeyId) => Checked { desktop.test_key(&id).await }

    /// Makes a key the active one.
    select_key(id: KeyId) => Key { desktop.app.write(move |store, now| keys::select(store, &id, now)).await }

    /// Changes what is known of a key.
    edit_key(id: KeyId, change: Edit) => Key { desktop.app.write(move |store, _| keys::edit(store, &id, change)).await }

    /// Deletes a key; its row in the ledger's sums stays.
    remove_key(id: KeyId) => Key { desktop.remove_key(&id).await }

    /// Puts a key into the clipboard, and takes it out again after a minute.
    copy_key(id: KeyId) => () { desktop.copy_key(&id).await }

    /// Makes the vault and leaves it unlocked.
    make_vault(vault: NewVault) => Created { desktop.make_vault(vault).await }

    /// Says what is wrong with a new passphrase, or nothing.
    weigh_passphrase(passphrase: Passphrase) => () { vault::check_passphrase(&passphrase) }

    /// Adds a way to open the vault, in place of the one of its kind. Returns a new recovery code, which
    /// is shown this once.
    add_slot(slot: NewSlot) => Option<String> { desktop.add_slot(&slot).await }

    /// Removes a way to open the vault; the last one stays.
    remove_slot(kind: SlotKind) => () { desktop.app.access()?.remove_slot(kind).await }

    /// Stops waiting for the keychain, which then counts as one that can't be used.
    stop_waiting() => () { desktop.app.access()?.stop_waiting(); Ok(()) }

    /// Unlocks the vault for every face.
    unlock(opener: Opener) => () { desktop.unlock(&opener).await }

    /// Locks the vault for every face.
    lock() => () { desktop.lock().await }

    /// Lists the models of a key's server; of Anthropic's where none is named.
    list_models(key: Option<KeyId>) => Models { desktop.models(key.as_ref()) }

    /// Says who would pay for a draft and how much at most. Sends nothing.
    preflight(draft: Draft) => Offer { desktop.preflight(draft).await }

    /// Says the same of each tier beside the others. Sends nothing.
    ways(draft: Draft) => Vec<Way> { desktop.ways(draft).await }

    /// Sends a draft; its events come until it is booked.
    send(draft: Draft, name: String) ~> events: RunEvent => () { desktop.send(draft, name, events).await }

    /// Ends a run that is under way.
    cancel(name: String) => () { desktop.in_flight.cancel(&name); Ok(()) }

    /// Ends a run that another page of this window began.
    cancel_run(run: RunId) => () { desktop.cancel_run(run) }

    /// Keeps what stands in the editor for the next page, for as long as the program runs.
    keep_draft(left: LeftDraft) => () { desktop.keep_draft(left); Ok(()) }

    /// Returns what stood in the editor of the page before.
    left_draft() => LeftDraft { Ok(desktop.left().clone()) }

    /// Lets the user choose files to attach.
    choose_files() => Chosen { Ok(desktop.choose_files().await) }

    /// Attaches what was pasted or dropped, as base64.
    attach(name: String, body: String) => Attached { desktop.attach(&name, &body) }

    /// Lets go of attached files.
    detach(ids: Vec<u32>) => () { desktop.attachments.drop(&ids); Ok(()) }

    /// Lists runs, newest first, older than one of them.
    list_runs(before: Option<RunId>, limit: usize) => Vec<RunSummary> { desktop.runs(before, limit).await }

    /// Returns one run with its texts.
    show_run(run: RunId) => RunDetails { desktop.run(run).await }

    /// Sums up what was spent.
    usage(range: Range, filter: Filter) => UsageReport { desktop.usage(range, &filter).await }

    /// Lets the user save a text, such as the usage as CSV; tells whether it was.
    save_text(name: String, text: String) => bool { desktop.save_text(&name, &text).await }

    /// Lists the settings.
    list_settings() => Vec<SettingRow> { desktop.settings() }

    /// Changes a setting; `default` goes back to the default. Returns a doubt about a model's name.
    change_setting(name: String, value: String) => Option<UnknownModel> { desktop.app.write(move |store, now| app::setting(&name)?.set(store, &value, now)).await }

    /// Says how things stand with the user's plan. Spends nothing.
    plan_status() => PlanStatus { desktop.plan_status().await }

    /// Tells of another login of the plan. It is used once it is chosen.
    add_login(login: PlanLogin) => () { desktop.app.write(move |store, now| plan::add(store, login, now)).await }

    /// Chooses the login that is used from now on.
    select_login(name: String) => PlanLogin { desktop.app.write(move |store, now| plan::select(store, &name, now)).await }

    /// Forgets a login; what `claude` keeps stays as it is.
    remove_login(name: String) => () { desktop.app.write(move |store, now| plan::remove(store, &name, now)).await }

    /// Opens a terminal in which the user logs in.
    log_in(name: String) => () { desktop.log_in(&name).await }

    /// Lists the risk texts with what was accepted of them.
    consents() => Vec<Consent> { desktop.consents() }

    /// Records that the user accepts the text whose version was shown.
    accept_consent(subject: Subject, version: String) => Consent { desktop.accept(subject, version).await }

    /// Records that the user withdraws what they accepted.
    withdraw_consent(subject: Subject) => Consent { desktop.withdraw(subject).await }

    /// Lists where each class of work goes, and what may follow. Sends nothing.
    routing() => Vec<RoutingRow> { desktop.routing().await }

    /// Puts a rule in the place of the one that its class has. A fallback that changes by that is off.
    set_routing(rule: Rule) => () { desktop.app.set_routing(rule).await }

    /// Removes the rule of a class with its fallbacks.
    unset_routing(work: Class) => () { desktop.app.unset_routing(work).await }

    /// Allows a fallback beforehand, counted from 1, by the version of what was shown.
    allow_fallback(work: Class, number: usize, version: String) => Agreement { desktop.app.allow_fallback(work, number, version).await }

    /// Allows a fallback no longer.
    disallow_fallback(work: Class, number: usize) => Agreement { desktop.app.disallow_fallback(work, number).await }

    /// Lists the hosts of the farm as they stand now. Connects to none of them.
    list_hosts() => Vec<HostRow> { desktop.hosts() }

    /// Adds a host. Nothing is connected to by that, and its key is not pinned yet.
    add_host(host: NewHost) => Host { desktop.app.add_host(host).await }

    /// Changes what is known of a host.
    edit_host(id: HostId, change: HostEdit) => Host { desktop.app.edit_host(id, change).await }

    /// Removes a host; its runs and its rows in the ledger keep its name.
    remove_host(id: HostId) => Host { desktop.app.remove_host(id).await }

    /// Gives a host no further runs, or runs again at once.
    pause_host(id: HostId, is_paused: bool) => Host { desktop.app.pause_host(id, is_paused).await }

    /// Asks a host for its key, without logging in. Pins nothing, and sends nothing of the user's.
    host_key(id: HostId) => ShownKey { desktop.app.host_key(id).await }

    /// Pins the key by which a host must prove itself from now on.
    pin_host(id: HostId, key: HostKey) => Host { desktop.app.pin_host(id, vec![key]).await }

    /// Asks a host how it stands, and keeps the answer. Changes nothing there.
    probe_host(id: HostId) => Probe { desktop.app.probe_host(id).await }

    /// Says what taking over a list of hosts would do, and does nothing.
    preview_hosts(list: HostList) => Brought { desktop.preview_hosts(list).await }

    /// Takes over a list of hosts. Connects to none of them.
    import_hosts(list: HostList) => Brought { desktop.import_hosts(list).await }

    /// Lets the user choose a file with a list of hosts; nothing of it is taken over by that.
    choose_host_list() => Option<ListFile> { desktop.choose_host_list().await }

    /// Opens another window with sample data, in a store of its own.
    start_demo() => () { crate::demo::start() }

    /// Opens a link in the system's browser.
    open_link(url: String) => () { desktop.open_link(&url) }
}
