-- Prompts that are sent as the lines of a file, each a run of its own.

-- The line that a run is for: the first 16 bytes of an HMAC-SHA256 under `store.pepper` over its text, all that
-- goes with it, and how often the same text came before it. Written with the run's first row, so that no line
-- is sent twice in ignorance.
ALTER TABLE runs ADD COLUMN line BLOB CHECK (length(line) = 16);
CREATE INDEX runs_by_line ON runs (line) WHERE line IS NOT NULL;
