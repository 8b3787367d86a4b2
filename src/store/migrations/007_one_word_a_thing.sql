-- The same words as in scenario files, on the command line and in JSON.

-- The machine that runs loadproof; a host is the system's.
ALTER TABLE run RENAME COLUMN host TO machine;
-- Most journeys at a time: users of a closed load.
ALTER TABLE run RENAME COLUMN places TO max_in_flight;
-- What --deployment says; the environment is the machine's.
ALTER TABLE run RENAME COLUMN env TO deployment;
-- Conditions that tell of trouble in the system.
ALTER TABLE run RENAME COLUMN signs TO symptoms;

-- A counter only grows, until it is set back.
ALTER TABLE signal RENAME COLUMN is_total TO is_counter;

-- Numbers of a run.
ALTER TABLE figure RENAME COLUMN metric TO name;
ALTER TABLE figure RENAME TO metric;

DROP VIEW endpoint_figures;
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

DROP VIEW second_figures;
CREATE VIEW second_metrics AS
SELECT run, done_us / 1000000 AS second, kind, traffic_class, endpoint,
       count(*)                                AS samples,
       sum(outcome IN ('ok', 'rejected'))      AS answered,
       avg(CASE WHEN outcome IN ('ok', 'rejected') THEN response_us END) AS mean_response_us
FROM samples
GROUP BY run, second, kind, traffic_class, endpoint;
