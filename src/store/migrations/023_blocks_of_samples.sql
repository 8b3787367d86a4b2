-- Samples in blocks: up to 256 in a row, each column as decimal digits of one width, which is length(column) / samples.
-- A sample's value is the least one of its block and its digits; docs/SCHEMA.md has the formula, the view sample applies it.
-- Where all values of a block are alike, the column is the one digit 0.

DROP VIEW endpoint_metrics;
DROP VIEW second_metrics;
DROP VIEW entrants;
DROP VIEW samples;
-- Its rows are put into blocks, and it is dropped, by loadproof.
ALTER TABLE sample RENAME TO sample_row;

-- id: that of the first sample, run << 32 | its place within the run. No block goes beyond a multiple of 256 places.
-- lateness_us: sent - intended. receiving_us: done - first byte. service_us: done - sent. reason, key: one more; 0 for NULL.
CREATE TABLE sample_block (
    id                  INTEGER PRIMARY KEY,
    samples             INTEGER NOT NULL,
    endpoint_least      INTEGER NOT NULL,
    user_class_least    INTEGER NOT NULL,
    user_least          INTEGER NOT NULL,
    journey_least       INTEGER NOT NULL,
    phase_least         INTEGER NOT NULL,
    outcome_least       INTEGER NOT NULL,
    status_least        INTEGER NOT NULL,
    intended_us_least   INTEGER NOT NULL,
    lateness_us_least   INTEGER NOT NULL,
    receiving_us_least  INTEGER NOT NULL,
    service_us_least    INTEGER NOT NULL,
    bytes_in_least      INTEGER NOT NULL,
    bytes_out_least     INTEGER NOT NULL,
    redirects_least     INTEGER NOT NULL,
    repeats_least       INTEGER NOT NULL,
    reason_least        INTEGER NOT NULL,
    key_least           INTEGER NOT NULL,
    endpoint            BLOB    NOT NULL,
    user_class          BLOB    NOT NULL,
    user                BLOB    NOT NULL,
    journey             BLOB    NOT NULL,
    phase               BLOB    NOT NULL,
    outcome             BLOB    NOT NULL,
    status              BLOB    NOT NULL,
    intended_us         BLOB    NOT NULL,
    lateness_us         BLOB    NOT NULL,
    receiving_us        BLOB    NOT NULL,
    service_us          BLOB    NOT NULL,
    bytes_in            BLOB    NOT NULL,
    bytes_out           BLOB    NOT NULL,
    redirects           BLOB    NOT NULL,
    repeats             BLOB    NOT NULL,
    reason              BLOB    NOT NULL,
    key                 BLOB    NOT NULL
) STRICT;

-- The places within a block.
CREATE TABLE place (n INTEGER PRIMARY KEY) STRICT;
WITH RECURSIVE counted (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM counted WHERE n < 255)
INSERT INTO place SELECT n FROM counted;

-- A row for each sample. block is the id of its block: a range of blocks is found without reading others.
CREATE VIEW sample AS
SELECT id, endpoint, user_class, user, journey, phase, outcome, status, reason,
       intended_us, intended_us + lateness_us AS sent_us,
       intended_us + lateness_us + service_us - receiving_us AS first_byte_us,
       intended_us + lateness_us + service_us AS done_us,
       bytes_in, bytes_out, key, redirects, repeats, block
FROM (
    SELECT b.id + p.n AS id,
           b.endpoint_least + CAST(substr(b.endpoint, p.n * (length(b.endpoint) / b.samples) + 1, length(b.endpoint) / b.samples) AS INTEGER) AS endpoint,
           b.user_class_least + CAST(substr(b.user_class, p.n * (length(b.user_class) / b.samples) + 1, length(b.user_class) / b.samples) AS INTEGER) AS user_class,
           b.user_least + CAST(substr(b.user, p.n * (length(b.user) / b.samples) + 1, length(b.user) / b.samples) AS INTEGER) AS user,
           b.journey_least + CAST(substr(b.journey, p.n * (length(b.journey) / b.samples) + 1, length(b.journey) / b.samples) AS INTEGER) AS journey,
           b.phase_least + CAST(substr(b.phase, p.n * (length(b.phase) / b.samples) + 1, length(b.phase) / b.samples) AS INTEGER) AS phase,
           b.outcome_least + CAST(substr(b.outcome, p.n * (length(b.outcome) / b.samples) + 1, length(b.outcome) / b.samples) AS INTEGER) AS outcome,
           b.status_least + CAST(substr(b.status, p.n * (length(b.status) / b.samples) + 1, length(b.status) / b.samples) AS INTEGER) AS status,
           b.intended_us_least + CAST(substr(b.intended_us, p.n * (length(b.intended_us) / b.samples) + 1, length(b.intended_us) / b.samples) AS INTEGER) AS intended_us,
           b.lateness_us_least + CAST(substr(b.lateness_us, p.n * (length(b.lateness_us) / b.samples) + 1, length(b.lateness_us) / b.samples) AS INTEGER) AS lateness_us,
           b.receiving_us_least + CAST(substr(b.receiving_us, p.n * (length(b.receiving_us) / b.samples) + 1, length(b.receiving_us) / b.samples) AS INTEGER) AS receiving_us,
           b.service_us_least + CAST(substr(b.service_us, p.n * (length(b.service_us) / b.samples) + 1, length(b.service_us) / b.samples) AS INTEGER) AS service_us,
           b.bytes_in_least + CAST(substr(b.bytes_in, p.n * (length(b.bytes_in) / b.samples) + 1, length(b.bytes_in) / b.samples) AS INTEGER) AS bytes_in,
           b.bytes_out_least + CAST(substr(b.bytes_out, p.n * (length(b.bytes_out) / b.samples) + 1, length(b.bytes_out) / b.samples) AS INTEGER) AS bytes_out,
           b.redirects_least + CAST(substr(b.redirects, p.n * (length(b.redirects) / b.samples) + 1, length(b.redirects) / b.samples) AS INTEGER) AS redirects,
           b.repeats_least + CAST(substr(b.repeats, p.n * (length(b.repeats) / b.samples) + 1, length(b.repeats) / b.samples) AS INTEGER) AS repeats,
           nullif(b.reason_least + CAST(substr(b.reason, p.n * (length(b.reason) / b.samples) + 1, length(b.reason) / b.samples) AS INTEGER), 0) - 1 AS reason,
           nullif(b.key_least + CAST(substr(b.key, p.n * (length(b.key) / b.samples) + 1, length(b.key) / b.samples) AS INTEGER), 0) - 1 AS key,
           b.id AS block
    FROM sample_block b CROSS JOIN place p ON p.n < b.samples
);

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
       s.bytes_out                   AS bytes_out,
       s.key >> 40                   AS key_list,
       s.key & 1099511627775         AS key,
       s.redirects                   AS redirects,
       s.repeats                     AS repeats
FROM run r
JOIN sample s ON s.block >= (r.id << 32) AND s.block < ((r.id + 1) << 32)
JOIN endpoint e ON e.id = s.endpoint
JOIN user_class u ON u.id = s.user_class
JOIN phase p ON p.code = s.phase
JOIN outcome o ON o.code = s.outcome
LEFT JOIN reason t ON t.id = s.reason;

CREATE VIEW entrants AS
SELECT r.id                                                     AS run,
       json_extract(r.races, '$[' || ((n.race >> 32) - 1) || ']') AS race,
       n.race & 4294967295                                      AS number,
       e.name                                                   AS endpoint,
       o.name                                                   AS outcome,
       s.status                                                 AS status,
       s.sent_us                                                AS sent_us,
       s.done_us                                                AS done_us
FROM run r
JOIN entrant n ON n.sample >= (r.id << 32) AND n.sample < ((r.id + 1) << 32)
JOIN sample s ON s.block = (SELECT max(b.id) FROM sample_block b WHERE b.id <= n.sample) AND s.id = n.sample
JOIN endpoint e ON e.id = s.endpoint
JOIN outcome o ON o.code = s.outcome;

CREATE VIEW endpoint_metrics AS
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

CREATE VIEW second_metrics AS
SELECT run, done_us / 1000000 AS second, kind, traffic_class, endpoint,
       count(*)                                AS samples,
       sum(outcome IN ('ok', 'rejected'))      AS answered,
       avg(CASE WHEN outcome IN ('ok', 'rejected') THEN response_us END) AS mean_response_us
FROM samples
GROUP BY run, second, kind, traffic_class, endpoint;
