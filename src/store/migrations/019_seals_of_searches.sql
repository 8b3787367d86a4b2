-- A search's seal, from its end on: over its terms, its trials and the seals of their runs.
CREATE TABLE capacity_seal (
    search  INTEGER PRIMARY KEY REFERENCES capacity_search (id),
    form    INTEGER NOT NULL,
    sha256  TEXT    NOT NULL
) STRICT;

-- No run is excused any more for being older than seals: anybody who can write the store could make it so.
ALTER TABLE seal_start DROP COLUMN run;
ALTER TABLE seal_start DROP COLUMN experiment;
