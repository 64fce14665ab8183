-- Which way each class of work takes, and what may take its place.

-- One row for each destination. Position 0 is where a class goes first; the others are its fallbacks, in
-- the order in which they are looked at, each for one cause. `destination` is JSON: tier, payer, model,
-- effort.
CREATE TABLE routing (
    class       TEXT    NOT NULL CHECK (class IN ('interactive', 'planning', 'review', 'chat', 'task')),
    position    INTEGER NOT NULL CHECK (position >= 0),
    cause       TEXT    CHECK (cause IN
                ('plan_limit', 'rate_limited', 'overloaded', 'host_down', 'unavailable')),
    destination TEXT    NOT NULL CHECK (json_valid(destination)),
    changed_at  INTEGER NOT NULL,
    PRIMARY KEY (class, position),
    CHECK ((position = 0) = (cause IS NULL))
) STRICT, WITHOUT ROWID;

-- What the user allowed beforehand: that somebody else pays. `version` stands for class, cause, and from
-- and to whom, exactly; a fallback is allowed while a row with its version has no `withdrawn_at`. `says`
-- is the sentence that was shown.
CREATE TABLE fallback_allowances (
    id           INTEGER PRIMARY KEY,
    class        TEXT    NOT NULL,
    version      TEXT    NOT NULL,
    says         TEXT    NOT NULL,
    face         TEXT    NOT NULL,
    allowed_at   INTEGER NOT NULL,
    withdrawn_at INTEGER
) STRICT;
CREATE INDEX fallback_allowances_by_version ON fallback_allowances (version) WHERE withdrawn_at IS NULL;

-- A run that a fallback began: the run in whose place it stands (NULL where none had begun), why, and who
-- would have paid.
ALTER TABLE runs ADD COLUMN fallback_of INTEGER REFERENCES runs (id);
ALTER TABLE runs ADD COLUMN fallback_cause TEXT;
ALTER TABLE runs ADD COLUMN fallback_from TEXT;
CREATE INDEX runs_by_fallback ON runs (fallback_of) WHERE fallback_of IS NOT NULL;
