-- What programs asked for under a key of theirs, so that it is written once however often they ask.

CREATE TABLE once (
    key     BLOB    PRIMARY KEY NOT NULL,
    request BLOB    NOT NULL,   -- the hash of what was asked
    at_ms   INTEGER NOT NULL,
    seq     INTEGER NOT NULL,   -- of the first record that was written, in the log of this device
    ids     BLOB    NOT NULL    -- of all of them, one after the other
) STRICT, WITHOUT ROWID;

CREATE INDEX once_time ON once (at_ms);
