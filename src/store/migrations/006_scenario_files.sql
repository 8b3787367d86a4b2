-- The scenario files that runs were made with: each text once, however many runs it had.
CREATE TABLE source (
    sha256  TEXT PRIMARY KEY,
    text    TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE run_source (
    run     INTEGER NOT NULL REFERENCES run (id),
    path    TEXT    NOT NULL,
    sha256  TEXT    NOT NULL REFERENCES source (sha256),
    PRIMARY KEY (run, path)
) STRICT, WITHOUT ROWID;
