-- A receipt carries the digest of its delivery, so that the table `duplicates`, whose pages lie in no order of time, can
-- be written later, many rows at once and in its order. On PostgreSQL that is done with each receipt, and these stay null.
ALTER TABLE receipts ADD COLUMN digest     BLOB;     -- 16 bytes; null for what is no ordinary, first delivery
ALTER TABLE receipts ADD COLUMN expires_at INTEGER;  -- until when the digest tells repetitions, in seconds

-- How far something has come that is done a little later: `duplicates` holds the digests of receipts up to this `seq`.
CREATE TABLE marks (
  name  TEXT    PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO marks (name, value) SELECT 'duplicates', seq FROM receipts ORDER BY seq DESC LIMIT 1;
