-- How much happened in each minute, for charts and for noticing that a source has gone silent. `kind` is receipt.<verdict>
-- with the source as its name, or run.<state> with the connection. `shard` is the counting server, where there are several.
CREATE TABLE traffic (
  minute INTEGER NOT NULL,
  kind   TEXT    NOT NULL,
  name   TEXT    NOT NULL,
  shard  INTEGER NOT NULL,
  number INTEGER NOT NULL,
  PRIMARY KEY (minute, kind, name, shard)
) STRICT, WITHOUT ROWID;
