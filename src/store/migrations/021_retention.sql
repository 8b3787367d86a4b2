-- What is kept of a run beside its samples, and instead of them once they are pruned.

-- The times of the samples of an endpoint that ended in one way in one phase: HdrHistogram, V2 bytes, three significant
-- digits, µs. NULL where the samples were never answered: their times have no end. Worked out from the samples.
CREATE TABLE histogram (
    run            INTEGER NOT NULL REFERENCES run (id),
    kind           TEXT    NOT NULL CHECK (kind IN ('request', 'effect', 'group')),
    traffic_class  TEXT    NOT NULL,
    endpoint       TEXT    NOT NULL,
    outcome        INTEGER NOT NULL,
    phase          INTEGER NOT NULL,
    samples        INTEGER NOT NULL,
    response       BLOB,
    service        BLOB,
    PRIMARY KEY (run, kind, traffic_class, endpoint, outcome, phase)
) STRICT;

-- Runs whose samples were taken out of the store: when, how many they were, and a checksum over what was kept instead.
CREATE TABLE pruned (
    run         INTEGER PRIMARY KEY REFERENCES run (id),
    at_unix_us  INTEGER NOT NULL,
    samples     INTEGER NOT NULL,
    sha256      TEXT    NOT NULL
) STRICT;

-- Runs that were evidence when a release was signed off.
CREATE TABLE signed_off (
    run         INTEGER NOT NULL REFERENCES run (id),
    version     TEXT    NOT NULL,
    at_unix_us  INTEGER NOT NULL,
    PRIMARY KEY (run, version)
) STRICT, WITHOUT ROWID;

-- When a verdict was decided last; NULL where that is older than this column.
ALTER TABLE verdict ADD COLUMN decided_unix_us INTEGER;
