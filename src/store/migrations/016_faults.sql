-- What was done to the system of a run on purpose: as planned, and as it was carried out. See docs/SCHEMA.md.
CREATE TABLE fault (
    run       INTEGER NOT NULL REFERENCES run (id),
    name      TEXT    NOT NULL,
    kind      TEXT    NOT NULL,
    text      TEXT    NOT NULL,
    due_us    INTEGER,
    lasts_us  INTEGER,
    start_us  INTEGER,
    end_us    INTEGER,
    outcome   TEXT    NOT NULL CHECK (outcome IN ('done', 'cut-short', 'failed', 'not-reached')),
    note      TEXT    NOT NULL,
    PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;
