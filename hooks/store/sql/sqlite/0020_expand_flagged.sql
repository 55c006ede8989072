-- Events that could not be read: few among any number of others, and somebody has to look at them.
CREATE INDEX events_flagged ON events (seq) WHERE flag IS NOT NULL;
