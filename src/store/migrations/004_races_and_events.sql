-- Requests that were released together, and the events that requests raise.

-- sample: its id. race: (place in run.races, from 1) << 32 | number; equal for those released together.
CREATE TABLE entrant (
    sample  INTEGER PRIMARY KEY,
    race    INTEGER NOT NULL
) STRICT;

-- What requests raced each other for, as JSON: names.
ALTER TABLE run ADD COLUMN races TEXT NOT NULL DEFAULT '[]';

-- The events that each ok answer of an endpoint raises, as JSON: traffic_class, endpoint, stream, event.
ALTER TABLE run ADD COLUMN raised TEXT NOT NULL DEFAULT '[]';

-- What tells of trouble in the system, as JSON: title, when, select, remedy, loads.
ALTER TABLE run ADD COLUMN signs TEXT NOT NULL DEFAULT '[]';

-- Entrants in words.
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
JOIN sample s ON s.id = n.sample
JOIN endpoint e ON e.id = s.endpoint
JOIN outcome o ON o.code = s.outcome;
