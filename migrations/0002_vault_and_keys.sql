-- The encrypted part. Every sealed value is bound to its place: vault id, table, column, row id; a key
-- also to its `base_url`.

-- One row. `key_check` is a known text sealed by the data key: it tells a wrong key from damage.
-- `generation` counts the data keys that this vault has had. `lock_epoch` counts the locks that someone
-- asked for: an unlock of an earlier one is void, in whichever process it was.
CREATE TABLE vault (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    vault_id    TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    generation  INTEGER NOT NULL DEFAULT 1,
    lock_epoch  INTEGER NOT NULL DEFAULT 0,
    key_check   BLOB    NOT NULL
) STRICT;

-- One way to open the vault each: the data key, wrapped. `kdf` is JSON with the parameters of the
-- passphrase's derivation; they are part of what the wrapping authenticates.
CREATE TABLE vault_slots (
    id           TEXT    NOT NULL PRIMARY KEY,
    kind         TEXT    NOT NULL CHECK (kind IN ('keychain', 'passphrase', 'recovery')),
    generation   INTEGER NOT NULL,
    wrapped      BLOB    NOT NULL,
    kdf          TEXT    CHECK (kdf IS NULL OR json_valid(kdf)),
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT;
CREATE UNIQUE INDEX vault_slots_by_kind ON vault_slots (kind);

-- Keys for a purpose of their own, sealed by the data key, so that renewing the data key rewrites
-- one row and not the history or every fingerprint.
CREATE TABLE vault_keys (
    purpose     TEXT    NOT NULL PRIMARY KEY CHECK (purpose IN ('history', 'fingerprint')),
    sealed      BLOB    NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Stored credentials. `key` is the sealed secret; a deleted key stays as a tombstone without
-- secret and fingerprint, because the ledger still names it.
CREATE TABLE api_keys (
    id            TEXT    NOT NULL PRIMARY KEY,
    name          TEXT    NOT NULL,
    -- The name as it is compared; two names that look alike must not stand for two payers.
    name_folded   TEXT    NOT NULL,
    key           BLOB,
    kind          TEXT    NOT NULL CHECK (kind IN ('api', 'admin')),
    source        TEXT    NOT NULL CHECK (source IN ('manual', 'oauth', 'env', 'import')),
    hint          TEXT    NOT NULL,
    fingerprint   BLOB,
    -- NULL is Anthropic's own API; anything else is a gateway.
    base_url      TEXT,
    organization  TEXT,
    environment   TEXT    NOT NULL DEFAULT '',
    note          TEXT    NOT NULL DEFAULT '',
    colour        TEXT,
    created_at    INTEGER NOT NULL,
    last_used_at  INTEGER,
    -- The newest verdict, when it was asked for, and when a check last found the key good.
    validity      TEXT    NOT NULL DEFAULT 'unchecked' CHECK (validity IN
                  ('unchecked', 'valid', 'no_credit', 'refused', 'not_allowed', 'disabled', 'billing')),
    checked_at    INTEGER,
    valid_at      INTEGER,
    expires_at    INTEGER,
    is_active     INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
    retired_at    INTEGER,
    rotated_to    TEXT    REFERENCES api_keys (id),
    deleted_at    INTEGER,
    CHECK ((deleted_at IS NULL) = (key IS NOT NULL)),
    CHECK (deleted_at IS NULL OR (fingerprint IS NULL AND is_active = 0))
) STRICT;
CREATE UNIQUE INDEX api_keys_by_name ON api_keys (name_folded) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX api_keys_by_fingerprint ON api_keys (fingerprint) WHERE fingerprint IS NOT NULL;
CREATE INDEX api_keys_by_rotation ON api_keys (rotated_to) WHERE rotated_to IS NOT NULL;

CREATE TABLE key_tags (
    key_id      TEXT    NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    tag         TEXT    NOT NULL,
    tag_folded  TEXT    NOT NULL,
    PRIMARY KEY (key_id, tag_folded)
) STRICT, WITHOUT ROWID;
