-- How experiments are carried out: looks that share an error, a pilot, rounds that were made again.

-- 1 if exactly so many rounds are wanted, with one look at their end.
ALTER TABLE experiment ADD COLUMN is_exact INTEGER NOT NULL DEFAULT 0;
-- What the pilot came to; NULL without one. Its runs have round 0.
ALTER TABLE experiment ADD COLUMN pilot TEXT;
ALTER TABLE experiment ADD COLUMN run_time_us INTEGER;

CREATE TABLE look (
    experiment  INTEGER NOT NULL REFERENCES experiment (id),
    number      INTEGER NOT NULL,
    rounds      INTEGER NOT NULL,
    alpha       REAL    NOT NULL,
    occasion    TEXT    NOT NULL,
    PRIMARY KEY (experiment, number)
) STRICT, WITHOUT ROWID;

-- Runs are named, not referred to: a bundle may not have them.
CREATE TABLE repetition (
    experiment  INTEGER NOT NULL REFERENCES experiment (id),
    run         INTEGER NOT NULL,
    round       INTEGER NOT NULL,
    last_run    INTEGER NOT NULL,
    profile     TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    PRIMARY KEY (experiment, run)
) STRICT, WITHOUT ROWID;

-- Experiments that were made before looks were kept had their planned looks, and one where they are now.
CREATE TEMP TABLE made AS
SELECT e.id AS experiment, e.rounds AS planned, e.ended AS ended,
       (SELECT count(*)
        FROM (SELECT r.round FROM run r
              WHERE r.experiment = e.id AND r.state = 'done' AND r.round IS NOT NULL
              GROUP BY r.round
              HAVING count(DISTINCT r.profile)
                     >= 2 + length(e.treatments) - length(replace(e.treatments, char(10), ''))))
       AS done
FROM experiment e;

INSERT INTO look (experiment, number, rounds, alpha, occasion)
SELECT m.experiment, l.number, l.rounds, l.alpha, 'planned'
FROM made m
JOIN (SELECT 1 AS number, 5 AS rounds, 0.010 AS alpha UNION ALL SELECT 2, 10, 0.015 UNION ALL SELECT 3, 20, 0.025) l
  ON l.rounds < m.done;

INSERT INTO look (experiment, number, rounds, alpha, occasion)
SELECT m.experiment, 4, m.done,
       CASE WHEN m.done >= m.planned OR m.ended IN ('rounds', 'budget')
            THEN max(0.0, 0.05 - coalesce((SELECT sum(alpha) FROM look WHERE look.experiment = m.experiment), 0.0))
            WHEN m.done >= 20 THEN 0.025
            WHEN m.done >= 10 THEN 0.015
            ELSE 0.010 END,
       CASE WHEN m.done >= m.planned OR m.done IN (5, 10, 20) THEN 'planned'
            WHEN m.ended = 'budget' THEN 'budget_end'
            WHEN m.ended = 'interrupted' THEN 'interruption'
            ELSE 'report' END
FROM made m
WHERE m.done >= 5;

DROP TABLE made;
