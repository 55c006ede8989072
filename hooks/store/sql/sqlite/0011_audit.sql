-- Who changed what, and when. A row is written in the transaction of the change itself, and says how it ended later.
CREATE TABLE audit (
  seq          INTEGER PRIMARY KEY,
  id           TEXT    NOT NULL,
  at           INTEGER NOT NULL,
  who          TEXT    NOT NULL,           -- the name that was given, or '' where none was
  via          TEXT    NOT NULL,           -- api, console, cli or file
  what         TEXT    NOT NULL,           -- runs.retry
  target       TEXT    NOT NULL,           -- an id or a name, or '' where it is about all
  state_before TEXT,                       -- short, in words
  state_after  TEXT,
  outcome      TEXT    NOT NULL            -- begun, done, refused or failed
) STRICT;
CREATE UNIQUE INDEX audit_by_id ON audit (id);
CREATE INDEX audit_by_target ON audit (target, seq);
