-- Who is who: the same person across vendors. A key may belong to several people (a family's phone).

CREATE TABLE people (
  seq          INTEGER PRIMARY KEY,
  id           TEXT    NOT NULL,
  name         TEXT,
  company      TEXT,
  search       TEXT    NOT NULL,           -- name and company in small letters, without accents
  created_at   INTEGER NOT NULL,
  updated_at   INTEGER NOT NULL,
  merged_into  TEXT,                       -- the person that this one turned out to be
  forgotten_at INTEGER
) STRICT;
CREATE UNIQUE INDEX people_by_id ON people (id);
CREATE INDEX people_merged ON people (merged_into) WHERE merged_into IS NOT NULL;

CREATE TABLE person_keys (
  kind       TEXT    NOT NULL,             -- phone (E.164), email (small letters), place (name, street, ZIP code)
  value      TEXT    NOT NULL,
  person     TEXT    NOT NULL,
  origin     TEXT    NOT NULL,             -- the event or run that showed it first
  seen_at    INTEGER NOT NULL,
  PRIMARY KEY (kind, value, person)
) STRICT, WITHOUT ROWID;
CREATE INDEX person_keys_by_person ON person_keys (person);

CREATE TABLE person_records (
  vendor     TEXT    NOT NULL,
  side       TEXT    NOT NULL,             -- source or connection
  account    TEXT    NOT NULL,             -- its name
  kind       TEXT    NOT NULL,             -- customer
  record     TEXT    NOT NULL,             -- the vendor's id
  person     TEXT    NOT NULL,
  confidence INTEGER NOT NULL,             -- in percent
  why        TEXT    NOT NULL,
  origin     TEXT    NOT NULL,
  seen_at    INTEGER NOT NULL,
  PRIMARY KEY (side, account, kind, record)
) STRICT, WITHOUT ROWID;
CREATE INDEX person_records_by_person ON person_records (person);
CREATE INDEX person_records_by_id ON person_records (record);

-- Which events are about whom: what is shown, exported and forgotten with a person.
CREATE TABLE person_events (
  person TEXT NOT NULL,
  event  TEXT NOT NULL,
  PRIMARY KEY (person, event)
) STRICT, WITHOUT ROWID;
CREATE INDEX person_events_by_event ON person_events (event);

-- Pairs that may be one person. one < other as text.
CREATE TABLE person_doubts (
  seq        INTEGER PRIMARY KEY,
  one        TEXT    NOT NULL,
  other      TEXT    NOT NULL,
  confidence INTEGER NOT NULL,             -- in percent
  why        TEXT    NOT NULL,
  origin     TEXT    NOT NULL,
  noticed_at INTEGER NOT NULL,
  state      TEXT    NOT NULL              -- open, or apart: a person has said that they are two
) STRICT;
CREATE UNIQUE INDEX person_doubts_pair ON person_doubts (one, other);
CREATE INDEX person_doubts_other ON person_doubts (other);
CREATE INDEX person_doubts_open ON person_doubts (seq) WHERE state = 'open';

-- Events about somebody that have not been looked at yet.
CREATE TABLE person_queue (
  event TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- Which run is finding or making a person's record at an account: others for the same person wait for it. The key is
-- stored as a digest.
CREATE TABLE person_lanes (
  connection TEXT    NOT NULL,
  digest     BLOB    NOT NULL,
  run        TEXT    NOT NULL,
  until      INTEGER NOT NULL,
  PRIMARY KEY (connection, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX person_lanes_by_run ON person_lanes (run);
