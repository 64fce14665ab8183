-- Prompts that are sent as the lines of a file, each a run of its own.

-- The line that a run is for: the first 16 bytes of an HMAC-SHA256 under `store.pepper` over its text, all that
-- goes with it, and how often the same text came before it. Written with the run's first row, so that no line
-- is sent twice in ignorance.
ALTER TABLE runs ADD COLUMN line BLOB CHECK (length(line) = 16);
-- The ledger had a row for the run when it ended. The row itself is folded after a while, and then its line must
-- still not be sent again by itself.
ALTER TABLE runs ADD COLUMN is_billed INTEGER NOT NULL DEFAULT 0 CHECK (is_billed IN (0, 1));
CREATE INDEX runs_by_line ON runs (line) WHERE line IS NOT NULL;
