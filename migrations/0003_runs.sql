-- Prompts on their way to a model, and where they can go.

-- Runs that continue one another.
CREATE TABLE conversations (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    created_at  INTEGER NOT NULL,
    title       BLOB
) STRICT;

-- One prompt through one tier. The row is committed before the request leaves; a row still
-- `started` whose `owner` is gone is booked as estimated, never dropped.
CREATE TABLE runs (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation_id INTEGER NOT NULL REFERENCES conversations (id),
    reply_to        INTEGER REFERENCES runs (id),
    -- Names the locked file of the process that works on it.
    owner           TEXT    NOT NULL,
    face            TEXT    NOT NULL,
    state           TEXT    NOT NULL CHECK (state IN ('started', 'finished', 'failed', 'cancelled', 'lost')),
    tier            TEXT    NOT NULL CHECK (tier IN ('subscription', 'metered', 'farm')),
    class           TEXT    NOT NULL DEFAULT 'interactive',
    model           TEXT    NOT NULL,
    model_served    TEXT,
    key_id          TEXT    REFERENCES api_keys (id),
    -- Who is billed: `key:ID`, `env:NAME:LAST4:FINGERPRINT`, `env-file:FILE:…`, `plan:…` or `host:ID`.
    payer           TEXT    NOT NULL,
    payer_label     TEXT    NOT NULL,
    -- What the server or the CLI said of the credential that it was given.
    proof           TEXT,
    host_id         INTEGER REFERENCES hosts (id),
    environment     TEXT    NOT NULL DEFAULT '',
    started_at      INTEGER NOT NULL,
    finished_at     INTEGER,
    first_token_ms  INTEGER,
    attempts        INTEGER NOT NULL DEFAULT 1,
    max_tokens      INTEGER,
    -- The prompt's size as it was estimated, so that a run cut off by a crash can be booked.
    input_estimate  INTEGER NOT NULL DEFAULT 0,
    worst_case_nano INTEGER,
    stop_reason     TEXT,
    request_id      TEXT,
    error_code      TEXT,
    -- What went wrong in words, the server's own among them, which may repeat the prompt: sealed.
    error_text      BLOB,
    -- Sealed by the history key; NULL where the history is off or has been cleared.
    system          BLOB,
    prompt          BLOB,
    answer          BLOB
) STRICT;
CREATE INDEX runs_by_conversation ON runs (conversation_id, id);
CREATE INDEX runs_by_reply ON runs (reply_to) WHERE reply_to IS NOT NULL;
CREATE INDEX runs_in_flight ON runs (owner) WHERE state = 'started';

-- Files that went with a prompt, sealed like it.
CREATE TABLE run_attachments (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id      INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    position    INTEGER NOT NULL,
    media_type  TEXT    NOT NULL,
    name        BLOB,
    body        BLOB,
    UNIQUE (run_id, position)
) STRICT;

-- What each server last said of its models; a gateway has a list of its own.
CREATE TABLE models (
    base_url      TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    position      INTEGER NOT NULL,
    display_name  TEXT    NOT NULL,
    lifecycle     TEXT,
    max_input     INTEGER,
    max_output    INTEGER,
    fetched_at    INTEGER NOT NULL,
    PRIMARY KEY (base_url, id)
) STRICT, WITHOUT ROWID;
