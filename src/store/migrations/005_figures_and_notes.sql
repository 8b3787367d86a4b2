-- What runs came to, for trends: kept, so that hundreds of runs need not be read again. And notes of people.

-- metric: p50, p95, p99 (ms) of a subject, or throughput (ok per second of load) of all requests.
CREATE TABLE figure (
    run            INTEGER NOT NULL REFERENCES run (id),
    kind           TEXT    NOT NULL CHECK (kind IN ('request', 'effect')),
    traffic_class  TEXT    NOT NULL,
    endpoint       TEXT    NOT NULL,
    metric         TEXT    NOT NULL,
    value          REAL    NOT NULL,
    n              INTEGER NOT NULL,
    PRIMARY KEY (run, kind, traffic_class, endpoint, metric)
) STRICT, WITHOUT ROWID;

CREATE TABLE note (
    id          INTEGER PRIMARY KEY,
    run         INTEGER NOT NULL REFERENCES run (id),
    at_unix_us  INTEGER NOT NULL,
    text        TEXT    NOT NULL
) STRICT;

CREATE INDEX note_run ON note (run);
