-- What lists and searches go along, so that they take no longer with a million events than with a thousand.
CREATE INDEX events_by_source  ON events (source, seq);
CREATE INDEX events_by_state   ON events (state, seq);
CREATE INDEX events_by_time    ON events (received_at, seq);
CREATE INDEX events_by_subject ON events (subject);
CREATE INDEX receipts_by_source ON receipts (source, seq);
CREATE INDEX receipts_by_time   ON receipts (received_at, seq);
