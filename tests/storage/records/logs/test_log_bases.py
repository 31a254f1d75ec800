"""A log of a light home begins at a base; below it only governance records stay."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from commonweal.protocol import keys
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records import fork_proof, record
from commonweal.protocol.records.log import Tip
from commonweal.protocol.records.record import NO_ID, Record
from commonweal.storage.records import light_home
from commonweal.storage.records.logs import blob_references, log_bases, row_repair, run_pages
from commonweal.storage.records.logs.blob_references import named_where_kept
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.records.logs.run_pages import PACKED_MIN
from tests.storage.records.logs.test_log_store import (
    ANN,
    BEN,
    COMMUNITY,
    FOUND,
    FOUND_TIP,
    chain,
    key,
    notes,
)

SALT = bytes(record.SALT_BYTES)
MEGABYTE = 1024 * 1024


def log_with_texts() -> tuple[Store, list[Record], bytes]:
    """Return a log: founding record, 4 events, a governance record, 4 events; each has one text."""
    store = Store()
    text, ref = record.erasable_body(SALT, "text/plain", b"a note")
    store.append(key(ANN), [FOUND])
    first = chain(ANN, FOUND_TIP, [{"n": n} for n in range(4)], body=ref)
    rule = chain(ANN, record_tip(first[-1]), [{"n": 4}], kind="rules.comment")
    rest = notes(ANN, record_tip(rule[-1]), 4)
    store.append(key(ANN), first + rule + rest, {ref.hash: text})
    store.commit()
    return store, [FOUND, *first, *rule, *rest], ref.hash


def record_tip(last: Record) -> Tip:
    return Tip(last.seq + 1, last.id, last.clock)


def test_what_lies_below_a_base_is_dropped_in_portions_but_for_governance_records() -> None:
    store, records, text = log_with_texts()
    author, before = key(ANN), store.log(key(ANN))
    assert store.raise_base(author, 7)
    steps = 0
    while (due := store.to_drop()) is not None:
        assert due == author and store.drop(author, 2) <= 2
        steps += 1
    assert steps == 4 and store.has_bases()
    here = [one.seq for one in records if store.wire(one.id) is not None]
    assert here == [0, 5, 7, 8, 9]
    assert [one.seq for one in store.rare()] == [0, 5]
    assert store.rare_of(author, 0, 10) == [records[0].wire, records[5].wire]
    assert store.rare_of(author, 1, 6) == [records[5].wire] and not store.rare_of(author, 1, 5)
    assert store.ids(records[2].id.hex()) == [] and store.ids(records[5].id.hex()) == [
        records[5].id
    ]
    assert store.wires(author, 6, 10, MEGABYTE) == [] == store.wires(author, 0, 10, MEGABYTE)
    assert store.wires(author, 7, 10, MEGABYTE) == [one.wire for one in records[7:]]
    assert store.body(text) is None and not store.wanted_bodies(9)
    row = store.log(author)
    gone = sum(len(records[at].wire) for at in (1, 2, 3, 4, 6))
    assert (row.bytes, row.texts) == (before.bytes - gone, 0)
    assert row.tip == before.tip and row.checked == 7


@pytest.mark.parametrize("base", [10, 11, 7, 6, 0, -1])
def test_a_base_never_falls_and_the_last_record_always_stays(base: int) -> None:
    store, _, _ = log_with_texts()
    store.raise_base(key(ANN), 7)
    assert not store.raise_base(key(ANN), base)
    assert store.log(key(ANN)).base == 7


def test_a_log_goes_on_above_its_base_and_its_row_is_right() -> None:
    store, records, _ = log_with_texts()
    store.raise_base(key(ANN), 9)
    store.drop(key(ANN), 100)
    more = notes(ANN, record_tip(records[-1]), 3, "more")
    store.append(key(ANN), more)
    assert row_repair.repair_rows(store, COMMUNITY) == {}
    assert len(store.wires(key(ANN), 9, 13, MEGABYTE)) == 4


def test_a_fork_below_a_base_ends_the_log_where_the_proof_says() -> None:
    store, records, _ = log_with_texts()
    store.raise_base(key(ANN), 8)
    store.drop(key(ANN), 100)
    (other,) = chain(ANN, record_tip(records[2]), [{"n": "other"}])
    assert store.freeze(fork_proof.check(records[3], other, COMMUNITY))
    row = store.log(key(ANN))
    assert (row.frozen, row.length, row.head) == (3, 3, records[2].id)
    assert store.wires(key(ANN), 0, 10, MEGABYTE) == []
    assert store.rare_of(key(ANN), 0, 10) == [records[0].wire], "what is void is none"
    assert store.void(key(ANN)) == [records[5], *records[8:]]
    assert store.branch_wires(records[9].id, MEGABYTE) == [], "a chain with a gap is not served"
    assert row_repair.repair_rows(store, COMMUNITY) == {}


def test_the_good_part_of_a_fork_below_a_base_is_put_back_from_its_end() -> None:
    store, records, text = log_with_texts()
    store.raise_base(key(ANN), 8)
    store.drop(key(ANN), 100)
    (other,) = chain(ANN, record_tip(records[3]), [{"n": "other"}])
    store.freeze(fork_proof.check(records[4], other, COMMUNITY))
    store.keep_undropped()
    store.settle_forks()
    row = store.log(key(ANN))
    assert (row.base, row.length, row.head) == (4, 4, records[3].id)
    assert row_repair.repair_rows(store, COMMUNITY) == {}
    assert store.void(key(ANN)) == [records[5], *records[8:]], "what others may cite stays"
    store.refill(key(ANN), records[2:4], {})
    store.refill(key(ANN), records[:2], {})
    row = store.log(key(ANN))
    assert (row.base, row.tip) == (0, record_tip(records[3]))
    assert store.wires(key(ANN), 0, 9, MEGABYTE) == [one.wire for one in records[:4]]
    assert store.wire(records[1].id) == records[1].wire and store.wanted_body(text) is not None
    assert row_repair.repair_rows(store, COMMUNITY) == {} and not store.has_bases()
    store.append_branch(records[4:])
    assert store.void(key(ANN)) == records[4:]


def test_a_record_that_was_fetched_is_found_by_its_id_and_the_oldest_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_bases, "FETCHED_MAX", 2)
    store, records, _ = log_with_texts()
    store.raise_base(key(ANN), 9)
    store.drop(key(ANN), 100)
    for at in (1, 2, 3):
        store.put_fetched(records[at].wire, [records[at + 1].wire] if at < 3 else None)
    assert store.wire(records[1].id) is None
    assert store.clock_of(records[2].id) == records[2].clock
    assert store.ids(records[3].id.hex()[:16]) == [records[3].id]
    kept, large = store.fetched(records[2].id), store.fetched(records[3].id)
    assert kept is not None and kept.following == (records[3].wire,)
    assert large is not None and large.following is None
    assert store.wires(key(ANN), 2, 3, 0) == [], "it is no range"
    store.put_fetched(records[2].wire, [])
    assert store.fetched(records[3].id) is not None, "the same one again takes no place"


def test_a_home_is_light_while_it_says_of_how_many_heights() -> None:
    store = Store()
    assert light_home.heights_kept(store) is None and light_home.followed(store) == 0
    light_home.keep_heights(store, light_home.HEIGHTS_KEPT)
    light_home.put_followed(store, 12)
    assert (light_home.heights_kept(store), light_home.followed(store)) == (100, 12)
    light_home.keep_heights(store, None)
    assert light_home.heights_kept(store) is None
    with pytest.raises(AssertionError):
        light_home.keep_heights(store, 0)
    assert keys.hash32(keys.RECORD, FOUND.wire) == FOUND.id


@pytest.mark.parametrize("at", [1, 4, 6])
def test_a_record_that_the_disk_changed_is_dropped_like_any_other(at: int) -> None:
    store, records, _ = log_with_texts()
    store.tidy()
    tail = records[at].wire[-60:]
    store.change("UPDATE record SET tail = ? WHERE key & 1099511627775 = ?", (tail, at))
    store.raise_base(key(ANN), 8)
    while store.to_drop() is not None:
        store.drop(key(ANN), 3)
    assert store.wire(records[at].id) is None
    assert store.ids(records[at].id.hex()) == []
    assert [one.seq for one in store.rare()] == [0, 5]


SHARED = record.erasable_body(SALT, "text/plain", b"a text that two name")
BEFORE_BEN = Tip(0, NO_ID, 0)


def dropped(store: Store, author: DeviceKey, base: int) -> None:
    """Let a log begin at a base, and remove what lies below."""
    assert store.raise_base(author, base)
    while store.to_drop() is not None:
        store.drop_some(5)


def named_by_ann() -> Store:
    """Return a store with a log of six records whose second one names the shared text."""
    store = Store()
    store.append(key(ANN), [FOUND])
    run = chain(ANN, FOUND_TIP, [{"n": 0}], body=SHARED[1])
    run += notes(ANN, record_tip(run[-1]), 4)
    store.append(key(ANN), run, {SHARED[1].hash: SHARED[0]})
    return store


@pytest.mark.parametrize("base", [0, 1, 7, PACKED_MIN])
@pytest.mark.parametrize("packed_min", [PACKED_MIN, 1_000])
def test_a_text_stays_while_a_record_above_a_base_names_it(
    base: int, packed_min: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_pages, "PACKED_MIN", packed_min)
    store = named_by_ann()
    run = notes(BEN, BEFORE_BEN, PACKED_MIN)
    run += chain(BEN, record_tip(run[-1]), [{"n": 9}], body=SHARED[1])
    run += notes(BEN, record_tip(run[-1]), 1)
    store.append(key(BEN), run)
    if base:
        dropped(store, key(BEN), base)
    dropped(store, key(ANN), 5)
    assert store.body(SHARED[1].hash) == SHARED[0]
    assert store.raise_base(key(BEN), PACKED_MIN + 1)
    assert not named_where_kept(store, [SHARED[1].hash]), "what is to be dropped keeps no text"
    assert store.drop_some(PACKED_MIN + 1) == [key(BEN)]
    assert store.body(SHARED[1].hash) is None


def test_a_text_that_is_still_wanted_stays_so_while_a_kept_record_names_it() -> None:
    store = Store()
    store.append(key(ANN), [FOUND])
    store.append(key(ANN), chain(ANN, FOUND_TIP, [{"n": n} for n in range(3)], body=SHARED[1]))
    store.append(key(BEN), chain(BEN, BEFORE_BEN, [{"n": n} for n in range(3)], body=SHARED[1]))
    dropped(store, key(ANN), 3)
    assert store.wanted_body(SHARED[1].hash) == SHARED[1]
    dropped(store, key(BEN), 1)
    assert store.wanted_body(SHARED[1].hash) == SHARED[1]


def test_a_text_stays_that_a_governance_record_names() -> None:
    store = named_by_ann()
    run = chain(BEN, BEFORE_BEN, [{"n": 1}], kind="rules.comment", body=SHARED[1])
    store.append(key(BEN), [*run, *notes(BEN, record_tip(run[-1]), 3)])
    dropped(store, key(BEN), 3)
    dropped(store, key(ANN), 5)
    assert store.body(SHARED[1].hash) == SHARED[0]


def test_a_text_stays_that_a_record_beside_the_logs_names() -> None:
    store = named_by_ann()
    (seen,) = chain(BEN, BEFORE_BEN, [{"n": 1}], body=SHARED[1])
    store.put_fetched(seen.wire, [])
    dropped(store, key(ANN), 4)
    assert store.body(SHARED[1].hash) == SHARED[0], "it was fetched with its record"
    store = named_by_ann()
    ours, theirs = (chain(BEN, BEFORE_BEN, [{"n": n}], body=SHARED[1]) for n in (1, 2))
    store.append(key(BEN), ours)
    store.freeze(fork_proof.check(ours[0], theirs[0], COMMUNITY))
    store.append_branch(theirs)
    dropped(store, key(ANN), 4)
    assert store.body(SHARED[1].hash) == SHARED[0], "a branch names it"


def test_texts_of_many_logs_are_looked_for_together(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[bytes]] = []

    def named(_: Store, hashes: Iterable[bytes]) -> set[bytes]:
        asked.append(sorted(hashes))
        return set()

    monkeypatch.setattr(blob_references, "named_where_kept", named)
    store = Store()
    refs = [record.erasable_body(SALT, "text/plain", bytes([n])) for n in (1, 2)]
    for signer, (text, ref) in zip((ANN, BEN), refs, strict=True):
        tip = FOUND_TIP if signer is ANN else BEFORE_BEN
        store.append(key(signer), [FOUND] if signer is ANN else [])
        run = chain(signer, tip, [{"n": n} for n in range(3)], body=ref)
        store.append(key(signer), run, {ref.hash: text})
        store.raise_base(key(signer), 2)
    assert set(store.drop_some(4)) == {key(ANN), key(BEN)}
    assert asked == [sorted(ref.hash for _, ref in refs)], "all is searched once in a step"
    assert store.to_drop() is None and not store.drop_some(4)
    assert len(asked) == 1, "and not at all where no text goes"
