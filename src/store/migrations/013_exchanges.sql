-- What the first failed requests of an endpoint and a reason said, and what they were answered. Secrets are hidden.

-- id: run << 32 | place. journey and sent_us find the sample. The messages are JSON: start, headers, body (its beginning),
-- body_bytes (of all of it), is_cut. redirects: those that were followed, as JSON: `302 to /login`. answer: NULL where there was none.
CREATE TABLE exchange (
    id          INTEGER PRIMARY KEY,
    endpoint    INTEGER NOT NULL REFERENCES endpoint (id),
    user        INTEGER NOT NULL,
    journey     INTEGER NOT NULL,
    outcome     INTEGER NOT NULL REFERENCES outcome (code),
    reason      TEXT NOT NULL,
    sent_us     INTEGER NOT NULL,
    done_us     INTEGER NOT NULL,
    redirects   TEXT NOT NULL,
    request     TEXT NOT NULL,
    answer      TEXT
) STRICT;

-- Exchanges in words, a line each.
CREATE VIEW exchanges AS
SELECT x.id >> 32                              AS run,
       e.traffic_class                         AS traffic_class,
       e.name                                  AS endpoint,
       o.name                                  AS outcome,
       x.reason                                AS reason,
       x.user                                  AS user,
       x.journey                               AS journey,
       x.sent_us                               AS sent_us,
       x.done_us                               AS done_us,
       json_extract(x.request, '$.start')      AS request,
       json_extract(x.request, '$.body')       AS request_body,
       json_extract(x.answer, '$.start')       AS answer,
       json_extract(x.answer, '$.body')        AS answer_body
FROM exchange x
JOIN endpoint e ON e.id = x.endpoint
JOIN outcome o ON o.code = x.outcome;
