-- What a verdict is called: a run meets or misses an objective, and runs that are too few only indicate.
ALTER TABLE verdict ADD COLUMN word TEXT NOT NULL DEFAULT '';
UPDATE verdict SET word = CASE
    WHEN run IS NOT NULL AND verdict = 'supported' THEN 'met'
    WHEN run IS NOT NULL AND verdict = 'refuted' THEN 'missed'
    ELSE verdict
END;
