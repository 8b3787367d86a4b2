-- Experiments, runs, and everything that was measured in them.

CREATE TABLE experiment (
    id          INTEGER PRIMARY KEY,
    scenario    TEXT    NOT NULL,
    started_at  TEXT    NOT NULL,
    rounds      INTEGER NOT NULL,
    seed        INTEGER NOT NULL,
    command     TEXT    NOT NULL
) STRICT;

CREATE TABLE run (
    id               INTEGER PRIMARY KEY,
    scenario         TEXT    NOT NULL,
    scenario_file    TEXT    NOT NULL,
    fingerprint      TEXT    NOT NULL,
    load             TEXT    NOT NULL,
    load_text        TEXT    NOT NULL,
    profile          TEXT    NOT NULL,
    label            TEXT,
    experiment       INTEGER REFERENCES experiment (id),
    arm              TEXT    CHECK (arm IN ('baseline', 'treatment')),
    round            INTEGER,
    state            TEXT    NOT NULL
                     CHECK (state IN ('running', 'done', 'interrupted', 'failed', 'crashed')),
    started_at       TEXT    NOT NULL,
    started_unix_us  INTEGER NOT NULL,
    last_us          INTEGER NOT NULL DEFAULT 0,
    heartbeat_unix_us INTEGER NOT NULL,
    process          INTEGER NOT NULL,
    host             TEXT    NOT NULL,
    seed             INTEGER NOT NULL,
    command          TEXT    NOT NULL,
    tool_version     TEXT    NOT NULL,
    samples          INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX run_experiment ON run (experiment);
CREATE INDEX run_profile ON run (profile);

CREATE TABLE environment (
    run    INTEGER NOT NULL REFERENCES run (id),
    name   TEXT    NOT NULL,
    value  TEXT    NOT NULL,
    PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_phase (
    run       INTEGER NOT NULL REFERENCES run (id),
    name      TEXT    NOT NULL,
    start_us  INTEGER NOT NULL,
    end_us    INTEGER NOT NULL,
    complete  INTEGER NOT NULL,
    PRIMARY KEY (run, start_us, name)
) STRICT, WITHOUT ROWID;

-- Words that samples refer to by number.
CREATE TABLE outcome (code INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
INSERT INTO outcome VALUES (0, 'ok'), (1, 'rejected'), (2, 'failed'), (3, 'error'), (4, 'dropped');

CREATE TABLE phase (code INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
INSERT INTO phase VALUES (0, 'ramp'), (1, 'steady'), (2, 'cool-down'), (3, 'drain');

CREATE TABLE endpoint (
    id             INTEGER PRIMARY KEY,
    kind           TEXT NOT NULL CHECK (kind IN ('request', 'effect')),
    traffic_class  TEXT NOT NULL,
    name           TEXT NOT NULL,
    UNIQUE (kind, traffic_class, name)
) STRICT;

CREATE TABLE user_class (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

CREATE TABLE reason (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;

-- id = run << 32 | place within the run: a run's samples stand together and need no index.
CREATE TABLE sample (
    id             INTEGER PRIMARY KEY,
    endpoint       INTEGER NOT NULL,
    user_class     INTEGER NOT NULL,
    user           INTEGER NOT NULL,
    journey        INTEGER NOT NULL,
    phase          INTEGER NOT NULL,
    outcome        INTEGER NOT NULL,
    status         INTEGER NOT NULL,
    reason         INTEGER,
    intended_us    INTEGER NOT NULL,
    sent_us        INTEGER NOT NULL,
    first_byte_us  INTEGER NOT NULL,
    done_us        INTEGER NOT NULL,
    bytes_in       INTEGER NOT NULL,
    bytes_out      INTEGER NOT NULL
) STRICT;

CREATE TABLE signal (
    id        INTEGER PRIMARY KEY,
    run       INTEGER NOT NULL REFERENCES run (id),
    name      TEXT    NOT NULL,
    unit      TEXT    NOT NULL,
    is_total  INTEGER NOT NULL,
    source    TEXT    NOT NULL,
    UNIQUE (run, name)
) STRICT;

-- id = run << 32 | place within the run, as for samples.
CREATE TABLE reading (
    id      INTEGER PRIMARY KEY,
    signal  INTEGER NOT NULL,
    at_us   INTEGER NOT NULL,
    value   REAL    NOT NULL
) STRICT;

-- For people with sqlite3: samples in words, one run by `WHERE run = 3`.
CREATE VIEW samples AS
SELECT r.id                          AS run,
       s.id & 4294967295             AS sequence,
       r.profile                     AS profile,
       r.arm                         AS arm,
       r.round                       AS round,
       e.kind                        AS kind,
       e.traffic_class               AS traffic_class,
       e.name                        AS endpoint,
       u.name                        AS user_class,
       s.user                        AS user,
       s.journey                     AS journey,
       p.name                        AS phase,
       o.name                        AS outcome,
       s.status                      AS status,
       t.text                        AS reason,
       s.intended_us                 AS intended_us,
       s.sent_us                     AS sent_us,
       s.first_byte_us               AS first_byte_us,
       s.done_us                     AS done_us,
       s.done_us - s.intended_us     AS response_us,
       s.done_us - s.sent_us         AS service_us,
       s.sent_us - s.intended_us     AS lateness_us,
       s.bytes_in                    AS bytes_in,
       s.bytes_out                   AS bytes_out
FROM run r
JOIN sample s ON s.id >= (r.id << 32) AND s.id < ((r.id + 1) << 32)
JOIN endpoint e ON e.id = s.endpoint
JOIN user_class u ON u.id = s.user_class
JOIN phase p ON p.code = s.phase
JOIN outcome o ON o.code = s.outcome
LEFT JOIN reason t ON t.id = s.reason;

-- Counts and mean times per endpoint.
CREATE VIEW endpoint_figures AS
SELECT run, kind, traffic_class, endpoint,
       count(*)                                                       AS samples,
       sum(outcome = 'ok')                                            AS ok,
       sum(outcome = 'rejected')                                      AS rejected,
       sum(outcome = 'failed')                                        AS failed,
       sum(outcome = 'error')                                         AS error,
       sum(outcome = 'dropped')                                       AS dropped,
       avg(CASE WHEN outcome IN ('ok', 'rejected') THEN response_us END) AS mean_response_us,
       avg(CASE WHEN outcome IN ('ok', 'rejected') THEN service_us END)  AS mean_service_us
FROM samples
GROUP BY run, kind, traffic_class, endpoint;

-- Samples that ended in each second of a run.
CREATE VIEW second_figures AS
SELECT run, done_us / 1000000 AS second, kind, traffic_class, endpoint,
       count(*)                                AS samples,
       sum(outcome IN ('ok', 'rejected'))      AS answered,
       avg(CASE WHEN outcome IN ('ok', 'rejected') THEN response_us END) AS mean_response_us
FROM samples
GROUP BY run, second, kind, traffic_class, endpoint;

-- Signals in words.
CREATE VIEW readings AS
SELECT r.id AS run, g.name AS signal, g.unit AS unit, d.at_us AS at_us, d.value AS value
FROM run r
JOIN reading d ON d.id >= (r.id << 32) AND d.id < ((r.id + 1) << 32)
JOIN signal g ON g.id = d.signal;
