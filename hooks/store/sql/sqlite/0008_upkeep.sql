-- Instants that outlive a server: when it was last seen working, and of which moment this database is a copy.
CREATE TABLE moments (
  name TEXT    PRIMARY KEY,
  at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
