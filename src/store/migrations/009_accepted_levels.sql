-- A note may accept the level of a run's release: its trend is a regression no longer.
ALTER TABLE note ADD COLUMN accepts INTEGER NOT NULL DEFAULT 0;
