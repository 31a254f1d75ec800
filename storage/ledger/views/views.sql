-- The folded state, and the public views of it for `weal sql`.
-- All of it follows from the records, so the file can be deleted at any time.

CREATE TABLE mark (
    name  TEXT PRIMARY KEY NOT NULL,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- The state. layer 0: final, at the last cut. 1: changed by the older records above the cut.
-- 2: changed by the newest. The highest layer of a key counts; NULL: the key is removed.
--
-- A key in parts. start: what stands before the id of an event, and number the id's in local_id;
-- without one the whole key, and 0. value: without the agents that stand beside it.
CREATE TABLE state (
    start    BLOB    NOT NULL,
    number   INTEGER NOT NULL,
    rest     BLOB    NOT NULL,
    layer    INTEGER NOT NULL,
    value    BLOB,
    member   INTEGER,
    provider INTEGER,
    receiver INTEGER,
    PRIMARY KEY (start, number, rest, layer)
) STRICT, WITHOUT ROWID;

CREATE INDEX state_layer ON state (layer) WHERE layer = 2;

-- Records that count for nothing, with the reason.
CREATE TABLE refused (
    id     BLOB    PRIMARY KEY NOT NULL,
    layer  INTEGER NOT NULL,
    reason TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- The clocks at which the records above the cut last read and wrote what is noted of a subject.
CREATE TABLE touched (
    subject BLOB    NOT NULL,
    layer   INTEGER NOT NULL,
    read    INTEGER NOT NULL,
    written INTEGER NOT NULL,
    PRIMARY KEY (subject, layer)
) STRICT, WITHOUT ROWID;

CREATE INDEX touched_layer ON touched (layer) WHERE layer = 2;

-- The logs in the last cut: length and head of each.
CREATE TABLE sealed_log (
    author BLOB    PRIMARY KEY NOT NULL,
    length INTEGER NOT NULL,
    head   BLOB    NOT NULL
) STRICT, WITHOUT ROWID;

-- The Merkle trees over the final state, in pages. tree 0: the cut. 1: the state. 2: the members.
CREATE TABLE tree (
    tree  INTEGER NOT NULL,
    place BLOB    NOT NULL,
    page  BLOB    NOT NULL,
    PRIMARY KEY (tree, place)
) STRICT, WITHOUT ROWID;

-- In a file beside this one: the final state of a height as it is handed out to peers. pairs: some of
-- the keys and values below one place of the tree of the state; number: of the place, and a count.
-- In a file that is taken: of each chunk, the pairs that wait for events of other chunks.
CREATE TABLE offered_pairs (
    number INTEGER PRIMARY KEY,
    pairs  BLOB NOT NULL
) STRICT;

-- The hashes beside the path to each chunk.
CREATE TABLE offered_path (
    number INTEGER PRIMARY KEY,
    hashes BLOB NOT NULL
) STRICT;

-- When an event that is held claims to be written, and when it happened, in ms, where it has no
-- other row: it was refused, or it is being folded.
-- when_end: not included. when_local: by a calendar without a zone. when_stated: 0, it is claimed_at.
CREATE TABLE said_at (
    id          BLOB    PRIMARY KEY NOT NULL,
    claimed_at  INTEGER NOT NULL,
    when_start  INTEGER NOT NULL,
    when_end    INTEGER NOT NULL,
    when_local  INTEGER NOT NULL,
    when_stated INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The events that stand for rows of sheets, by 48 bits of a keyed hash of the digest. row_log:
-- how far each log is indexed, and the head of that.
CREATE TABLE row_log (
    id     INTEGER PRIMARY KEY,
    author BLOB    NOT NULL UNIQUE,
    length INTEGER NOT NULL,
    head   BLOB    NOT NULL
) STRICT;

CREATE TABLE row_digest (
    hash INTEGER NOT NULL,
    log  INTEGER NOT NULL,
    seq  INTEGER NOT NULL,
    PRIMARY KEY (hash, log, seq)
) STRICT, WITHOUT ROWID;

-- text: the hash of the body with the name. missing: that hash, or the id of the profile, while
-- it is not held.
CREATE TABLE member_row (
    id       BLOB PRIMARY KEY NOT NULL,
    name     TEXT,
    status   TEXT    NOT NULL,
    devices  INTEGER NOT NULL,
    founder  INTEGER NOT NULL,
    roles    TEXT    NOT NULL,
    referrer BLOB,
    final    INTEGER NOT NULL,
    text     BLOB,
    missing  BLOB
) STRICT, WITHOUT ROWID;

CREATE INDEX member_missing ON member_row (missing) WHERE missing IS NOT NULL;

-- Local numbers of the ids of events, those of each cut together. The index has how an id begins.
CREATE TABLE local_id (
    number INTEGER PRIMARY KEY,
    id     BLOB NOT NULL
) STRICT;

CREATE INDEX local_id_start ON local_id (substr(id, 1, 6));

-- Local numbers of who gave, received or wrote.
CREATE TABLE agent (
    number INTEGER PRIMARY KEY,
    id     BLOB NOT NULL UNIQUE
) STRICT;

CREATE TABLE event_entry (
    number         INTEGER PRIMARY KEY,  -- of the event
    member         INTEGER NOT NULL,     -- this one, provider and receiver are agents
    provider       INTEGER NOT NULL,
    receiver       INTEGER,
    clock          INTEGER NOT NULL,
    action         TEXT    NOT NULL,
    quantity_n     INTEGER,
    quantity_scale INTEGER,
    unit           TEXT,
    effort_n       INTEGER,
    effort_scale   INTEGER,
    effort_unit    TEXT,
    specification  TEXT,
    resource       BLOB,
    to_resource    BLOB,
    input_of       BLOB,
    output_of      BLOB,
    scope          TEXT,
    factor         TEXT,
    fulfills       BLOB,
    satisfies      BLOB,
    corrections    INTEGER NOT NULL,
    yes            INTEGER NOT NULL,
    "no"           INTEGER NOT NULL,
    disputes       INTEGER NOT NULL,
    points         INTEGER,
    height         INTEGER,
    claimed_at     INTEGER,     -- the last five follow from the record, as those of said_at, and
    when_start     INTEGER,     -- are NULL while it is not here, after a state sync
    when_is_day    INTEGER,     -- 0: it is a moment of 1 ms
    when_local     INTEGER,
    when_stated    INTEGER
) STRICT;

-- The list of contributions, of all and of one member, newest first.
CREATE INDEX event_time ON event_entry (when_start, clock);
CREATE INDEX event_corrected ON event_entry (provider) WHERE corrections > 0;
CREATE INDEX event_provider ON event_entry (provider, when_start, clock);

CREATE INDEX event_unsealed ON event_entry (action) WHERE height IS NULL;

CREATE INDEX event_fulfills ON event_entry (fulfills) WHERE fulfills IS NOT NULL;

-- What each gave, in all and in seals, by action and unit: effort where there is any, else the
-- quantity. A sum is high * 2^32 + low, so that no number of contributions overflows it.
CREATE TABLE given_sum (
    provider  INTEGER NOT NULL,
    action    TEXT    NOT NULL,
    unit      TEXT    NOT NULL,
    scale     INTEGER NOT NULL,
    is_sealed INTEGER NOT NULL,
    events    INTEGER NOT NULL,
    high      INTEGER NOT NULL,
    low       INTEGER NOT NULL,
    PRIMARY KEY (provider, action, unit, scale, is_sealed)
) STRICT, WITHOUT ROWID;

-- The rows of events with the ids that the numbers stand for. An index finds them by provider; by
-- id they are found through their number.
CREATE VIEW event_row AS
    SELECT event_entry.number AS number, event_entry.provider AS provider_number,
        event_entry.member AS member_number,
        (SELECT id FROM local_id WHERE local_id.number = event_entry.number) AS id,
        (SELECT id FROM agent WHERE agent.number = event_entry.member) AS member, clock, action,
        giver.id AS provider,
        (SELECT id FROM agent WHERE agent.number = event_entry.receiver) AS receiver,
        quantity_n, quantity_scale, unit, effort_n, effort_scale, effort_unit, specification,
        resource, to_resource, input_of, output_of, scope, factor, fulfills, satisfies,
        corrections, yes, "no", disputes, points, height, claimed_at, when_start,
        when_start + iif(when_is_day, 86400000, 1) AS when_end, when_local, when_stated
    FROM event_entry JOIN agent AS giver ON giver.number = event_entry.provider;

CREATE TABLE attest_row (
    key         BLOB PRIMARY KEY NOT NULL,
    event       BLOB    NOT NULL,
    member      BLOB    NOT NULL,
    say         TEXT    NOT NULL,
    corrections INTEGER NOT NULL,
    final       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE proposal_row (
    id         BLOB PRIMARY KEY NOT NULL,
    subject    TEXT    NOT NULL,
    member     BLOB    NOT NULL,
    class      TEXT    NOT NULL,
    status     TEXT    NOT NULL,
    base       BLOB    NOT NULL,
    target     BLOB    NOT NULL,
    opened     INTEGER NOT NULL,
    deadline   INTEGER NOT NULL,
    electorate INTEGER NOT NULL,
    needed     INTEGER NOT NULL,
    yes        INTEGER NOT NULL,
    "no"       INTEGER NOT NULL,
    abstain    INTEGER NOT NULL,
    block      INTEGER NOT NULL,
    height     INTEGER NOT NULL,
    final      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE vote_row (
    key      BLOB PRIMARY KEY NOT NULL,
    proposal BLOB    NOT NULL,
    member   BLOB    NOT NULL,
    say      TEXT    NOT NULL,
    clock    INTEGER NOT NULL,
    final    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE seal_row (
    height  INTEGER PRIMARY KEY,
    time_ms INTEGER NOT NULL,
    id      BLOB    NOT NULL,
    ruleset BLOB    NOT NULL,
    logs    INTEGER NOT NULL,
    records INTEGER NOT NULL
) STRICT;

CREATE TABLE payout_row (
    key     BLOB PRIMARY KEY NOT NULL,
    height  INTEGER NOT NULL,
    pool    TEXT    NOT NULL,
    line    INTEGER NOT NULL,
    bucket  TEXT    NOT NULL,
    sort    TEXT    NOT NULL,
    member  BLOB    NOT NULL,
    amount  INTEGER NOT NULL,
    scale   INTEGER NOT NULL,
    unit    TEXT    NOT NULL,
    ruleset BLOB    NOT NULL,
    corrects INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE claim_row (
    id        BLOB PRIMARY KEY NOT NULL,
    height    INTEGER NOT NULL,
    pool      TEXT    NOT NULL,
    unit      TEXT    NOT NULL,
    scale     INTEGER NOT NULL,
    member    BLOB    NOT NULL,
    ruleset   BLOB    NOT NULL,
    earned    INTEGER NOT NULL,
    corrected INTEGER NOT NULL,
    owed_back INTEGER NOT NULL,
    amount    INTEGER NOT NULL,
    said      INTEGER NOT NULL,
    confirmed INTEGER NOT NULL,
    final     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX claim_of ON claim_row (height, pool, member);

CREATE TABLE balance_row (
    key      BLOB PRIMARY KEY NOT NULL,
    unit     TEXT    NOT NULL,
    member   BLOB    NOT NULL,
    n        INTEGER NOT NULL,
    scale    INTEGER NOT NULL,
    received INTEGER NOT NULL,
    final    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What members offer and need. stated: as the record has it; quantity: all that can be taken.
CREATE TABLE intent_row (
    id             BLOB PRIMARY KEY NOT NULL,
    action         TEXT    NOT NULL,
    provider       BLOB,
    receiver       BLOB,
    stated_n       INTEGER NOT NULL,
    stated_scale   INTEGER NOT NULL,
    quantity_n     INTEGER NOT NULL,
    quantity_scale INTEGER NOT NULL,
    unit           TEXT    NOT NULL,
    left_n         INTEGER NOT NULL,
    left_scale     INTEGER NOT NULL,
    met_n          INTEGER NOT NULL,
    met_scale      INTEGER NOT NULL,
    minimum_n      INTEGER,
    minimum_scale  INTEGER,
    specification  TEXT,
    resource       BLOB,
    tags           TEXT    NOT NULL,
    scope          TEXT,
    begins         INTEGER,
    ends           INTEGER,
    due            INTEGER,
    status         TEXT    NOT NULL,
    is_taken       INTEGER NOT NULL,
    final          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE offer_row (
    id         BLOB PRIMARY KEY NOT NULL,
    member     BLOB    NOT NULL,
    clock      INTEGER NOT NULL,
    purpose    TEXT    NOT NULL,
    unit_based INTEGER NOT NULL,
    begins     INTEGER,
    ends       INTEGER,
    place      TEXT,
    is_for_all INTEGER NOT NULL,
    status     TEXT    NOT NULL,
    final      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX offer_open ON offer_row (member) WHERE status = 'open';

CREATE TABLE offer_part_row (
    offer     BLOB    NOT NULL,
    in_return INTEGER NOT NULL,
    number    INTEGER NOT NULL,
    intent    BLOB    NOT NULL,
    PRIMARY KEY (offer, in_return, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX offer_part_intent ON offer_part_row (intent);

CREATE TABLE deal_row (
    id        BLOB PRIMARY KEY NOT NULL,
    member    BLOB    NOT NULL,
    clock     INTEGER NOT NULL,
    status    TEXT    NOT NULL,
    parties   INTEGER NOT NULL,
    yes       INTEGER NOT NULL,
    answer_by INTEGER,
    counters  BLOB,
    cause     BLOB,
    final     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE deal_party_row (
    deal   BLOB    NOT NULL,
    member BLOB    NOT NULL,
    say    TEXT,
    ended  TEXT,
    final  INTEGER NOT NULL,
    PRIMARY KEY (deal, member)
) STRICT, WITHOUT ROWID;

CREATE INDEX deal_party_member ON deal_party_row (member);

CREATE TABLE deal_clause_row (
    deal      BLOB    NOT NULL,
    number    INTEGER NOT NULL,
    clause    BLOB    NOT NULL,
    in_return INTEGER NOT NULL,
    PRIMARY KEY (deal, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX deal_clause ON deal_clause_row (clause);

CREATE TABLE clause_row (
    id             BLOB PRIMARY KEY NOT NULL,
    member         BLOB    NOT NULL,
    clock          INTEGER NOT NULL,
    action         TEXT    NOT NULL,
    provider       BLOB    NOT NULL,
    receiver       BLOB    NOT NULL,
    quantity_n     INTEGER NOT NULL,
    quantity_scale INTEGER NOT NULL,
    unit           TEXT    NOT NULL,
    met_n          INTEGER NOT NULL,
    met_scale      INTEGER NOT NULL,
    open_n         INTEGER NOT NULL,
    open_scale     INTEGER NOT NULL,
    specification  TEXT,
    resource       BLOB,
    begins         INTEGER,
    ends           INTEGER,
    due            INTEGER,
    status         TEXT    NOT NULL,
    final          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX clause_provider ON clause_row (provider) WHERE open_n > 0;

CREATE TABLE booking_row (
    id       BLOB PRIMARY KEY NOT NULL,
    deal     BLOB    NOT NULL,
    thing    BLOB    NOT NULL,
    resource BLOB    NOT NULL,
    action   TEXT    NOT NULL,
    lender   BLOB    NOT NULL,
    borrower BLOB    NOT NULL,
    begins   INTEGER NOT NULL,
    ends     INTEGER NOT NULL,
    until    INTEGER,
    status   TEXT    NOT NULL,
    asked    INTEGER NOT NULL,
    lapses   INTEGER NOT NULL,
    out      BLOB,
    back     BLOB,
    back_at  INTEGER,
    final    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX booking_thing ON booking_row (thing, ends);
CREATE INDEX booking_deal ON booking_row (deal);
CREATE INDEX booking_lender ON booking_row (lender, ends);
CREATE INDEX booking_borrower ON booking_row (borrower, ends);

-- Projects; written by project_views.py. Times in ms.
CREATE TABLE project_row (
    id      BLOB PRIMARY KEY NOT NULL,
    name    TEXT    NOT NULL,
    member  BLOB    NOT NULL,
    split   TEXT    NOT NULL,
    status  TEXT    NOT NULL,
    cause   TEXT    NOT NULL,
    members INTEGER NOT NULL,
    ends    INTEGER,
    since   INTEGER,
    closed  INTEGER,
    final   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- id: of the project and the member together.
CREATE TABLE project_member_row (
    id      BLOB PRIMARY KEY NOT NULL,
    project BLOB    NOT NULL,
    member  BLOB    NOT NULL,
    since   INTEGER NOT NULL,
    is_in   INTEGER NOT NULL,
    final   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Campaigns and what members pledge to them; written by campaign_views.py. Times in ms; amounts at
-- the scale of the campaign. met, total: once a seal closed it; paid: once it was met.
CREATE TABLE campaign_row (
    id           BLOB PRIMARY KEY NOT NULL,
    member       BLOB    NOT NULL,
    clock        INTEGER NOT NULL,
    unit         TEXT    NOT NULL,
    scale        INTEGER NOT NULL,
    minimum      INTEGER NOT NULL,
    optimum      INTEGER,
    maximum      INTEGER,
    deadline     INTEGER NOT NULL,
    collect_by   INTEGER NOT NULL,
    sort         TEXT    NOT NULL,
    gives        TEXT    NOT NULL,
    least        INTEGER,
    most         INTEGER,
    matching     INTEGER NOT NULL,
    scope        TEXT,
    reward_n     INTEGER,
    reward_scale INTEGER,
    reward_unit  TEXT,
    short        TEXT    NOT NULL,
    loans        TEXT    NOT NULL,
    status       TEXT    NOT NULL,
    height       INTEGER,
    met          INTEGER,
    total        INTEGER,
    paid         INTEGER,
    final        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- id: of the campaign and the member together; record: the last pledge of that member.
CREATE TABLE pledge_row (
    id        BLOB PRIMARY KEY NOT NULL,
    record    BLOB    NOT NULL,
    campaign  BLOB    NOT NULL,
    member    BLOB    NOT NULL,
    clock     INTEGER NOT NULL,
    amount    INTEGER NOT NULL,
    scale     INTEGER NOT NULL,
    unit      TEXT    NOT NULL,
    part      INTEGER NOT NULL,
    matches   INTEGER NOT NULL,
    number    INTEGER NOT NULL,
    withdrawn BLOB,
    counted   INTEGER,
    back      INTEGER,
    final     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE data_row (
    id      BLOB PRIMARY KEY NOT NULL,
    event   BLOB    NOT NULL,
    content BLOB    NOT NULL,
    size    INTEGER NOT NULL,
    erased  INTEGER NOT NULL,
    final   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE consent_row (
    id            BLOB PRIMARY KEY NOT NULL,
    member        BLOB    NOT NULL,
    giver         BLOB,
    resource      BLOB    NOT NULL,
    clock         INTEGER NOT NULL,
    purposes      TEXT    NOT NULL,
    actions       TEXT    NOT NULL,
    recipients    TEXT    NOT NULL,
    begins        INTEGER,
    ends          INTEGER,
    language      TEXT    NOT NULL,
    notice        BLOB    NOT NULL,
    per_use_n     INTEGER,
    per_use_scale INTEGER,
    unit          TEXT,
    pool          TEXT,
    replaces      BLOB,
    answers       BLOB,
    status        TEXT    NOT NULL,
    by            BLOB,
    final         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX consent_resource ON consent_row (resource);

CREATE TABLE data_use_row (
    id         BLOB PRIMARY KEY NOT NULL,
    consent    BLOB    NOT NULL,
    resource   BLOB    NOT NULL,
    user       BLOB    NOT NULL,
    owner      BLOB    NOT NULL,
    purpose    TEXT    NOT NULL,
    clock      INTEGER NOT NULL,
    owed_n     INTEGER,
    owed_scale INTEGER,
    unit       TEXT,
    open_n     INTEGER,
    open_scale INTEGER,
    pool       TEXT,
    fed        INTEGER NOT NULL,
    final      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX data_use_owner ON data_use_row (owner, clock);
CREATE INDEX data_use_consent ON data_use_row (consent);
-- Values that events have now: of which member, of which factor, by the seal of which height. is_first: no
-- correction took an earlier one.
CREATE TABLE worth_row (
    number   INTEGER PRIMARY KEY,  -- of the event
    giver    INTEGER NOT NULL,     -- an agent
    factor   TEXT    NOT NULL,
    height   INTEGER NOT NULL,
    points   INTEGER NOT NULL,
    is_first INTEGER NOT NULL
) STRICT;

-- A report reads all of a factor in the order of heights, and nothing else.
CREATE INDEX worth_factor ON worth_row (factor, height, giver, points, is_first);

-- What a height changed of an event that was corrected: points, or income where there is no giver.
CREATE TABLE change_row (
    key    BLOB PRIMARY KEY NOT NULL,
    number INTEGER NOT NULL,
    giver  INTEGER,
    factor TEXT    NOT NULL,
    height INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    events INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX change_number ON change_row (number);

-- Incomes of pools: as they count now, and as they first came in at a height.
CREATE TABLE income_row (
    key      BLOB PRIMARY KEY NOT NULL,
    pool     TEXT    NOT NULL,
    unit     TEXT    NOT NULL,
    scale    INTEGER NOT NULL,
    height   INTEGER NOT NULL,
    amount   INTEGER NOT NULL,
    first    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- By which seal something first happened.
CREATE TABLE milestone_row (
    key     BLOB PRIMARY KEY NOT NULL,
    sort    TEXT    NOT NULL,
    id      BLOB    NOT NULL,
    height  INTEGER NOT NULL,
    time_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX milestone_height ON milestone_row (sort, height);

CREATE TABLE review_row (
    id        BLOB PRIMARY KEY NOT NULL,
    deal      BLOB    NOT NULL,
    member    BLOB    NOT NULL,
    about     BLOB    NOT NULL,
    clock     INTEGER NOT NULL,
    status    TEXT    NOT NULL,
    opened    BLOB,
    rating    INTEGER,
    on_time   INTEGER,
    as_agreed INTEGER,
    final     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE promotion_row (
    id        BLOB PRIMARY KEY NOT NULL,
    member    BLOB    NOT NULL,
    offer     BLOB    NOT NULL,
    code      TEXT    NOT NULL,
    rate      INTEGER NOT NULL,
    window_ms INTEGER NOT NULL,
    who       TEXT,
    ended     BLOB,
    final     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE referral_row (
    id        BLOB PRIMARY KEY NOT NULL,
    member    BLOB    NOT NULL,
    promotion BLOB    NOT NULL,
    promoter  BLOB    NOT NULL,
    buyer     BLOB    NOT NULL,
    since     INTEGER,
    until     INTEGER,
    final     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE commission_row (
    id        BLOB PRIMARY KEY NOT NULL,
    referral  BLOB    NOT NULL,
    counted   INTEGER NOT NULL,
    seller    BLOB,
    promoter  BLOB,
    amount_n  INTEGER,
    open_n    INTEGER,
    scale     INTEGER,
    unit      TEXT,
    final     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE VIEW members AS
    SELECT lower(hex(id)) AS id, name, status, devices, founder, roles,
        lower(hex(referrer)) AS referrer, final
    FROM member_row;

CREATE VIEW events AS
    SELECT lower(hex(id)) AS id, lower(hex(member)) AS member, clock,
        strftime('%Y-%m-%dT%H:%M:%SZ', claimed_at / 1000, 'unixepoch') AS claimed_at, action,
        lower(hex(provider)) AS provider, lower(hex(receiver)) AS receiver,
        quantity_n, quantity_scale, unit, effort_n, effort_scale, effort_unit, specification,
        lower(hex(resource)) AS resource, lower(hex(to_resource)) AS to_resource,
        lower(hex(input_of)) AS input_of, lower(hex(output_of)) AS output_of, scope, factor,
        lower(hex(fulfills)) AS fulfills, lower(hex(satisfies)) AS satisfies,
        corrections, yes, "no" AS "no", disputes, points, height, height IS NOT NULL AS final,
        strftime(
            CASE WHEN NOT when_local THEN '%Y-%m-%dT%H:%M:%SZ'
                WHEN when_end - when_start = 86400000 THEN '%Y-%m-%d'
                ELSE '%Y-%m-%dT%H:%M:%S' END,
            when_start / 1000, 'unixepoch'
        ) AS "when"
    FROM event_row;

CREATE VIEW attests AS
    SELECT lower(hex(event)) AS event, lower(hex(member)) AS member, say, corrections, final
    FROM attest_row;

CREATE VIEW rules AS
    SELECT lower(hex(id)) AS id, subject, lower(hex(member)) AS member, class, status,
        lower(hex(base)) AS base, lower(hex(target)) AS target,
        strftime('%Y-%m-%dT%H:%M:%SZ', nullif(opened, 0) / 1000, 'unixepoch') AS opened,
        strftime('%Y-%m-%dT%H:%M:%SZ', nullif(deadline, 0) / 1000, 'unixepoch') AS deadline,
        electorate, needed, yes, "no" AS "no", abstain, block,
        nullif(height, 0) AS height, final
    FROM proposal_row;

CREATE VIEW votes AS
    SELECT lower(hex(proposal)) AS proposal, lower(hex(member)) AS member, say, clock, final
    FROM vote_row;

CREATE VIEW seals AS
    SELECT height, strftime('%Y-%m-%dT%H:%M:%SZ', time_ms / 1000, 'unixepoch') AS time,
        lower(hex(id)) AS id, lower(hex(ruleset)) AS ruleset, logs, records
    FROM seal_row;

-- What members are owed, which is final, and what was paid of it, which may be pending.
CREATE VIEW claims AS
    SELECT height, lower(hex(member)) AS member, amount, scale, unit,
        min(amount, confirmed) AS settled, lower(hex(id)) AS id, pool, earned, corrected,
        owed_back, said - confirmed AS said, amount - min(amount, confirmed) AS open,
        max(confirmed - amount, 0) AS over,
        CASE WHEN amount = 0 THEN 'nothing' WHEN confirmed >= amount THEN 'settled'
            WHEN confirmed > 0 THEN 'partly' ELSE 'open' END AS status,
        lower(hex(ruleset)) AS ruleset, final
    FROM claim_row;

CREATE VIEW payouts AS
    SELECT payout_row.height, payout_row.pool, line, bucket, sort,
        lower(hex(payout_row.member)) AS member, payout_row.amount, payout_row.scale,
        payout_row.unit, lower(hex(payout_row.ruleset)) AS ruleset, lower(hex(id)) AS claim,
        nullif(corrects, 0) AS corrects
    FROM payout_row LEFT JOIN claim_row
        ON claim_row.height = payout_row.height AND claim_row.pool = payout_row.pool
        AND claim_row.member = payout_row.member AND claim_row.unit = payout_row.unit
        AND claim_row.scale = payout_row.scale;

-- What members have with all others, by unit; the sum over all members is 0.
CREATE VIEW balances AS
    SELECT lower(hex(member)) AS member, unit, n AS balance, scale, received, final
    FROM balance_row;
-- Agreements: what members agreed, or were asked, to give each other.
CREATE VIEW deals AS
    SELECT lower(hex(id)) AS id, lower(hex(member)) AS member, clock, status, parties, yes,
        strftime('%Y-%m-%dT%H:%M:%SZ', answer_by / 1000, 'unixepoch') AS answer_by,
        lower(hex(counters)) AS counters, lower(hex(cause)) AS cause, final
    FROM deal_row;

-- What the parties say, one row for each.
CREATE VIEW signatures AS
    SELECT lower(hex(deal)) AS deal, lower(hex(member)) AS member, say, ended, final
    FROM deal_party_row;

-- What is promised or asked; deal is NULL for a promise that is in no agreement.
CREATE VIEW clauses AS
    SELECT lower(hex(clause_row.id)) AS id, lower(hex(deal)) AS deal, number, in_return,
        lower(hex(clause_row.member)) AS member, clock, action, lower(hex(provider)) AS provider,
        lower(hex(receiver)) AS receiver, quantity_n, quantity_scale, unit, met_n, met_scale,
        open_n, open_scale, specification, lower(hex(resource)) AS resource,
        strftime('%Y-%m-%dT%H:%M:%SZ', begins / 1000, 'unixepoch') AS "begin",
        strftime('%Y-%m-%dT%H:%M:%SZ', ends / 1000, 'unixepoch') AS "end",
        strftime('%Y-%m-%dT%H:%M:%SZ', due / 1000, 'unixepoch') AS due, status, final
    FROM clause_row LEFT JOIN deal_clause_row ON clause = clause_row.id;

-- What members offer, one row for each thing; the price of the first thing that is asked for it.
CREATE VIEW offers AS
    SELECT lower(hex(offer_row.id)) AS id, offer_part_row.number, lower(hex(offer_part_row.intent)) AS intent,
        lower(hex(offer_row.member)) AS member, offer_row.clock,
        lower(hex(intent_row.provider)) AS agent, intent_row.action,
        intent_row.quantity_n, intent_row.quantity_scale, intent_row.unit, intent_row.left_n,
        intent_row.left_scale, intent_row.met_n, intent_row.met_scale, intent_row.minimum_n,
        intent_row.minimum_scale, intent_row.specification,
        lower(hex(intent_row.resource)) AS resource, intent_row.tags, intent_row.scope,
        offer_row.place,
        (SELECT count(*) FROM offer_part_row AS asked
            WHERE asked.offer = offer_row.id AND asked.in_return) AS prices,
        price.stated_n AS price_n, price.stated_scale AS price_scale,
        price.unit AS price_unit, unit_based,
        strftime(
            '%Y-%m-%dT%H:%M:%SZ', coalesce(intent_row.begins, offer_row.begins) / 1000, 'unixepoch'
        ) AS "begin",
        strftime(
            '%Y-%m-%dT%H:%M:%SZ', coalesce(intent_row.ends, offer_row.ends) / 1000, 'unixepoch'
        ) AS "end",
        strftime('%Y-%m-%dT%H:%M:%SZ', intent_row.due / 1000, 'unixepoch') AS due,
        CASE WHEN offer_row.status <> 'open' THEN offer_row.status
            WHEN intent_row.status IN ('withdrawn', 'replaced') THEN intent_row.status
            WHEN intent_row.left_n = 0 THEN 'met'
            WHEN intent_row.status = 'paused' THEN 'paused'
            WHEN intent_row.is_taken THEN 'partly' ELSE 'open' END AS state,
        offer_row.final AND intent_row.final AS final
    FROM offer_row
        JOIN offer_part_row ON offer_part_row.offer = offer_row.id AND NOT offer_part_row.in_return
        JOIN intent_row ON intent_row.id = offer_part_row.intent
        LEFT JOIN offer_part_row AS first_asked
            ON first_asked.offer = offer_row.id AND first_asked.in_return AND first_asked.number = 1
        LEFT JOIN intent_row AS price ON price.id = first_asked.intent
    WHERE purpose = 'offer';

-- What members need; the price of the first thing that is given for it.
CREATE VIEW needs AS
    SELECT lower(hex(offer_row.id)) AS id, offer_part_row.number, lower(hex(offer_part_row.intent)) AS intent,
        lower(hex(offer_row.member)) AS member, offer_row.clock,
        lower(hex(intent_row.receiver)) AS agent, intent_row.action,
        intent_row.quantity_n, intent_row.quantity_scale, intent_row.unit, intent_row.left_n,
        intent_row.left_scale, intent_row.met_n, intent_row.met_scale, intent_row.minimum_n,
        intent_row.minimum_scale, intent_row.specification,
        lower(hex(intent_row.resource)) AS resource, intent_row.tags, intent_row.scope,
        offer_row.place,
        (SELECT count(*) FROM offer_part_row AS asked
            WHERE asked.offer = offer_row.id AND asked.in_return) AS prices,
        price.stated_n AS price_n, price.stated_scale AS price_scale,
        price.unit AS price_unit, unit_based,
        strftime(
            '%Y-%m-%dT%H:%M:%SZ', coalesce(intent_row.begins, offer_row.begins) / 1000, 'unixepoch'
        ) AS "begin",
        strftime(
            '%Y-%m-%dT%H:%M:%SZ', coalesce(intent_row.ends, offer_row.ends) / 1000, 'unixepoch'
        ) AS "end",
        strftime('%Y-%m-%dT%H:%M:%SZ', intent_row.due / 1000, 'unixepoch') AS due,
        CASE WHEN offer_row.status <> 'open' THEN offer_row.status
            WHEN intent_row.status IN ('withdrawn', 'replaced') THEN intent_row.status
            WHEN intent_row.left_n = 0 THEN 'met'
            WHEN intent_row.status = 'paused' THEN 'paused'
            WHEN intent_row.is_taken THEN 'partly' ELSE 'open' END AS state,
        offer_row.final AND intent_row.final AS final
    FROM offer_row
        JOIN offer_part_row ON offer_part_row.offer = offer_row.id AND NOT offer_part_row.in_return
        JOIN intent_row ON intent_row.id = offer_part_row.intent
        LEFT JOIN offer_part_row AS first_asked
            ON first_asked.offer = offer_row.id AND first_asked.in_return AND first_asked.number = 1
        LEFT JOIN intent_row AS price ON price.id = first_asked.intent
    WHERE purpose = 'request';


-- Bookings of things; until is NULL where the time was never taken.
CREATE VIEW bookings AS
    SELECT lower(hex(id)) AS id, lower(hex(deal)) AS deal, lower(hex(thing)) AS thing,
        lower(hex(resource)) AS resource, action, lower(hex(lender)) AS lender,
        lower(hex(borrower)) AS borrower,
        strftime('%Y-%m-%dT%H:%M:%SZ', begins / 1000, 'unixepoch') AS "begin",
        strftime('%Y-%m-%dT%H:%M:%SZ', ends / 1000, 'unixepoch') AS "end",
        strftime('%Y-%m-%dT%H:%M:%SZ', until / 1000, 'unixepoch') AS until, status,
        strftime('%Y-%m-%dT%H:%M:%SZ', asked / 1000, 'unixepoch') AS asked,
        strftime('%Y-%m-%dT%H:%M:%SZ', lapses / 1000, 'unixepoch') AS lapses,
        lower(hex(out)) AS out, lower(hex(back)) AS back,
        strftime('%Y-%m-%dT%H:%M:%SZ', back_at / 1000, 'unixepoch') AS back_at, final
    FROM booking_row;

CREATE VIEW projects AS
    SELECT lower(hex(id)) AS id, name, lower(hex(member)) AS member, split, status,
        nullif(cause, '') AS cause, members,
        strftime('%Y-%m-%dT%H:%M:%SZ', ends / 1000, 'unixepoch') AS "end",
        since, closed, final
    FROM project_row;

CREATE VIEW project_members AS
    SELECT lower(hex(project)) AS project, lower(hex(member)) AS member,
        strftime('%Y-%m-%dT%H:%M:%SZ', nullif(since, 0) / 1000, 'unixepoch') AS since,
        is_in, final
    FROM project_member_row;

-- What members raise together; amounts at the scale of the campaign.
CREATE VIEW campaigns AS
    SELECT lower(hex(id)) AS id, lower(hex(member)) AS member, clock, unit, scale, minimum, optimum,
        maximum, strftime('%Y-%m-%dT%H:%M:%SZ', deadline / 1000, 'unixepoch') AS deadline,
        strftime('%Y-%m-%dT%H:%M:%SZ', collect_by / 1000, 'unixepoch') AS collect_by,
        sort, gives, least, most, matching, scope, reward_n, reward_scale, reward_unit,
        short, loans, status, height, met, total, paid, final
    FROM campaign_row;

-- The last pledge of each member to a campaign; one that counts is a clause of the same id.
CREATE VIEW pledges AS
    SELECT lower(hex(record)) AS id, lower(hex(campaign)) AS campaign,
        lower(hex(member)) AS member, clock, amount, scale, unit, part, matches, number,
        nullif(lower(hex(withdrawn)), '') AS withdrawn, counted, back, final
    FROM pledge_row;
-- Resources that are data; their content is with their owner.
CREATE VIEW data AS
    SELECT lower(hex(id)) AS id, lower(hex(event)) AS event, lower(hex(content)) AS content, size,
        erased, final
    FROM data_row;

-- Consents to uses of data, and requests for them, which have no giver.
CREATE VIEW consents AS
    SELECT lower(hex(id)) AS id, lower(hex(member)) AS member, nullif(lower(hex(giver)), '') AS giver,
        lower(hex(resource)) AS resource, clock, purposes, actions, recipients,
        strftime('%Y-%m-%dT%H:%M:%SZ', begins / 1000, 'unixepoch') AS "begin",
        strftime('%Y-%m-%dT%H:%M:%SZ', ends / 1000, 'unixepoch') AS "end", language,
        lower(hex(notice)) AS notice, per_use_n, per_use_scale, unit, pool,
        nullif(lower(hex(replaces)), '') AS replaces,
        nullif(lower(hex(answers)), '') AS answers, status,
        nullif(lower(hex(by)), '') AS by, final
    FROM consent_row;

-- Uses of data under a consent, and what they promise the owner.
CREATE VIEW data_uses AS
    SELECT lower(hex(id)) AS id, lower(hex(consent)) AS consent, lower(hex(resource)) AS resource,
        lower(hex(user)) AS user, lower(hex(owner)) AS owner, purpose, clock, owed_n, owed_scale,
        unit, open_n, open_scale, pool, fed, final
    FROM data_use_row;
-- What contributions are worth, and of which factor; height: of the seal that gave the value.
CREATE VIEW values_given AS
    SELECT lower(hex((SELECT id FROM local_id WHERE local_id.number = worth_row.number))) AS event,
        lower(hex(agent.id)) AS giver, factor, points, height, is_first AS first
    FROM worth_row JOIN agent ON agent.number = worth_row.giver;

-- What corrections changed, and at which height; giver is NULL for an income of a pool.
CREATE VIEW value_changes AS
    SELECT lower(hex((SELECT id FROM local_id WHERE local_id.number = change_row.number))) AS event,
        (SELECT lower(hex(id)) FROM agent WHERE agent.number = change_row.giver) AS giver,
        factor, amount, height, events
    FROM change_row;

-- By which seal something first happened: invited, asked, admitted, active, again, brought, ...
CREATE VIEW milestones AS
    SELECT sort, lower(hex(id)) AS id, height,
        strftime('%Y-%m-%dT%H:%M:%SZ', time_ms / 1000, 'unixepoch') AS time
    FROM milestone_row;
-- Promotions of offers; rate is parts of 10,000 of an income.
CREATE VIEW promotions AS
    SELECT lower(hex(id)) AS id, lower(hex(member)) AS member, lower(hex(offer)) AS offer, code,
        rate, window_ms / 3600000 AS hours, who, nullif(lower(hex(ended)), '') AS ended, final
    FROM promotion_row;

-- Who brought which buyer to an offer; since is NULL while others have to attest it.
CREATE VIEW referrals AS
    SELECT lower(hex(id)) AS id, lower(hex(member)) AS member,
        lower(hex(promotion)) AS promotion, lower(hex(promoter)) AS promoter,
        lower(hex(buyer)) AS buyer,
        strftime('%Y-%m-%dT%H:%M:%SZ', since / 1000, 'unixepoch') AS since,
        strftime('%Y-%m-%dT%H:%M:%SZ', until / 1000, 'unixepoch') AS until, final
    FROM referral_row;

-- Incomes of promoted offers; the amounts are NULL while nothing was owed.
CREATE VIEW commissions AS
    SELECT lower(hex(id)) AS id, lower(hex(referral)) AS referral, counted,
        nullif(lower(hex(seller)), '') AS seller,
        nullif(lower(hex(promoter)), '') AS promoter,
        amount_n, open_n, scale, unit, final
    FROM commission_row;

-- Reviews of deals; the stars and both answers are NULL until one is opened.
CREATE VIEW reviews AS
    SELECT lower(hex(id)) AS id, lower(hex(deal)) AS deal, lower(hex(member)) AS member,
        lower(hex(about)) AS about, clock, status,
        nullif(lower(hex(opened)), '') AS opened, rating, on_time, as_agreed, final
    FROM review_row;
