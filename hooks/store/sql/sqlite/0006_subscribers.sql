-- Who outside is told of which events, and where. The address is as good as a key: it is shown to nobody.
CREATE TABLE subscribers (
  id         TEXT    NOT NULL PRIMARY KEY,
  source     TEXT    NOT NULL,
  event      TEXT    NOT NULL,
  url        TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX subscribers_by_address ON subscribers (source, event, url);
