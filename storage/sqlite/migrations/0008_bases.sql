-- Light homes: what of a log is here no more, and records that were asked for since.

ALTER TABLE log ADD COLUMN base    INTEGER NOT NULL DEFAULT 0;  -- below it only rare records stay
ALTER TABLE log ADD COLUMN dropped INTEGER NOT NULL DEFAULT 0;  -- below it the others are removed

-- A record below the base of its log, and the records after it up to the end of its log in a cut.
CREATE TABLE fetched (
    id        BLOB    PRIMARY KEY NOT NULL,
    number    INTEGER NOT NULL,          -- which came first
    wire      BLOB    NOT NULL,
    following BLOB                       -- MessagePack list of bytes; NULL where it is too large
) STRICT, WITHOUT ROWID;
