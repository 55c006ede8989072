-- Ids of vendors' records that stand in what steps were answered: a search for one finds the event behind it.
CREATE TABLE step_records (
  run    TEXT NOT NULL,
  record TEXT NOT NULL,                    -- in lower case
  PRIMARY KEY (run, record)
) STRICT, WITHOUT ROWID;
CREATE INDEX step_records_by_record ON step_records (record);
