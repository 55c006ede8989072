-- Dead letters that nobody has given up: what a person still has to look at, among any number of those that are settled.
CREATE INDEX runs_open ON runs (seq)
  WHERE state = 'failed' AND substr(coalesce(reason, ''), 1, 21) <> 'cancelled by a person';
