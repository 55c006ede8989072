-- Access tokens of connections, where several servers share them: sealed with a key that is made of the credentials that
-- they were fetched with, which are in no table.
CREATE TABLE tokens (
  account     TEXT    PRIMARY KEY,         -- a digest of those credentials
  number      INTEGER NOT NULL,            -- counted up by each token; 0: there has been none
  sealed      BLOB,
  good_until  INTEGER NOT NULL,            -- from then on a new one is wanted
  fetcher     TEXT,                        -- the server that fetches the next one
  fetch_until INTEGER                      -- from then on another may
) STRICT, WITHOUT ROWID;
