-- Files whose lines are sent one by one, each line a run of its own.

-- `identity` stands for the file and for all that goes with each of its lines (HMAC-SHA256 under
-- `store.pepper`): the same again goes on where it stood. `owner` names the locked file of the process
-- that works on it.
CREATE TABLE line_jobs (
    id          INTEGER PRIMARY KEY,
    identity    BLOB    NOT NULL CHECK (length(identity) = 32),
    owner       TEXT,
    created_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX line_jobs_by_identity ON line_jobs (identity, id);

-- The line that a run is for, counted from 1: written with the run's first row, so that no line is sent
-- twice in ignorance.
ALTER TABLE runs ADD COLUMN line_job INTEGER REFERENCES line_jobs (id);
ALTER TABLE runs ADD COLUMN line INTEGER;
CREATE INDEX runs_by_line ON runs (line_job, line) WHERE line_job IS NOT NULL;
