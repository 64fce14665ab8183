//! Each house with each way to pay, and what is expected of it. A house is named by what its row of
//! the table of who pays is about.

use switchyard_core::Code;

/// Holds a token of a plan in every house, under a name that no other program knows.
pub(super) const TOKEN_VARIABLE: &str = "PLAN_TOKEN_OF_THE_TEST";
/// Holds an API key in every house, under a name that no other program knows.
pub(super) const KEY_VARIABLE: &str = "KEY_OF_THE_TEST";

/// Who shall pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// The plan, by the login of the CLI itself.
    Login,
    /// The plan, by the login in a configuration folder, which has hostile settings of its own.
    Folder,
    /// The plan, by the token in this variable.
    Token(&'static str),
    /// The key that is stored.
    Stored,
    /// The key in this variable.
    Variable(&'static str),
}

/// What comes of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Is {
    /// One request, with this credential alone.
    Paid(&'static str),
    /// Nothing is sent, for this reason.
    Refused(Code, &'static str),
}

/// One row.
pub(super) struct Row {
    pub(super) house: &'static str,
    pub(super) by: By,
    pub(super) is: Is,
}

const fn row(house: &'static str, by: By, is: Is) -> Row {
    Row { house, by, is }
}

use By::{Folder, Login, Stored, Token, Variable};
use Is::{Paid, Refused};

const LOGIN: Is = Paid("bearer=login");
const FOLDER: Is = Paid("bearer=F");
const TOKEN: Is = Paid("bearer=V");
const STORED: Is = Paid("key=S");
const NOT_LOGGED_IN: Is = Refused(Code::KeyRefused, "not logged in");
const NOT_SET: Is = Refused(Code::NotFound, "not set");
const OTHER_KEY: Is = Refused(Code::WrongPayer, "billed an API key");
const OTHER_TOKEN: Is = Refused(Code::WrongPayer, "billed a token");
const MANAGED_SERVER: Is = Refused(Code::WrongPayer, "settings set ANTHROPIC_BASE_URL");
const MANAGED_HEADERS: Is = Refused(Code::WrongPayer, "settings set ANTHROPIC_CUSTOM_HEADERS");
const A_CLOUD: Is = Refused(Code::WrongPayer, "billed the provider");

const MINE: By = Token(TOKEN_VARIABLE);
const OAUTH: By = Token("CLAUDE_CODE_OAUTH_TOKEN");
const API: By = Variable("ANTHROPIC_API_KEY");
const AUTH: By = Variable("ANTHROPIC_AUTH_TOKEN");
const OWN: By = Variable(KEY_VARIABLE);

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    // The login of the CLI, with what would be billed before it all around.
    row("login", Login, LOGIN),
    row("key + login", Login, LOGIN),
    row("auth token + login", Login, LOGIN),
    row("token + login", Login, LOGIN),
    row("all four", Login, LOGIN),
    row("empty key + login", Login, LOGIN),
    row("server + login", Login, LOGIN),
    row("server + key + login", Login, LOGIN),
    row("key header + login", Login, LOGIN),
    row("auth header + login", Login, LOGIN),
    row("headers of a project's settings + login", Login, LOGIN),
    row("user empty token hides process token", Login, LOGIN),
    row("user token + login", Login, LOGIN),
    row("user server + login", Login, LOGIN),
    row("project key + login", Login, LOGIN),
    row("local key + login", Login, LOGIN),
    row("project auth token + login", Login, LOGIN),
    row("project token comes too late", Login, LOGIN),
    row("project server + login", Login, LOGIN),
    row(".env is not read", Login, LOGIN),
    row(".env with everything + login", Login, LOGIN),
    row("helper + login", Login, LOGIN),
    row("project helper + login", Login, LOGIN),
    row("profile + login", Login, LOGIN),
    row("user profile + login", Login, LOGIN),
    row("federation + profile", Login, LOGIN),
    row("bare + login", Login, LOGIN),
    row("user bare + login", Login, LOGIN),
    row("host + login", Login, LOGIN),
    row("Bedrock + key + login", Login, LOGIN),
    row("Foundry over Vertex", Login, LOGIN),
    row("every cloud + login", Login, LOGIN),
    row("another configuration folder + login", Login, LOGIN),
    row("everything at once", Login, LOGIN),
    // Where there is none, nothing else takes its place.
    row("nothing", Login, NOT_LOGGED_IN),
    row("key", Login, NOT_LOGGED_IN),
    row("auth token", Login, NOT_LOGGED_IN),
    row("token", Login, NOT_LOGGED_IN),
    row("helper", Login, NOT_LOGGED_IN),
    row("key header alone", Login, NOT_LOGGED_IN),
    row("Bedrock in the user's settings + key", Login, NOT_LOGGED_IN),
    row("Console key", Login, OTHER_KEY),
    // A plain `claude` would use the login here, but says that there is a key: nothing is proved then.
    row("Console key + login", Login, OTHER_KEY),
    row("everything at once + Console key", Login, OTHER_KEY),
    // The state file lies where the login is.
    row("state file's key + login", Login, LOGIN),
    row("state file's token + login", Login, LOGIN),
    row("state file's headers + login", Login, LOGIN),
    row("state file's server + login", Login, LOGIN),
    row("state file's Bedrock + login", Login, LOGIN),
    // Nobody can keep managed settings from the CLI.
    row("managed empty key hides process key", Login, LOGIN),
    row("managed with a wrong type counts", Login, OTHER_KEY),
    row("managed token + login", Login, OTHER_TOKEN),
    row("managed auth token + login", Login, OTHER_TOKEN),
    row("managed helper + login", Login, OTHER_KEY),
    row("managed Bedrock + login", Login, A_CLOUD),
    row("managed server + login", Login, MANAGED_SERVER),
    row("managed headers + login", Login, MANAGED_HEADERS),
    row("managed that can't be parsed stops the CLI", Login, Refused(Code::Failed, "claude")),
    // A login in a folder of its own.
    row("nothing", Folder, FOLDER),
    row("key", Folder, FOLDER),
    row("auth token", Folder, FOLDER),
    row("token", Folder, FOLDER),
    row("login", Folder, FOLDER),
    row("all four", Folder, FOLDER),
    row("helper", Folder, FOLDER),
    row("auth header + key", Folder, FOLDER),
    row("Console key + login", Folder, FOLDER),
    row("project key + login", Folder, FOLDER),
    row("profile + login", Folder, FOLDER),
    row("bare + key", Folder, FOLDER),
    row("Vertex + key + login", Folder, FOLDER),
    row("another configuration folder + login", Folder, FOLDER),
    row("everything at once", Folder, FOLDER),
    row("managed over all", Folder, OTHER_KEY),
    row("managed token + login", Folder, OTHER_TOKEN),
    row("managed headers + login", Folder, MANAGED_HEADERS),
    // A token.
    row("nothing", MINE, TOKEN),
    row("key", MINE, TOKEN),
    row("auth token", MINE, TOKEN),
    row("token", MINE, TOKEN),
    row("login", MINE, TOKEN),
    row("all four", MINE, TOKEN),
    row("key header + token", MINE, TOKEN),
    row("server + token", MINE, TOKEN),
    row("user token over process token", MINE, TOKEN),
    row("project token + process token", MINE, TOKEN),
    row("helper + token", MINE, TOKEN),
    row("Console key + token", MINE, TOKEN),
    row("profile + token", MINE, TOKEN),
    row("federation + token", MINE, TOKEN),
    row("bare + token", MINE, TOKEN),
    row("host + token", MINE, TOKEN),
    row("Bedrock in a project's settings + key", MINE, TOKEN),
    row("everything at once", MINE, TOKEN),
    row("managed over all", MINE, OTHER_KEY),
    row("managed token + login", MINE, Refused(Code::WrongPayer, "settings set CLAUDE_CODE_OAUTH_TOKEN")),
    row("managed server + login", MINE, MANAGED_SERVER),
    row("managed headers + login", MINE, MANAGED_HEADERS),
    row("managed Bedrock + login", MINE, A_CLOUD),
    row("state file's token + login", MINE, TOKEN),
    row("state file's headers + login", MINE, TOKEN),
    row("state file's server + login", MINE, TOKEN),
    row("everything at once + Console key", MINE, TOKEN),
    row("token", OAUTH, Paid("bearer=T")),
    row("token + login", OAUTH, Paid("bearer=T")),
    row("all four", OAUTH, Paid("bearer=T")),
    row("everything at once", OAUTH, Paid("bearer=T")),
    row("login", OAUTH, Refused(Code::BadInput, "not set")),
    row("empty token + login", OAUTH, Refused(Code::BadInput, "not set")),
    row(".env with everything + login", OAUTH, Refused(Code::BadInput, "not set")),
    row("key", Token("ANTHROPIC_API_KEY"), Refused(Code::BadInput, "API key")),
    row("auth token", Token("ANTHROPIC_AUTH_TOKEN"), Refused(Code::BadInput, "API key")),
    // A stored key.
    row("nothing", Stored, STORED),
    row("key", Stored, STORED),
    row("login", Stored, STORED),
    row("all four", Stored, STORED),
    row("auth header + key", Stored, STORED),
    row("helper + key", Stored, STORED),
    row("profile + key", Stored, STORED),
    row("host + key", Stored, STORED),
    row("Bedrock + key + login", Stored, STORED),
    row("project server + login", Stored, STORED),
    row("managed over all", Stored, STORED),
    row("everything at once", Stored, STORED),
    // The key in a variable.
    row("nothing", OWN, Paid("key=W")),
    row("all four", OWN, Paid("key=W")),
    row("key header + key", OWN, Paid("key=W")),
    row("everything at once", OWN, Paid("key=W")),
    row("key", API, Paid("key=K")),
    row("key + login", API, Paid("key=K")),
    row("key with spaces around it", API, Paid("key=K")),
    row("user key over process key", API, Paid("key=K2")),
    row("project empty key hides process key", API, Paid("key=K")),
    row("everything at once", API, Paid("key=K")),
    row("auth token", AUTH, Paid("key=G")),
    row("all four", AUTH, Paid("key=G")),
    row("empty key", API, NOT_SET),
    row("blank key + login", API, NOT_SET),
    row(".env is not read", API, NOT_SET),
    row("project key + login", API, NOT_SET),
    row("token", Variable("CLAUDE_CODE_OAUTH_TOKEN"), Refused(Code::BadInput, "subscription")),
];
