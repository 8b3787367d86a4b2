-- Tags of endpoints, effects and groups, run by run. JSON: see docs/SCHEMA.md.
ALTER TABLE run ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';

-- The same in words, a row for each tag.
CREATE VIEW endpoint_tags AS
SELECT r.id                                        AS run,
       json_extract(e.value, '$.kind')             AS kind,
       json_extract(e.value, '$.traffic_class')    AS traffic_class,
       json_extract(e.value, '$.endpoint')         AS endpoint,
       t.key                                       AS tag,
       t.value                                     AS value
FROM run r, json_each(r.tags) e, json_each(e.value, '$.tags') t;
