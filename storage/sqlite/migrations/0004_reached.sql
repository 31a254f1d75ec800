-- Where a peer was reached last: it is tried beside what the peer says of itself.

ALTER TABLE address ADD COLUMN worked TEXT NOT NULL DEFAULT '';
