-- Remote boxes of the farm. Runs and the ledger name them for good, so one that is removed stays as a
-- row with its name.
CREATE TABLE hosts (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT    NOT NULL,
    -- The name as it is compared; two names that look alike must not stand for two boxes.
    name_folded   TEXT    NOT NULL,
    -- `[user@]host`, as ssh takes it. Checked again each time it is used.
    destination   TEXT    NOT NULL,
    port          INTEGER CHECK (port BETWEEN 1 AND 65535),
    identity_file TEXT,
    slots         INTEGER NOT NULL DEFAULT 1 CHECK (slots BETWEEN 1 AND 1024),
    -- A systemd unit whose state the probe tells.
    service_unit  TEXT,
    -- The key that runs there are paid with, where none is named; NULL for the active one.
    key_id        TEXT    REFERENCES api_keys (id),
    -- A program there that brings the box's own key: then none is sent.
    own_command   TEXT,
    labels        TEXT    NOT NULL DEFAULT '[]' CHECK (json_valid(labels)),
    -- How work is placed on a cluster behind this host; NULL for the host itself.
    slurm         TEXT    CHECK (slurm IS NULL OR json_valid(slurm)),
    -- The pinned keys, as `TYPE BASE64` each; nothing is sent to a box that shows another one.
    host_keys     TEXT    NOT NULL DEFAULT '[]' CHECK (json_valid(host_keys)),
    pinned_at     INTEGER,
    is_paused     INTEGER NOT NULL DEFAULT 0 CHECK (is_paused IN (0, 1)),
    -- Failures in a row, what the last one was, and until when no run is placed there by itself.
    failures      INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0),
    last_failure  TEXT    CHECK (last_failure IS NULL OR json_valid(last_failure)),
    rests_until   INTEGER,
    probed_at     INTEGER,
    probe         TEXT    CHECK (probe IS NULL OR json_valid(probe)),
    source        TEXT    NOT NULL DEFAULT 'manual' CHECK (source IN ('manual', 'ssh_config', 'ec2')),
    -- What the box is called where it was imported from, such as `i-0abc`, and since when it is not
    -- there any more.
    origin        TEXT,
    -- Where the list said last that it is, which tells what the user has set since; and the tag that it was
    -- asked for with.
    origin_destination TEXT,
    origin_tag    TEXT,
    gone_at       INTEGER,
    created_at    INTEGER NOT NULL,
    deleted_at    INTEGER,
    CHECK (key_id IS NULL OR own_command IS NULL)
) STRICT;
CREATE UNIQUE INDEX hosts_by_name ON hosts (name_folded) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX hosts_by_origin ON hosts (source, origin) WHERE deleted_at IS NULL AND origin IS NOT NULL;
