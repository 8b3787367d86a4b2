-- Seals: checksums of what was measured in a run and of what explains it, taken as it was written. What was changed
-- afterwards does not fit them. docs/SCHEMA.md says what they cover, docs/SIGNOFF.md what they are worth.

-- A run's rows of a part, up to 256 a block, in order.
CREATE TABLE seal_block (
    run     INTEGER NOT NULL REFERENCES run (id),
    part    TEXT    NOT NULL,
    number  INTEGER NOT NULL,
    rows    INTEGER NOT NULL,
    sha256  TEXT    NOT NULL,
    PRIMARY KEY (run, part, number)
) STRICT, WITHOUT ROWID;

-- A run's seal, from its end on. facts and measured: checksums over its blocks. previous: the seal with the number before.
CREATE TABLE seal (
    number    INTEGER PRIMARY KEY,
    run       INTEGER NOT NULL UNIQUE REFERENCES run (id),
    form      INTEGER NOT NULL,
    facts     TEXT    NOT NULL,
    measured  TEXT    NOT NULL,
    previous  TEXT    NOT NULL,
    sha256    TEXT    NOT NULL
) STRICT;

-- An experiment's seal: over its plan, its looks, its repetitions and the seals of its runs.
CREATE TABLE experiment_seal (
    experiment  INTEGER PRIMARY KEY REFERENCES experiment (id),
    form        INTEGER NOT NULL,
    sha256      TEXT    NOT NULL
) STRICT;

-- Runs and experiments up to these numbers are older than seals. is_part: 1 if the store holds some runs of another one.
CREATE TABLE seal_start (
    run         INTEGER NOT NULL,
    experiment  INTEGER NOT NULL,
    is_part     INTEGER NOT NULL
) STRICT;
INSERT INTO seal_start
SELECT coalesce((SELECT max(id) FROM run), 0), coalesce((SELECT max(id) FROM experiment), 0), 0;
