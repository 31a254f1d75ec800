-- Which logs were written last: a reader that knows all logs reads again what changed since.

ALTER TABLE log ADD COLUMN written INTEGER NOT NULL DEFAULT 0;  -- greater than that of all before

CREATE INDEX log_written ON log (written);

CREATE TRIGGER log_begun AFTER INSERT ON log BEGIN
    UPDATE log SET written = (SELECT max(written) FROM log) + 1 WHERE id = new.id;
END;

CREATE TRIGGER log_changed AFTER UPDATE OF
    length, head, clock, frozen, checked, bytes, documents, texts, base ON log
BEGIN
    UPDATE log SET written = (SELECT max(written) FROM log) + 1 WHERE id = new.id;
END;
