//! The demo's plan: made-up logins, in folders of the demo's own.

use std::path::Path;

use crate::claude::Account;
use crate::db::{Db, private_folder, write_private};
use crate::error::{Error, Result};
use crate::plan::{self, Place, PlanLogin};

/// The login that is used.
const LOGIN: &str = "sample";

/// One whose account is not the one of its last run: what is sent through it shows how a mismatch looks.
const CHANGED: &str = "sample, changed hands";

/// One with which nobody is logged in.
const LOGGED_OUT: &str = "sample, logged out";

/// Far in the future, in milliseconds since 1970: nothing renews a made-up login.
const EXPIRES_AT: u64 = 4_102_444_800_000;

/// Makes logins of `claude` that bill nobody, and no others of this store.
///
/// # Errors
/// [`Code::StoreUnwritable`](crate::error::Code::StoreUnwritable) when they can't be written.
pub(super) async fn log_in(db: &Db) -> Result<()> {
    let mut logins = Vec::new();
    for (name, folder) in [
        (LOGIN, "login"),
        (CHANGED, "login-changed"),
        (LOGGED_OUT, "login-none"),
    ] {
        let folder = db.paths().data().join(folder);
        private_folder(&folder)?;
        if name != LOGGED_OUT {
            write_login(&folder)?;
        }
        logins.push(PlanLogin {
            name: name.to_owned(),
            place: Place::Folder { folder },
        });
    }
    let former = Account {
        plan: Some("Claude Pro".to_owned()),
        provider: Some("firstParty".to_owned()),
        ..Account::default()
    };
    db.write(move |store| {
        let now = crate::clock::Millis(0);
        plan::LOGINS.set(store, &logins, now)?;
        plan::note_account(store, CHANGED, &former)?;
        plan::select(store, LOGIN, now).map(drop)
    })
    .await
}

/// Writes a login as the CLI keeps one, as it was seen with CLI 2.1.330; the tokens are made up here and now,
/// and known to no server.
fn write_login(folder: &Path) -> Result<()> {
    let made = |kind: &str| {
        let id = uuid::Uuid::now_v7().simple();
        format!("sk-ant-{kind}-simulated-{id}")
    };
    let login = serde_json::json!({ "claudeAiOauth": {
        "accessToken": made("oat01"),
        "refreshToken": made("ort01"),
        "expiresAt": EXPIRES_AT,
        "scopes": ["user:inference", "user:profile"],
        "subscriptionType": "max",
    }});
    write_private(
        &folder.join(".credentials.json"),
        login.to_string().as_bytes(),
    )
    .map_err(|e| Error::failed("The sample login could not be made.").because(e))
}
