-- The list of contributions follows from the folded state (storage/ledger/contributions/contribution_list.py).

DROP TABLE event;
DROP TABLE unreadable_event;
DROP TABLE total;
DROP TABLE term;

ALTER TABLE log DROP COLUMN indexed;
