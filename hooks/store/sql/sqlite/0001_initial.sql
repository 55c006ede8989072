-- Instants are integer milliseconds since 1970 UTC. Documents are JSON text. Ids are text with their prefix; `seq` is the
-- order of arrival and what other rows of the same table are listed by.

CREATE TABLE receipts (
  seq          INTEGER PRIMARY KEY,
  id           TEXT    NOT NULL,
  source       TEXT    NOT NULL,
  vendor       TEXT    NOT NULL,
  received_at  INTEGER NOT NULL,
  verdict      TEXT    NOT NULL,
  path         TEXT    NOT NULL,
  query        TEXT    NOT NULL,
  headers      TEXT    NOT NULL,
  body         BLOB    NOT NULL,
  events       INTEGER NOT NULL,
  reason       TEXT,
  duplicate_of TEXT,
  pending      INTEGER NOT NULL            -- 1: its events have not been made yet
) STRICT;
CREATE UNIQUE INDEX receipts_by_id ON receipts (id);
CREATE INDEX receipts_pending ON receipts (seq) WHERE pending = 1;
CREATE INDEX receipts_not_accepted ON receipts (verdict, seq) WHERE verdict <> 'accepted';

-- Who has been here already: the digest of a delivery (16 bytes) and the receipt that was first (the 16 bytes of its
-- id), kept small because its pages are written at random places. Here an instant is in seconds.
CREATE TABLE duplicates (
  digest     BLOB    PRIMARY KEY,
  receipt    BLOB    NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  seq           INTEGER PRIMARY KEY,
  id            TEXT    NOT NULL,
  type          TEXT    NOT NULL,
  source        TEXT    NOT NULL,
  vendor        TEXT    NOT NULL,
  vendor_type   TEXT    NOT NULL,
  receipt       TEXT    NOT NULL,
  subject       TEXT,
  time          TEXT    NOT NULL,
  received_at   TEXT    NOT NULL,
  data          TEXT    NOT NULL,
  raw           TEXT    NOT NULL,
  flag          TEXT,
  state         TEXT    NOT NULL,          -- matched or unmatched
  rules_version TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX events_by_id ON events (id);
CREATE INDEX events_by_type ON events (type, seq);

-- Each rule file that was ever in force, so that a run ends with the rules it began with.
CREATE TABLE rule_sets (
  version   TEXT    PRIMARY KEY,
  loaded_at INTEGER NOT NULL,
  files     TEXT    NOT NULL               -- a JSON object: name -> text
) STRICT;

CREATE TABLE runs (
  seq           INTEGER PRIMARY KEY,
  id            TEXT    NOT NULL,
  event         TEXT    NOT NULL,
  rule          TEXT    NOT NULL,
  rules_version TEXT    NOT NULL,
  generation    INTEGER NOT NULL,          -- 0 for the first, counted up by replays that act again
  state         TEXT    NOT NULL,
  reason        TEXT,
  connection    TEXT    NOT NULL,          -- the account that the next step acts in: each has its own queue
  due_at        INTEGER NOT NULL,
  created_at    INTEGER NOT NULL,
  finished_at   INTEGER,
  attempts      INTEGER NOT NULL,
  owner         TEXT,
  lease_until   INTEGER,
  fence         INTEGER NOT NULL           -- counted up by each claim: a late result of an old owner does not fit
) STRICT;
CREATE UNIQUE INDEX runs_by_id ON runs (id);
CREATE UNIQUE INDEX runs_once ON runs (event, rule, generation);
CREATE INDEX runs_due ON runs (connection, due_at, seq) WHERE state = 'waiting';
CREATE INDEX runs_leased ON runs (lease_until) WHERE state = 'running';
CREATE INDEX runs_kept ON runs (state, seq) WHERE state IN ('held', 'failed', 'skipped');
CREATE INDEX runs_by_rule ON runs (rule, seq);

CREATE TABLE steps (
  run         TEXT    NOT NULL,
  position    INTEGER NOT NULL,
  id          TEXT    NOT NULL,
  action      TEXT    NOT NULL,
  connection  TEXT    NOT NULL,
  state       TEXT    NOT NULL,
  inputs      TEXT,                        -- frozen at the first intent
  request     TEXT,                        -- frozen at the first intent, without credentials
  output      TEXT,
  error       TEXT,
  tries       INTEGER NOT NULL,
  intended_at INTEGER,
  finished_at INTEGER,
  PRIMARY KEY (run, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
  seq         INTEGER PRIMARY KEY,
  id          TEXT    NOT NULL,
  run         TEXT    NOT NULL,
  position    INTEGER NOT NULL,
  number      INTEGER NOT NULL,
  started_at  INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  verdict     TEXT    NOT NULL,
  status      INTEGER,
  error       TEXT,
  exchanges   TEXT    NOT NULL
) STRICT;
CREATE INDEX attempts_by_run ON attempts (run, seq);

-- `once_per`: which run acted for a key, and until when others are skipped. The key is stored as a digest.
CREATE TABLE onces (
  rule       TEXT    NOT NULL,
  digest     BLOB    NOT NULL,
  run        TEXT    NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (rule, digest)
) STRICT, WITHOUT ROWID;

-- Totals, kept in the transaction that changes what they count.
CREATE TABLE counters (
  name  TEXT    PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
