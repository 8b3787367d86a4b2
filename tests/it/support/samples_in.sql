-- Puts the rows of samples_out.sql back into blocks, with 19 digits a number: numbers are stored as what they are above -2^61.
DELETE FROM main.sample_block;
INSERT INTO main.sample_block
SELECT min(id), count(*),
       -2305843009213693952, -2305843009213693952, -2305843009213693952, -2305843009213693952, -2305843009213693952, -2305843009213693952,
       -2305843009213693952, -2305843009213693952, -2305843009213693952, -2305843009213693952, -2305843009213693952, -2305843009213693952,
       -2305843009213693952, -2305843009213693952, -2305843009213693952, -2305843009213693952, -2305843009213693952,
       CAST(group_concat(printf('%019d', endpoint + 2305843009213693952), '' ORDER BY id) AS BLOB),
       CAST(group_concat(printf('%019d', user_class + 2305843009213693952), '' ORDER BY id) AS BLOB),
       CAST(group_concat(printf('%019d', user + 2305843009213693952), '' ORDER BY id) AS BLOB),
       CAST(group_concat(printf('%019d', journey + 2305843009213693952), '' ORDER BY id) AS BLOB),
       CAST(group_concat(printf('%019d', phase + 2305843009213693952), '' ORDER BY id) AS BLOB),
       CAST(group_concat(printf('%019d', outcome + 2305843009213693952), '' ORDER BY id) AS BLOB),
       CAST(group_concat(printf('%019d', status + 2305843009213693952), '' ORDER BY id) AS BLOB),
       CAST(group_concat(printf('%019d', intended_us + 2305843009213693952), '' ORDER BY id) AS BLOB),
       CAST(group_concat(printf('%019d', sent_us - intended_us + 2305843009213693952), '' ORDER BY id) AS BLOB),
       CAST(group_concat(printf('%019d', done_us - first_byte_us + 2305843009213693952), '' ORDER BY id) AS BLOB),
       CAST(group_concat(printf('%019d', done_us - sent_us + 2305843009213693952), '' ORDER BY id) AS BLOB),
       CAST(group_concat(printf('%019d', bytes_in + 2305843009213693952), '' ORDER BY id) AS BLOB),
       CAST(group_concat(printf('%019d', bytes_out + 2305843009213693952), '' ORDER BY id) AS BLOB),
       CAST(group_concat(printf('%019d', redirects + 2305843009213693952), '' ORDER BY id) AS BLOB),
       CAST(group_concat(printf('%019d', repeats + 2305843009213693952), '' ORDER BY id) AS BLOB),
       CAST(group_concat(printf('%019d', coalesce(reason + 1, 0) + 2305843009213693952), '' ORDER BY id) AS BLOB),
       CAST(group_concat(printf('%019d', coalesce(key + 1, 0) + 2305843009213693952), '' ORDER BY id) AS BLOB)
FROM (SELECT *, id >> 8 AS part, id - row_number() OVER (ORDER BY id) AS stretch FROM temp.sample)
GROUP BY part, stretch;
DROP TABLE temp.sample;
