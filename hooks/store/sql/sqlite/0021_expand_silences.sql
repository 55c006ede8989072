-- Sources whose silence is watched (`quiet_after`). `since`: when its sender was last heard or, before that, when it was
-- first configured; it is moved along when the clock is set, and by the time in which no server ran.
CREATE TABLE silences (
  source   TEXT    PRIMARY KEY,
  since    INTEGER NOT NULL,
  seq      INTEGER NOT NULL,            -- receipts up to this one have been taken into account
  heard_at INTEGER,                     -- when the last sign of life came, by its receipt; NULL: there has been none
  told     INTEGER NOT NULL             -- 1: that it is quiet has been told, and nothing has come since
) STRICT, WITHOUT ROWID;
