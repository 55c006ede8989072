-- Connections that are left alone, where several servers share what they find out: until when, and why.
CREATE TABLE breakers (
  connection TEXT    PRIMARY KEY,
  until      INTEGER NOT NULL,             -- from then on one server may try whether it works again
  reason     TEXT    NOT NULL,
  refused    INTEGER NOT NULL              -- 1: credentials or rights were refused
) STRICT, WITHOUT ROWID;
