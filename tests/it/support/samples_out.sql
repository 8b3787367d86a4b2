-- The samples of a store as rows that can be changed: statements that follow find them as `sample`, before the view.
CREATE TEMP TABLE sample (
    id INTEGER PRIMARY KEY, endpoint INTEGER, user_class INTEGER, user INTEGER, journey INTEGER, phase INTEGER,
    outcome INTEGER, status INTEGER, reason INTEGER, intended_us INTEGER, sent_us INTEGER, first_byte_us INTEGER,
    done_us INTEGER, bytes_in INTEGER, bytes_out INTEGER, key INTEGER, redirects INTEGER, repeats INTEGER
);
INSERT INTO temp.sample
SELECT id, endpoint, user_class, user, journey, phase, outcome, status, reason, intended_us, sent_us, first_byte_us,
       done_us, bytes_in, bytes_out, key, redirects, repeats
FROM main.sample;
