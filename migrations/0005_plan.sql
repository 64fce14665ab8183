-- What each login of the user's plan last said of itself: whose it is, and how much is used. Never a token.
CREATE TABLE plan_logins (
    login       TEXT    NOT NULL PRIMARY KEY,
    account     TEXT    CHECK (account IS NULL OR json_valid(account)),
    limits      TEXT    CHECK (limits IS NULL OR json_valid(limits)),
    limits_at   INTEGER
) STRICT, WITHOUT ROWID;
