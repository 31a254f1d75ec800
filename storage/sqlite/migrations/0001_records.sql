-- Records, what hangs on them, and what this node remembers of itself and its peers.
-- `key` is everywhere log.id * 2^40 + seq, so that the rows of a log lie together in order.

CREATE TABLE log (
    id      INTEGER PRIMARY KEY,
    author  BLOB    NOT NULL UNIQUE,
    opening BLOB    NOT NULL,            -- the bytes with which every record of the log begins
    length  INTEGER NOT NULL DEFAULT 0,  -- of the good part, which ends where a proof freezes it
    head    BLOB    NOT NULL DEFAULT x'',
    clock   INTEGER NOT NULL DEFAULT 0,
    held    INTEGER NOT NULL DEFAULT 0,  -- with the void part
    frozen  INTEGER,                     -- the seq that the proof names
    checked INTEGER NOT NULL DEFAULT 0,  -- below it every signature was verified itself
    indexed INTEGER NOT NULL DEFAULT 0,  -- below it every event stands in `event`
    bytes   INTEGER NOT NULL DEFAULT 0   -- of all records held, void ones and branches too
) STRICT;

-- A record without the opening of its log, or whole where it begins otherwise (0x9c, which no
-- seq begins with). Its id is not stored: it is the hash of the whole.
CREATE TABLE record (
    key  INTEGER PRIMARY KEY,
    tail BLOB NOT NULL
) STRICT;

-- The first 48 bits of each id, as a signed number. More than one record may fit.
CREATE TABLE record_id (
    prefix INTEGER NOT NULL,
    key    INTEGER NOT NULL,
    PRIMARY KEY (prefix, key)
) STRICT, WITHOUT ROWID;

-- The same of the last runs appended, one row each: the prefixes (6 bytes) of the ids of the
-- records from `key` on. They move to `record_id` many at a time, sorted, so that a page of
-- that large table is written once for many records and not once for each.
CREATE TABLE fresh_id (
    key      INTEGER PRIMARY KEY,
    prefixes BLOB NOT NULL
) STRICT;

-- Records on other branches of frozen logs, kept because somebody cites them.
CREATE TABLE branch (
    id   BLOB    PRIMARY KEY NOT NULL,
    log  INTEGER NOT NULL REFERENCES log,
    seq  INTEGER NOT NULL,
    wire BLOB    NOT NULL
) STRICT;

-- Records of kinds that are few and decide who may do what.
CREATE TABLE rare (
    key INTEGER PRIMARY KEY
) STRICT;

CREATE TABLE proof (
    log  INTEGER PRIMARY KEY REFERENCES log,
    wire BLOB NOT NULL
) STRICT;

CREATE TABLE body (
    hash      BLOB    PRIMARY KEY NOT NULL,
    permanent INTEGER NOT NULL,
    content   BLOB                       -- NULL once erased, so that it is not fetched again
) STRICT;

CREATE INDEX body_erased ON body (hash) WHERE content IS NULL;

-- Erasable bodies that records name and nobody has sent yet.
CREATE TABLE wanted (
    hash BLOB    PRIMARY KEY NOT NULL,
    size INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE address (
    peer       BLOB    PRIMARY KEY NOT NULL,
    device     BLOB,
    addresses  BLOB    NOT NULL,         -- MessagePack list of multiaddrs
    signed     BLOB    NOT NULL,
    last_ok_ms INTEGER NOT NULL,
    source     TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE setting (
    name  TEXT PRIMARY KEY NOT NULL,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Each record beside what is needed to read it. 1099511627775 is 2^40 - 1.
CREATE VIEW held AS
    SELECT record.key AS key, record.key & 1099511627775 AS seq, opening, tail, author, length
    FROM record JOIN log ON log.id = record.key >> 40;
