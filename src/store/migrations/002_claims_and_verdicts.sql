-- What was claimed, whether the runs may be believed, and what was decided.

ALTER TABLE experiment ADD COLUMN baseline   TEXT NOT NULL DEFAULT '';
ALTER TABLE experiment ADD COLUMN treatments TEXT NOT NULL DEFAULT '';
ALTER TABLE experiment ADD COLUMN load       TEXT NOT NULL DEFAULT '';
-- 'rounds', 'decided', 'budget', 'interrupted', 'failed'; '' while it goes on.
ALTER TABLE experiment ADD COLUMN ended      TEXT NOT NULL DEFAULT '';

ALTER TABLE run ADD COLUMN executor      TEXT    NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN places        INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN rate_per_s    REAL;
ALTER TABLE run ADD COLUMN workers       INTEGER NOT NULL DEFAULT 1;
ALTER TABLE run ADD COLUMN claims        TEXT    NOT NULL DEFAULT '[]';
ALTER TABLE run ADD COLUMN must_hold     TEXT    NOT NULL DEFAULT '[]';
ALTER TABLE run ADD COLUMN env           TEXT;
ALTER TABLE run ADD COLUMN end_note      TEXT    NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN clock_step_us INTEGER NOT NULL DEFAULT 0;

CREATE TABLE hook (
    id         INTEGER PRIMARY KEY,
    run        INTEGER NOT NULL REFERENCES run (id),
    name       TEXT    NOT NULL,
    moment     TEXT    NOT NULL CHECK (moment IN ('before', 'beside', 'after')),
    command    TEXT    NOT NULL,
    start_us   INTEGER NOT NULL,
    end_us     INTEGER NOT NULL,
    exit_code  INTEGER,
    note       TEXT    NOT NULL
) STRICT;

CREATE INDEX hook_run ON hook (run);

CREATE TABLE audit_check (
    run    INTEGER NOT NULL REFERENCES run (id),
    name   TEXT    NOT NULL,
    grade  TEXT    NOT NULL CHECK (grade IN ('VALID', 'WARN', 'INVALID')),
    text   TEXT    NOT NULL,
    PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;

-- Of an experiment, or of a run by itself.
CREATE TABLE verdict (
    id          INTEGER PRIMARY KEY,
    experiment  INTEGER REFERENCES experiment (id),
    run         INTEGER REFERENCES run (id),
    profile     TEXT    NOT NULL,
    title       TEXT    NOT NULL,
    formula     TEXT    NOT NULL,
    gates       INTEGER NOT NULL,
    verdict     TEXT    NOT NULL
                CHECK (verdict IN ('supported', 'refuted', 'undecided', 'invalid')),
    reason      TEXT    NOT NULL,
    rounds      INTEGER NOT NULL,
    estimate    REAL,
    low         REAL,
    high        REAL,
    alpha       REAL    NOT NULL,
    CHECK ((experiment IS NULL) <> (run IS NULL))
) STRICT;

CREATE INDEX verdict_experiment ON verdict (experiment);
CREATE INDEX verdict_run ON verdict (run);

-- What a claim came to in each round.
CREATE TABLE claim_value (
    verdict  INTEGER NOT NULL REFERENCES verdict (id),
    round    INTEGER NOT NULL,
    value    REAL,
    PRIMARY KEY (verdict, round)
) STRICT, WITHOUT ROWID;
