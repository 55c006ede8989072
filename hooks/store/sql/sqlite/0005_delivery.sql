-- What a person has said of a connection: paused or not, and how fast what was held meanwhile goes out again.
CREATE TABLE pauses (
  connection TEXT    PRIMARY KEY,
  paused     INTEGER NOT NULL,
  reason     TEXT,
  drain_ms   INTEGER NOT NULL,             -- between two of the runs that go on after the pause; 0: no more than usual
  changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Live runs (0) go before those that are tried again (1), before replays (2), before those that were in progress in two
-- crashes (3), which are carried out one at a time.
ALTER TABLE runs ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
-- In how many crashes in a row it was in progress.
ALTER TABLE runs ADD COLUMN crashes INTEGER NOT NULL DEFAULT 0;
-- The run that this one repeats, and the generation of its idempotency keys: its own only where it is to act again.
ALTER TABLE runs ADD COLUMN replay_of TEXT;
ALTER TABLE runs ADD COLUMN key_generation INTEGER NOT NULL DEFAULT 0;
DROP INDEX runs_due;
CREATE INDEX runs_due ON runs (connection, priority, due_at, seq) WHERE state = 'waiting';
CREATE INDEX runs_held ON runs (connection, reason, seq) WHERE state = 'held';

-- How often the program ended while the events of a receipt were being made.
ALTER TABLE receipts ADD COLUMN crashes INTEGER NOT NULL DEFAULT 0;

-- What we wrote at a vendor a short while ago: a webhook about the same record with the same values is our own echo.
-- Values are digests.
CREATE TABLE echoes (
  vendor     TEXT    NOT NULL,
  record     TEXT    NOT NULL,             -- the vendor's id
  run        TEXT    NOT NULL,             -- who wrote it
  fields     TEXT    NOT NULL,             -- a JSON object: name -> digest of the value
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (vendor, record, run)
) STRICT, WITHOUT ROWID;
CREATE INDEX echoes_by_end ON echoes (expires_at);

-- How often a rule has fired for a record that we write to ourselves.
CREATE TABLE firings (
  rule       TEXT    NOT NULL,
  record     TEXT    NOT NULL,
  since      INTEGER NOT NULL,
  fired      INTEGER NOT NULL,
  PRIMARY KEY (rule, record)
) STRICT, WITHOUT ROWID;

-- The run that caused an event, where it is known, and how many events were caused one by another before it.
ALTER TABLE events ADD COLUMN cause TEXT;
ALTER TABLE events ADD COLUMN depth INTEGER NOT NULL DEFAULT 0;
