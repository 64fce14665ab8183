-- What each run has cost. Sums are kept beside the rows and written in the same transaction, so
-- that no screen has to read the rows.

-- One row for each run. `cost_estimate` is NULL where the price is unknown: never 0.
-- `basis` says what the figure is: `metered` (usage reported by the server × list price),
-- `estimated` (cut off or unreported), `billed` (taken over from a bill), `plan` (what it would
-- have cost; never added to dollars), `extra` (paid usage beyond a plan).
CREATE TABLE key_usage (
    id              INTEGER PRIMARY KEY,
    key_id          TEXT    REFERENCES api_keys (id),
    tokens_used     INTEGER NOT NULL CHECK (tokens_used >= 0),
    cost_estimate   INTEGER CHECK (cost_estimate >= 0),
    timestamp       INTEGER NOT NULL,
    payer           TEXT    NOT NULL,
    run_id          INTEGER REFERENCES runs (id),
    tier            TEXT    NOT NULL,
    model           TEXT    NOT NULL,
    host_id         INTEGER REFERENCES hosts (id),
    environment     TEXT    NOT NULL,
    basis           TEXT    NOT NULL CHECK (basis IN ('metered', 'estimated', 'billed', 'plan', 'extra')),
    input           INTEGER NOT NULL CHECK (input >= 0),
    output          INTEGER NOT NULL CHECK (output >= 0),
    cache_write_5m  INTEGER NOT NULL CHECK (cache_write_5m >= 0),
    cache_write_1h  INTEGER NOT NULL CHECK (cache_write_1h >= 0),
    cache_read      INTEGER NOT NULL CHECK (cache_read >= 0),
    -- Part of `output`, kept to show it.
    thinking        INTEGER NOT NULL DEFAULT 0 CHECK (thinking >= 0),
    web_searches    INTEGER NOT NULL DEFAULT 0 CHECK (web_searches >= 0),
    -- The date of the price table that made the figure.
    priced_as_of    TEXT
) STRICT;
CREATE INDEX key_usage_by_time ON key_usage (timestamp);
-- At most one row for each run, so that nothing is booked twice.
CREATE UNIQUE INDEX key_usage_by_run ON key_usage (run_id) WHERE run_id IS NOT NULL;

-- Sums for each local day of `store.zone` × every dimension. '' and 0 stand for "none", because a
-- key's parts can't be NULL. `day` is days since 1970-01-01.
CREATE TABLE usage_daily (
    day             INTEGER NOT NULL,
    payer           TEXT    NOT NULL,
    key_id          TEXT    NOT NULL,
    tier            TEXT    NOT NULL,
    model           TEXT    NOT NULL,
    host_id         INTEGER NOT NULL,
    environment     TEXT    NOT NULL,
    basis           TEXT    NOT NULL,
    runs            INTEGER NOT NULL,
    -- Rows without a price, which are counted beside every total.
    unpriced        INTEGER NOT NULL,
    cost            INTEGER NOT NULL,
    input           INTEGER NOT NULL,
    output          INTEGER NOT NULL,
    cache_write_5m  INTEGER NOT NULL,
    cache_write_1h  INTEGER NOT NULL,
    cache_read      INTEGER NOT NULL,
    thinking        INTEGER NOT NULL,
    web_searches    INTEGER NOT NULL,
    PRIMARY KEY (day, payer, key_id, tier, model, host_id, environment, basis)
) STRICT, WITHOUT ROWID;

-- Old ledger rows, folded into UTC quarter-hours: every zone's day begins on one of them, so that
-- a later change of zone stays exact. `quarter` is quarter-hours since 1970-01-01 UTC.
CREATE TABLE usage_folded (
    quarter         INTEGER NOT NULL,
    payer           TEXT    NOT NULL,
    key_id          TEXT    NOT NULL,
    tier            TEXT    NOT NULL,
    model           TEXT    NOT NULL,
    host_id         INTEGER NOT NULL,
    environment     TEXT    NOT NULL,
    basis           TEXT    NOT NULL,
    runs            INTEGER NOT NULL,
    unpriced        INTEGER NOT NULL,
    cost            INTEGER NOT NULL,
    input           INTEGER NOT NULL,
    output          INTEGER NOT NULL,
    cache_write_5m  INTEGER NOT NULL,
    cache_write_1h  INTEGER NOT NULL,
    cache_read      INTEGER NOT NULL,
    thinking        INTEGER NOT NULL,
    web_searches    INTEGER NOT NULL,
    PRIMARY KEY (quarter, payer, key_id, tier, model, host_id, environment, basis)
) STRICT, WITHOUT ROWID;

-- Limits on what may be spent. `scope` NULL is everything; else JSON that names dimensions.
CREATE TABLE budgets (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT    NOT NULL,
    scope       TEXT    CHECK (scope IS NULL OR json_valid(scope)),
    period      TEXT    NOT NULL CHECK (period IN ('day', 'week', 'month')),
    limit_nano  INTEGER NOT NULL CHECK (limit_nano >= 0),
    warn_at     INTEGER CHECK (warn_at BETWEEN 1 AND 100),
    on_limit    TEXT    NOT NULL CHECK (on_limit IN ('warn', 'stop')),
    is_active   INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
    created_at  INTEGER NOT NULL
) STRICT;

-- The worst case of every run in flight, so that many at once can't overrun a budget together.
CREATE TABLE reservations (
    run_id      INTEGER NOT NULL PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    amount_nano INTEGER NOT NULL CHECK (amount_nano >= 0),
    created_at  INTEGER NOT NULL
) STRICT;
