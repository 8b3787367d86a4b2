-- A drain that could not be watched is neither over nor late: why nothing is known of its end.
ALTER TABLE run_phase ADD COLUMN unknown TEXT NOT NULL DEFAULT '';
