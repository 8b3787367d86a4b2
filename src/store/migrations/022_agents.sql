-- Runs whose load several machines made. See docs/SCHEMA.md.
CREATE TABLE agent (
    run              INTEGER NOT NULL REFERENCES run (id),
    number           INTEGER NOT NULL,
    name             TEXT    NOT NULL,
    machine          TEXT    NOT NULL,
    processor        TEXT    NOT NULL,
    kernel           TEXT    NOT NULL,
    cores            INTEGER NOT NULL,
    first_worker     INTEGER NOT NULL,
    workers          INTEGER NOT NULL,
    offset_us        INTEGER NOT NULL,
    offset_error_us  INTEGER NOT NULL,
    drift_us         INTEGER,
    batches          INTEGER NOT NULL DEFAULT 0,
    samples          INTEGER NOT NULL DEFAULT 0,
    taken            INTEGER,
    state            TEXT    NOT NULL CHECK (state IN ('working', 'done', 'cut-short', 'lost')),
    note             TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (run, number)
) STRICT, WITHOUT ROWID;

-- What `store collect` needs to go on with such a run: the name that agents know it by, and what their numbers mean.
CREATE TABLE agent_run (
    run    INTEGER PRIMARY KEY REFERENCES run (id),
    token  TEXT NOT NULL,
    words  TEXT NOT NULL
) STRICT;
