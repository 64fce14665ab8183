-- The store itself: what it is, what the user set, what the user agreed to, what was done with keys.
--
-- Throughout: times are INTEGER milliseconds since 1970 UTC, money is INTEGER nano-dollars
-- (1 dollar = 1 000 000 000), sealed values are BLOB, truth is 0 or 1.

-- One row. `zone` is the IANA zone whose days `usage_daily` sums; changing it rebuilds that table.
-- `deletions` counts those whose bytes must not stay in the log, `emptied` those that are gone from it.
-- `pepper` keys the short fingerprint of a credential that is used without a vault.
CREATE TABLE store (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    store_id    TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    zone        TEXT    NOT NULL,
    deletions   INTEGER NOT NULL DEFAULT 0,
    emptied     INTEGER NOT NULL DEFAULT 0,
    pepper      BLOB    NOT NULL CHECK (length(pepper) = 32)
) STRICT;

-- What the user set; what is absent has its default in code. `value` is JSON.
CREATE TABLE settings (
    name        TEXT    NOT NULL PRIMARY KEY,
    value       TEXT    NOT NULL CHECK (json_valid(value)),
    changed_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Acceptances of risk texts. A text is accepted while its newest row with the current hash has no
-- `withdrawn_at`.
CREATE TABLE consents (
    id           INTEGER PRIMARY KEY,
    subject      TEXT    NOT NULL,
    version      TEXT    NOT NULL,
    text_hash    BLOB    NOT NULL CHECK (length(text_hash) = 32),
    face         TEXT    NOT NULL,
    accepted_at  INTEGER NOT NULL,
    withdrawn_at INTEGER
) STRICT;
CREATE INDEX consents_by_subject ON consents (subject, accepted_at);

-- Each time a key was opened or changed: what for, and by which face. Never the key.
CREATE TABLE audit (
    id          INTEGER PRIMARY KEY,
    at          INTEGER NOT NULL,
    act         TEXT    NOT NULL,
    key_id      TEXT,
    face        TEXT    NOT NULL,
    pid         INTEGER,
    purpose     TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX audit_by_key ON audit (key_id, at) WHERE key_id IS NOT NULL;
