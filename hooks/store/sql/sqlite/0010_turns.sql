-- When the next call of a connection may leave, where several servers share its rate.
CREATE TABLE turns (
  connection TEXT    PRIMARY KEY,
  next_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
