-- Loads of several parts, and the stages of loads whose level changes, as planned. Both are JSON: see docs/SCHEMA.md.
ALTER TABLE run ADD COLUMN parts TEXT NOT NULL DEFAULT '[]';
ALTER TABLE run ADD COLUMN stages TEXT NOT NULL DEFAULT '[]';
