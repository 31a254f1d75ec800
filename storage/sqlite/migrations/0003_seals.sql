-- What is final, and what this device said while it was agreed upon.

CREATE TABLE seal (
    height INTEGER PRIMARY KEY,
    id     BLOB    NOT NULL UNIQUE,
    clock  INTEGER NOT NULL,
    sealed BLOB    NOT NULL,              -- the seal, its certificate, the witnesses after it
    delta  BLOB    NOT NULL               -- how its cut differs from the one before
) STRICT;

-- Every vote of this device at the heights that are not sealed here yet, and what it holds to.
CREATE TABLE own_vote (
    height INTEGER NOT NULL,
    round  INTEGER NOT NULL,
    step   INTEGER NOT NULL,
    vote   BLOB    NOT NULL,
    PRIMARY KEY (height, round, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE own_lock (
    height INTEGER PRIMARY KEY,
    lock   BLOB    NOT NULL
) STRICT;

-- Proofs that a device voted twice, by their ids.
CREATE TABLE double_vote (
    id     BLOB PRIMARY KEY NOT NULL,
    device BLOB NOT NULL UNIQUE,
    proof  BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Two certificates of one height: finality forked, and this node seals no more.
CREATE TABLE finality_fork (
    height INTEGER PRIMARY KEY,
    first  BLOB    NOT NULL,
    second BLOB    NOT NULL
) STRICT;
