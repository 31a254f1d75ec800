-- How much each log has others keep, beside its records: the bodies that they name.

ALTER TABLE log ADD COLUMN documents INTEGER NOT NULL DEFAULT 0;  -- bytes of permanent bodies
ALTER TABLE log ADD COLUMN texts INTEGER NOT NULL DEFAULT 0;      -- bytes of erasable ones

CREATE INDEX branch_log ON branch (log);
