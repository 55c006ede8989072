-- When a run may begin, by the keys `throttle`, `debounce`, `in_order_by` and `expect` of its rule. The keys of these
-- columns and tables are digests of the rule and of the value of its `by`.
ALTER TABLE runs ADD COLUMN behind   TEXT;     -- the lane, gate or burst it waits behind: then it is waiting, and no claim sees it
ALTER TABLE runs ADD COLUMN lane     TEXT;     -- in_order_by
ALTER TABLE runs ADD COLUMN on_stuck TEXT;     -- wait or skip, with a lane
ALTER TABLE runs ADD COLUMN gate     TEXT;     -- throttle, until it has been let through
ALTER TABLE runs ADD COLUMN burst    TEXT;     -- debounce, until the run that stands for all begins
ALTER TABLE runs ADD COLUMN expects  TEXT;     -- expect, until it begins
ALTER TABLE runs ADD COLUMN deadline INTEGER;  -- until when the expected event may come

DROP INDEX runs_due;
CREATE INDEX runs_due ON runs (connection, priority, due_at, seq) WHERE state = 'waiting' AND behind IS NULL;
CREATE INDEX runs_behind ON runs (behind, event, seq) WHERE behind IS NOT NULL;
CREATE INDEX runs_expecting ON runs (expects, deadline) WHERE expects IS NOT NULL;

-- Whose turn it is. A lane that nobody is in has no row.
CREATE TABLE lanes (
  lane TEXT PRIMARY KEY,
  run  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Bursts that have not settled: the run that stands for all so far, and the one that did before.
CREATE TABLE bursts (
  burst    TEXT    PRIMARY KEY,
  run      TEXT    NOT NULL,
  previous TEXT,
  deadline INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How many have begun behind each throttle, and when the last of them did: as many as its limit are kept.
CREATE TABLE gates (
  gate     TEXT    PRIMARY KEY,
  number   INTEGER NOT NULL,
  opens_at INTEGER,                        -- when there is room again, while runs wait behind it
  idle_at  INTEGER NOT NULL                -- from when on nothing needs to be known of it
) STRICT, WITHOUT ROWID;
CREATE INDEX gates_opening ON gates (opens_at) WHERE opens_at IS NOT NULL;
CREATE INDEX gates_idle ON gates (idle_at) WHERE opens_at IS NULL;
CREATE TABLE starts (
  gate   TEXT    NOT NULL,
  number INTEGER NOT NULL,
  at     INTEGER NOT NULL,
  PRIMARY KEY (gate, number)
) STRICT, WITHOUT ROWID;
