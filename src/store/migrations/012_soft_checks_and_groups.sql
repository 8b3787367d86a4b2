-- Checks that are counted and fail no request, and groups of steps whose whole time is a sample.

CREATE TABLE soft_check (
    run       INTEGER NOT NULL REFERENCES run (id),
    name      TEXT    NOT NULL,
    endpoint  INTEGER NOT NULL,
    phase     INTEGER NOT NULL,
    passed    INTEGER NOT NULL,
    failed    INTEGER NOT NULL,
    PRIMARY KEY (run, name, endpoint, phase)
) STRICT, WITHOUT ROWID;

-- The same tables, for kinds of samples that are neither requests nor effects. They are filled again
-- under their own names: views refer to them.
CREATE TEMP TABLE endpoint_before AS SELECT id, kind, traffic_class, name FROM endpoint;
DROP TABLE endpoint;
CREATE TABLE endpoint (
    id             INTEGER PRIMARY KEY,
    kind           TEXT NOT NULL CHECK (kind IN ('request', 'effect', 'group')),
    traffic_class  TEXT NOT NULL,
    name           TEXT NOT NULL,
    UNIQUE (kind, traffic_class, name)
) STRICT;
INSERT INTO endpoint (id, kind, traffic_class, name) SELECT id, kind, traffic_class, name FROM endpoint_before;
DROP TABLE endpoint_before;

CREATE TEMP TABLE metric_before AS SELECT run, kind, traffic_class, endpoint, name, value, n FROM metric;
DROP TABLE metric;
CREATE TABLE metric (
    run            INTEGER NOT NULL REFERENCES run (id),
    kind           TEXT    NOT NULL CHECK (kind IN ('request', 'effect', 'group')),
    traffic_class  TEXT    NOT NULL,
    endpoint       TEXT    NOT NULL,
    name           TEXT    NOT NULL,
    value          REAL    NOT NULL,
    n              INTEGER NOT NULL,
    PRIMARY KEY (run, kind, traffic_class, endpoint, name)
) STRICT, WITHOUT ROWID;
INSERT INTO metric (run, kind, traffic_class, endpoint, name, value, n)
SELECT run, kind, traffic_class, endpoint, name, value, n FROM metric_before;
DROP TABLE metric_before;
