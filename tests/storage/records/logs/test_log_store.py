"""Logs, ids and forks in the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from commonweal.protocol.codec import Value
from commonweal.protocol.errors import ForkedLog
from commonweal.protocol.keys import DeviceKey, Signer
from commonweal.protocol.records import fork_proof, record
from commonweal.protocol.records.log import Tip, next_position, read_run
from commonweal.protocol.records.record import (
    NO_ID,
    BodyRef,
    CommunityId,
    LogPosition,
    Record,
    RecordDraft,
    RecordId,
)
from commonweal.storage.records.logs import id_index, record_lookup
from commonweal.storage.records.logs.log_store import Counts, LogRow, Store

ANN, BEN = Signer(bytes([1]) * 32), Signer(bytes([2]) * 32)
FOUND = record.sign(
    ANN,
    LogPosition(CommunityId(b""), 0, NO_ID, 1, NO_ID),
    RecordDraft(record.FOUND, {"nonce": bytes(32), "name": "garden"}, 0),
)
COMMUNITY = record.community_of(FOUND)
FOUND_TIP = Tip(1, FOUND.id, 1)
MEGABYTE = 1024 * 1024


def key(signer: Signer) -> DeviceKey:
    return DeviceKey(signer.key)


def chain(
    signer: Signer,
    tip: Tip,
    datas: Sequence[dict[str, Value]],
    kind: str = "event",
    body: BodyRef | None = None,
) -> list[Record]:
    """Return records of `signer` after `tip`, one for each of `datas`."""
    run: list[Record] = []
    for data in datas:
        place = next_position(COMMUNITY, tip, RecordId(COMMUNITY), (), 1)
        one = record.sign(signer, place, RecordDraft(kind, data, 1_000 + place.seq, body=body))
        run.append(one)
        tip = Tip(one.seq + 1, one.id, one.clock)
    return run


def notes(signer: Signer, tip: Tip, count: int, tag: str = "") -> list[Record]:
    return chain(signer, tip, [{"n": n, "tag": tag} for n in range(count)])


@pytest.fixture
def store() -> Store:
    store = Store()
    store.append(key(ANN), [FOUND])
    return store


def test_a_log_is_as_long_as_what_was_appended(store: Store) -> None:
    run = notes(ANN, FOUND_TIP, 5)
    store.append(key(ANN), run[:2])
    store.append(key(ANN), run[2:])
    size = sum(len(one.wire) for one in [FOUND, *run])
    expected = LogRow(key(ANN), 6, run[-1].id, run[-1].clock, None, 0, size)
    assert store.log(key(ANN)) == expected
    assert store.logs() == (expected,)
    assert store.log(key(ANN)).tip == Tip(6, run[-1].id, run[-1].clock)
    assert store.counts() == Counts(6, 1, size, 0)


def test_a_log_that_nobody_wrote_is_empty(store: Store) -> None:
    assert store.log(key(BEN)) == LogRow(key(BEN), 0, NO_ID, 0, None, 0, 0)
    assert store.wires(key(BEN), 0, 9, MEGABYTE) == []
    assert store.id_at(key(BEN), 0) is None


def test_what_was_stored_is_verified_again_byte_by_byte(store: Store) -> None:
    run = notes(ANN, FOUND_TIP, 20)
    store.append(key(ANN), run)
    wires = store.wires(key(ANN), 0, 99, MEGABYTE)
    assert wires == [one.wire for one in [FOUND, *run]]
    other = Store()
    assert read_run(COMMUNITY, key(ANN), Tip(), wires, other.clock_of) == [FOUND, *run]
    assert [store.record(one.id) for one in run] == run
    assert store.record(FOUND.id) == FOUND


@pytest.mark.parametrize(
    "make",
    [
        lambda run: run[1:],  # a gap
        lambda run: [run[0], run[0]],  # twice
        lambda run: notes(ANN, Tip(1, RecordId(bytes(32)), 1), 1),  # after something else
        lambda run: notes(BEN, Tip(), 1),  # in the log of another
    ],
)
def test_a_run_that_does_not_fit_is_a_fault_of_the_caller(
    store: Store, make: Callable[[list[Record]], list[Record]]
) -> None:
    with pytest.raises(AssertionError):
        store.append(key(ANN), make(notes(ANN, FOUND_TIP, 3)))
    assert store.log(key(ANN)).length == 1


def test_an_empty_run_changes_nothing(store: Store) -> None:
    store.append(key(BEN), [])
    assert [row.author for row in store.logs()] == [key(ANN)]


def test_clocks_are_found_of_records_and_of_nothing_else(store: Store) -> None:
    run = notes(ANN, FOUND_TIP, 4)
    store.append(key(ANN), run)
    store.forget()
    for _ in range(2):  # read, then remembered
        assert [store.clock_of(one.id) for one in run] == [2, 3, 4, 5]
    alike = RecordId(run[0].id[:-1] + bytes([run[0].id[-1] ^ 1]))
    assert store.clock_of(alike) is None
    assert store.record(alike) is None


def test_the_memory_for_clocks_is_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_lookup, "CLOCKS_CACHED_MAX", 3)
    run = notes(ANN, FOUND_TIP, 9)
    store.append(key(ANN), run)
    for _ in range(2):
        assert [store.clock_of(one.id) for one in run] == list(range(2, 11))
    assert len(store._clocks) == 3


def test_a_clock_that_was_rolled_back_is_not_remembered(store: Store) -> None:
    store.commit()
    (one,) = notes(ANN, FOUND_TIP, 1)
    store.append(key(ANN), [one])
    assert store.clock_of(one.id) == 2
    store.rollback()
    assert store.clock_of(one.id) is None
    assert store.log(key(ANN)).length == 1
    store.append(key(ANN), [one])
    assert store.clock_of(one.id) == 2


def test_ranges_end_where_the_budget_ends_but_never_empty(store: Store) -> None:
    run = notes(ANN, FOUND_TIP, 6)
    store.append(key(ANN), run)
    wires = [one.wire for one in run]
    two = len(wires[0]) + len(wires[1])
    assert store.wires(key(ANN), 1, 99, two) == wires[:2]
    assert store.wires(key(ANN), 1, 99, two - 1) == wires[:1]
    assert store.wires(key(ANN), 1, 99, 0) == wires[:1]
    assert store.wires(key(ANN), 2, 4, MEGABYTE) == wires[1:3]
    assert store.wires(key(ANN), 4, 4, MEGABYTE) == []
    assert store.wires(key(ANN), 7, 99, MEGABYTE) == []


def test_a_range_never_reaches_into_the_next_log(store: Store) -> None:
    store.append(key(BEN), notes(BEN, Tip(), 3))
    assert store.wires(key(ANN), 0, 2**62, MEGABYTE) == [FOUND.wire]


def test_a_record_is_named_by_its_number(store: Store) -> None:
    run = notes(ANN, FOUND_TIP, 3)
    store.append(key(ANN), run)
    assert [store.id_at(key(ANN), seq) for seq in range(5)] == [
        FOUND.id,
        *(one.id for one in run),
        None,
    ]
    assert store.id_at(key(ANN), -1) is None


def test_ids_are_found_by_any_number_of_their_digits(store: Store) -> None:
    run = notes(ANN, FOUND_TIP, 60)
    store.append(key(ANN), run)
    every = sorted(one.id for one in [FOUND, *run])
    for length in (1, 2, 3, 5, 12, 13, 63, 64):
        digits = run[7].id.hex()[:length]
        expected = [one for one in every if one.hex().startswith(digits)]
        assert store.ids(digits, 99) == expected
        assert store.ids(digits.upper(), 99) == expected
    for wrong in (13, 64):  # within and beyond the digits that are indexed
        digits = run[7].id.hex()[:wrong]
        assert store.ids(digits[:-1] + f"{int(digits[-1], 16) ^ 1:x}") == []
    ambiguous = every[30].hex()[:1]
    assert store.ids(ambiguous, 2) == [one for one in every if one.hex()[0] == ambiguous][:2]


def test_ids_are_found_while_and_after_they_move_to_the_large_table(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(id_index, "FRESH_IDS_MAX", 7)
    run = notes(ANN, FOUND_TIP, 25)
    for start in range(0, 25, 3):
        store.append(key(ANN), run[start : start + 3])
        store.commit()
        if start == 9:
            store.rollback()  # forgets the count
    assert store.row("SELECT count(*) FROM fresh_id") == (1,)
    assert store.row("SELECT count(*) FROM record_id") == (25,)
    store.forget()
    for one in [FOUND, *run]:
        assert store.clock_of(one.id) == one.clock
        assert store.ids(one.id.hex()[:10]) == [one.id]
    every = sorted(one.id for one in [FOUND, *run])
    digit = every[13].hex()[0]
    assert store.ids(digit, 99) == [one for one in every if one.hex()[0] == digit]


@pytest.mark.parametrize("digits", ["", "xyz", "0x1f", "é", "0" * 64, "0" * 65, " "])
def test_what_is_no_beginning_of_an_id_finds_nothing(store: Store, digits: str) -> None:
    assert store.ids(digits) == []


def test_an_id_on_another_branch_is_found_too(store: Store) -> None:
    ours, theirs = notes(ANN, FOUND_TIP, 2, "a"), notes(ANN, FOUND_TIP, 2, "b")
    store.append(key(ANN), ours)
    store.freeze(fork_proof.check(ours[0], theirs[0], COMMUNITY))
    store.append_branch(theirs)
    for one in ours + theirs:
        assert store.ids(one.id.hex()[:9]) == [one.id]


def test_rare_records_are_those_of_few_kinds(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_lookup, "RARE_ROWS_READ", 2)
    bens = chain(BEN, Tip(), [{"n": n} for n in range(5)], "member.request")
    store.append(key(ANN), notes(ANN, FOUND_TIP, 3))
    store.append(key(BEN), bens)
    assert list(store.rare()) == [FOUND, *bens]
    assert list(store.rare({key(BEN): 3})) == [FOUND, *bens[3:]]
    fork = chain(BEN, Tip(3, bens[2].id, bens[2].clock), [{}])
    store.freeze(fork_proof.check(bens[3], fork[0], COMMUNITY))
    assert list(store.rare()) == [FOUND, *bens[:3]]


def test_checked_only_grows(store: Store) -> None:
    store.append(key(ANN), notes(ANN, FOUND_TIP, 3))
    store.mark_checked(key(ANN), 3)
    store.mark_checked(key(ANN), 2)
    assert store.log(key(ANN)).checked == 3


# Forks


def test_a_proof_ends_the_log_and_keeps_both_branches(store: Store) -> None:
    run = notes(ANN, FOUND_TIP, 8)
    store.append(key(ANN), run)
    store.mark_checked(key(ANN), 9)
    size = store.log(key(ANN)).bytes
    other = notes(ANN, Tip(5, run[3].id, run[3].clock), 3, "other")
    proof = fork_proof.check(other[0], run[4], COMMUNITY)
    assert store.freeze(proof)
    row = LogRow(key(ANN), 5, run[3].id, run[3].clock, 5, 5, size)
    assert store.log(key(ANN)) == row
    assert store.proof(key(ANN)) == proof
    assert list(store.proofs()) == [proof]
    assert store.wires(key(ANN), 4, 99, MEGABYTE) == [run[3].wire]
    assert store.id_at(key(ANN), 5) is None
    store.append_branch(other[:2])
    store.append_branch(other)  # the first two are held
    store.forget()
    for one in run + other:
        assert store.record(one.id) == one
        assert store.clock_of(one.id) == one.clock
    for branch, at in ((other, 2), (other, 0), (run[4:], 2), (run[4:], 0)):
        wires = [one.wire for one in branch]
        for skip in range(len(wires) + 2):
            assert store.branch_wires(branch[at].id, MEGABYTE, skip) == wires[skip:]
    grown = sum(len(one.wire) for one in other)
    assert store.log(key(ANN)) == row._replace(bytes=size + grown)
    assert store.counts().records == 5


def test_a_branch_is_sent_from_its_beginning_as_far_as_it_fits(store: Store) -> None:
    run, other = notes(ANN, FOUND_TIP, 4), notes(ANN, FOUND_TIP, 4, "other")
    store.append(key(ANN), run)
    store.freeze(fork_proof.check(run[0], other[0], COMMUNITY))
    store.append_branch(other)
    for branch in (run, other):
        budget = sum(len(one.wire) for one in branch[:2])
        wires = [one.wire for one in branch]
        assert store.branch_wires(branch[3].id, budget) == wires[:2]
        assert store.branch_wires(branch[3].id, 0) == wires[:1]
    assert store.branch_wires(FOUND.id, MEGABYTE) == []
    assert store.branch_wires(RecordId(bytes(32)), MEGABYTE) == []


def test_the_lowest_proof_wins_in_any_order(store: Store) -> None:
    run = notes(ANN, FOUND_TIP, 8)
    high = notes(ANN, Tip(6, run[4].id, run[4].clock), 2, "high")
    low = notes(ANN, Tip(3, run[1].id, run[1].clock), 2, "low")
    proofs = [
        fork_proof.check(run[5], high[0], COMMUNITY),
        fork_proof.check(run[2], low[0], COMMUNITY),
    ]
    rows = []
    for order in (proofs, proofs[::-1]):
        store = Store()
        store.append(key(ANN), [FOUND, *run])
        assert [store.freeze(proof) for proof in order] == [True, order is proofs]
        assert not store.freeze(proofs[1])
        rows.append((store.log(key(ANN)), store.proof(key(ANN))))
    assert rows[0] == rows[1]
    assert rows[0][0].length == rows[0][0].frozen == 3
    assert rows[0][0].head == run[1].id
    assert rows[0][1] == proofs[1]


def test_a_branch_of_a_branch_is_sent_through_the_void_part(store: Store) -> None:
    run = notes(ANN, FOUND_TIP, 8)
    high = notes(ANN, Tip(6, run[4].id, run[4].clock), 2, "high")
    low = notes(ANN, Tip(3, run[1].id, run[1].clock), 2, "low")
    store.append(key(ANN), run)
    store.freeze(fork_proof.check(run[5], high[0], COMMUNITY))
    store.append_branch(high)
    store.freeze(fork_proof.check(run[2], low[0], COMMUNITY))
    expected = [one.wire for one in [*run[2:5], *high]]
    assert store.branch_wires(high[1].id, MEGABYTE) == expected
    assert store.branch_wires(high[1].id, 0) == expected[:1]
    for skip in range(len(expected) + 2):
        assert store.branch_wires(high[1].id, MEGABYTE, skip) == expected[skip:]
    assert store.branch_wires(high[1].id, sum(map(len, expected)) - 1) == expected[:-1]


def test_a_branch_is_sent_without_a_gap(store: Store) -> None:
    long: list[dict[str, Value]] = [{"n": 1}, {"n": 2, "long": "x" * 900}]
    run = chain(ANN, FOUND_TIP, long)
    high = notes(ANN, Tip(3, run[1].id, run[1].clock), 2, "high")
    store.append(key(ANN), run)
    store.append(key(ANN), notes(ANN, store.log(key(ANN)).tip, 1))
    store.freeze(fork_proof.check(run[0], notes(ANN, FOUND_TIP, 1, "low")[0], COMMUNITY))
    store.append_branch(high)
    room_for_the_short_ones = len(run[0].wire) + len(high[0].wire) + 9
    assert store.branch_wires(high[1].id, room_for_the_short_ones) == [run[0].wire]


def test_a_proof_that_comes_before_the_log_leaves_room_below_it(store: Store) -> None:
    run = notes(BEN, Tip(), 6)
    other = notes(BEN, Tip(4, run[3].id, run[3].clock), 1, "other")
    assert store.freeze(fork_proof.check(run[4], other[0], COMMUNITY))
    assert store.log(key(BEN)) == LogRow(key(BEN), 0, NO_ID, 0, 4, 0, 0)
    store.append(key(BEN), run[:2])
    with pytest.raises(ForkedLog):
        store.append(key(BEN), run[2:5])
    assert store.log(key(BEN)).length == 2
    store.append(key(BEN), run[2:4])
    row = store.log(key(BEN))
    assert (row.length, row.head, row.frozen) == (4, run[3].id, 4)
    with pytest.raises(ForkedLog):
        store.append(key(BEN), run[4:])
    store.append_branch(run[4:])
    assert store.branch_wires(run[5].id, MEGABYTE) == [one.wire for one in run[4:]]


def test_a_log_forked_at_its_first_record_has_no_good_part(store: Store) -> None:
    run, other = notes(BEN, Tip(), 2), notes(BEN, Tip(), 1, "other")
    store.append(key(BEN), run)
    store.freeze(fork_proof.check(run[0], other[0], COMMUNITY))
    row = store.log(key(BEN))
    assert (row.length, row.head, row.clock, row.frozen) == (0, NO_ID, 0, 0)
    assert store.branch_wires(run[1].id, MEGABYTE) == [one.wire for one in run]


def test_a_record_of_a_good_log_is_no_branch(store: Store) -> None:
    with pytest.raises(AssertionError):
        store.append_branch(notes(ANN, FOUND_TIP, 1))


def test_a_log_grows_again_where_a_badly_signed_branch_was(store: Store) -> None:
    run = notes(ANN, FOUND_TIP, 4)
    spoilt = [record.from_bytes_unchecked(one.header + bytes(64)) for one in run[:1]]
    for number in (2, 3):
        tip = Tip(spoilt[-1].seq + 1, spoilt[-1].id, spoilt[-1].clock)
        (one,) = notes(ANN, tip, 1)
        if number == 2:
            one = record.from_bytes_unchecked(one.header + bytes(64))
        spoilt.append(one)
    store.append(key(ANN), spoilt)
    assert store.freeze(fork_proof.check(spoilt[1], spoilt[2], COMMUNITY))
    row = store.log(key(ANN))
    assert (row.length, row.frozen, row.head) == (1, 2, FOUND.id), "not to a bad signature"
    assert store.branch_wires(spoilt[0].id, MEGABYTE) == [one.wire for one in spoilt]
    store.append(key(ANN), run[:1])
    assert store.log(key(ANN)).head == run[0].id
    for one in spoilt + run[:1]:
        assert store.record(one.id) == one
    assert store.branch_wires(spoilt[2].id, MEGABYTE) == [one.wire for one in spoilt]
