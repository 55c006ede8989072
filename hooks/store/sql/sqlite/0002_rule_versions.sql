-- The history of the rules: a row each time another rule set than before came into force, numbered from 1 without gaps.
CREATE TABLE rule_versions (
  number    INTEGER PRIMARY KEY,
  version   TEXT    NOT NULL,              -- of rule_sets
  loaded_at INTEGER NOT NULL,
  author    TEXT    NOT NULL,
  origin    TEXT    NOT NULL,              -- file, api or rollback
  note      TEXT    NOT NULL
) STRICT;
CREATE INDEX rule_versions_by_version ON rule_versions (version, number);

INSERT INTO rule_versions (number, version, loaded_at, author, origin, note)
SELECT row_number() OVER (ORDER BY loaded_at, version), version, loaded_at, 'unknown', 'file', '' FROM rule_sets;
