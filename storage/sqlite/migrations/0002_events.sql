-- The index of events: derived from the records, and made again from them at any time.

-- Agents, actions, units, scopes and specifications, each named once.
CREATE TABLE term (
    id    INTEGER PRIMARY KEY,
    value ANY NOT NULL UNIQUE
) STRICT;

CREATE TABLE event (
    key            INTEGER PRIMARY KEY,  -- that of the record
    provider       INTEGER NOT NULL REFERENCES term,
    action         INTEGER NOT NULL REFERENCES term,
    claimed_at     INTEGER NOT NULL,
    resource_n     INTEGER,
    resource_scale INTEGER,
    resource_unit  INTEGER REFERENCES term,
    effort_n       INTEGER,
    effort_scale   INTEGER,
    effort_unit    INTEGER REFERENCES term,
    receiver       INTEGER REFERENCES term,
    scope          INTEGER REFERENCES term,
    spec           INTEGER REFERENCES term
) STRICT;

CREATE INDEX event_time ON event (claimed_at);
CREATE INDEX event_provider ON event (provider, claimed_at);

-- Events whose data cannot be read; they count for nothing.
CREATE TABLE unreadable_event (
    key INTEGER PRIMARY KEY
) STRICT;

-- Sums of the events above. unit 0: events without a quantity. A sum is high * 2^32 + low,
-- so that no quantity, however large, overflows it.
CREATE TABLE total (
    provider INTEGER NOT NULL,
    action   INTEGER NOT NULL,
    unit     INTEGER NOT NULL,
    scale    INTEGER NOT NULL,
    events   INTEGER NOT NULL,
    high     INTEGER NOT NULL,
    low      INTEGER NOT NULL,
    PRIMARY KEY (provider, action, unit, scale)
) STRICT, WITHOUT ROWID;
