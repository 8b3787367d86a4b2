-- Searches for capacity and their trials: what was found follows from the terms and the trials' samples.

-- profiles: one a line, the baseline first. subject: what it went by, as JSON (goals, limits, claims). ended: `found`, `budget`,
-- `interrupted`, `failed`, or nothing while it goes on.
CREATE TABLE capacity_search (
    id          INTEGER PRIMARY KEY,
    scenario    TEXT    NOT NULL,
    profiles    TEXT    NOT NULL,
    load        TEXT    NOT NULL,
    started_at  TEXT    NOT NULL,
    seed        INTEGER NOT NULL,
    command     TEXT    NOT NULL,
    subject     TEXT    NOT NULL,
    ended       TEXT    NOT NULL DEFAULT ''
) STRICT;

-- number: order in time, from 1. purpose: `search`, `confirm`, `beyond` or `disturbed`. missed: for each goal the conditions that were missed,
-- as JSON.
CREATE TABLE capacity_trial (
    search      INTEGER NOT NULL REFERENCES capacity_search (id),
    number      INTEGER NOT NULL,
    run         INTEGER NOT NULL REFERENCES run (id),
    profile     TEXT    NOT NULL,
    load        REAL    NOT NULL,
    purpose     TEXT    NOT NULL,
    missed      TEXT    NOT NULL,
    PRIMARY KEY (search, number)
) STRICT, WITHOUT ROWID;
