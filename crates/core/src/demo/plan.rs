//! The demo's plan: a made-up login, in a folder of the demo's own.

use crate::db::{Db, private_folder, write_private};
use crate::error::{Error, Result};
use crate::plan::{self, Place, PlanLogin};

/// What the sample login is called.
const LOGIN: &str = "sample";

/// Far in the future, in milliseconds since 1970: nothing renews a made-up login.
const EXPIRES_AT: u64 = 4_102_444_800_000;

/// Makes a login of `claude` that bills nobody, and the only one of this store. The CLI's own form of it,
/// as it was seen with CLI 2.1.330; the tokens are made up here and now, and known to no server.
///
/// # Errors
/// [`Code::StoreUnwritable`](crate::error::Code::StoreUnwritable) when it can't be written.
pub(super) async fn log_in(db: &Db) -> Result<()> {
    let folder = db.paths().data().join("login");
    private_folder(&folder)?;
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
    .map_err(|e| Error::failed("The sample login could not be made.").because(e))?;
    let logins = vec![PlanLogin {
        name: LOGIN.to_owned(),
        place: Place::Folder { folder },
    }];
    db.write(move |store| {
        let now = crate::clock::Millis(0);
        plan::LOGINS.set(store, &logins, now)?;
        plan::select(store, LOGIN, now).map(drop)
    })
    .await
}
