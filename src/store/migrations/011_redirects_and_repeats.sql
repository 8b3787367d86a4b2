-- Redirects that were followed within a sample, and times that it was sent once more because a
-- connection had died without a byte of an answer.
ALTER TABLE sample ADD COLUMN redirects INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sample ADD COLUMN repeats INTEGER NOT NULL DEFAULT 0;

DROP VIEW samples;
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
JOIN sample s ON s.id >= (r.id << 32) AND s.id < ((r.id + 1) << 32)
JOIN endpoint e ON e.id = s.endpoint
JOIN user_class u ON u.id = s.user_class
JOIN phase p ON p.code = s.phase
JOIN outcome o ON o.code = s.outcome
LEFT JOIN reason t ON t.id = s.reason;
