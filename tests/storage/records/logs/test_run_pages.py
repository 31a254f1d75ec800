"""Records in packed runs: whatever is asked, the answer is that of a store with a row a record."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from commonweal.client.keep.integrity import Checking
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records import fork_proof, packed_run
from commonweal.protocol.records.packed_run import RECORDS_MAX
from commonweal.protocol.records.record import Record, RecordId
from commonweal.storage.records.logs import run_pages
from commonweal.storage.records.logs.blob_references import authors_naming, erasures
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.records.logs.run_pages import LOST, PACKED_MIN
from tests.attacks import history
from tests.protocol.authors import BO, COMMUNITY, EVE, FIRST, FOUNDING, MEI, chain, write

AUTHORS = [person.device for person in (MEI, BO, EVE)]


class RowStore(Store):
    """The oracle: each record has a row of its own."""

    def pack_loose(self) -> bool:
        """Pack nothing."""
        return False


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """While it is in use, nothing is packed when it is appended."""
    monkeypatch.setattr(run_pages, "PACKED_MIN", 10**9)
    yield


def life(store: Store, seed: int, count: int) -> list[Record]:
    """Let a store live; return all records that it was given."""
    given: list[Record] = []
    append, branch = store.append, store.append_branch

    def noted(author: DeviceKey, run: list[Record], bodies: object = None) -> None:
        append(author, run, bodies)  # type: ignore[arg-type]
        given.extend(run)

    store.append = noted  # type: ignore[method-assign,assignment]
    for step in history.steps(seed, count):
        step(store)
        store.commit()
    store.append = append  # type: ignore[method-assign]
    assert store.append_branch == branch
    return given


def runs_in(store: Store) -> int:
    """How many packed runs a store has."""
    (count,) = store.row("SELECT count(*) FROM run") or (0,)
    return int(count)


def told(store: Store, given: list[Record]) -> list[object]:
    """Everything that a store says of its records."""
    said: list[object] = [store.logs(), store.counts(), list(store.rare())]
    hashes = [one.body.hash for one in given if one.body]
    for author in AUTHORS:
        log = store.log(author)
        said.append(store.wires(author, 0, log.length, 1 << 40))
        for start in range(0, log.length + 2, 7):
            for stop in (start, start + 1, start + 40, start + 1_000):
                said += [store.wires(author, start, stop, room) for room in (0, 5_000)]
        said += [store.id_at(author, seq) for seq in range(-1, log.length + 2)]
        said += [store.void(author), store.proof(author), store.branch_size(author)]
        for needle in (b"work", *hashes[:3]):
            said.append(list(store.containing(needle, author)))
            said.append(list(store.containing(needle, author, 5, 9)))
    for one in given:
        said += [store.wire(one.id), store.clock_of(one.id), store.ids(one.id.hex()[:5])]
        said.append(store.branch_wires(one.id, 10_000))
    said += [sorted(authors_naming(store, hashes)), erasures(store, -1)]
    return said


@pytest.mark.parametrize("seed", range(4))
def test_a_life_is_told_alike(seed: int, plain: None) -> None:
    rows, store = RowStore(), Store()
    given = life(rows, seed, 90)
    expected = told(rows, given)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_pages, "PACKED_MIN", 2)
        assert life(store, seed, 90) == given
    packed = runs_in(store)
    assert packed > 2 and runs_in(rows) == 0
    assert told(store, given) == expected
    while store.tidy():
        pass
    store.commit()
    assert runs_in(store) >= packed
    assert told(store, given) == expected
    assert list(Checking(store, COMMUNITY).faults()) == list(Checking(rows, COMMUNITY).faults())


def begun(store: Store) -> Store:
    """A store with a founding record."""
    assert FIRST.body is not None
    store.append(MEI.device, [FIRST], {FIRST.body.hash: FOUNDING.body})
    return store


def lengths(store: Store) -> list[tuple[int, int]]:
    """First key and number of records of each packed run."""
    rows = store.rows("SELECT key, content FROM run ORDER BY key")
    return [(key & run_pages.SEQ_MAX, packed_run.count(content)) for key, content in rows]


@pytest.mark.parametrize("seed", range(6))
def test_records_that_come_in_any_portions_are_told_alike(seed: int, plain: None) -> None:
    chance = Random(seed)
    run = chain(MEI, 700, FIRST)
    rows, store = begun(RowStore()), begun(Store())
    rows.append(MEI.device, run)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_pages, "PACKED_MIN", PACKED_MIN)
        at = 0
        while at < len(run):
            more = chance.choice((1, 2, 15, 16, 63, 64, 65, 200))
            store.append(MEI.device, run[at : at + more])
            at += more
            if chance.random() < 0.3:
                store.tidy()
    assert runs_in(store)
    assert told(store, run) == told(rows, run)


def test_only_data_is_packed_and_never_the_first_record() -> None:
    store = begun(Store())
    kinds = ["event"] * 20 + ["member.profile"] + ["attest"] * PACKED_MIN + ["review"] * 3
    run: list[Record] = []
    for kind in kinds:
        run.append(write(MEI, run[-1] if run else FIRST, kind=kind))
    store.append(MEI.device, run)
    assert lengths(store) == [(1, 20), (22, PACKED_MIN + 3)]
    junk = chain(BO, 30)  # the log of a stranger begins with data
    store.append(BO.device, junk)
    assert lengths(store)[2:] == [(1, 29)]
    assert store.wires(BO.device, 0, 99, 1 << 30) == [one.wire for one in junk]


def test_records_that_came_one_by_one_are_packed_when_there_is_time() -> None:
    store = begun(Store())
    run = chain(MEI, 3 * RECORDS_MAX + 5, FIRST)
    for one in run:
        store.append(MEI.device, [one])
    assert runs_in(store) == 0
    store.tidy()
    assert lengths(store) == [(1 + RECORDS_MAX * n, RECORDS_MAX) for n in range(3)]
    assert store.row("SELECT count(*) FROM record") == (6,)
    assert store.wires(MEI.device, 1, 999, 1 << 30) == [one.wire for one in run]


def test_packing_goes_on_where_it_ended_and_then_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_pages, "LOOSE_ROWS_READ", 100)
    store = begun(Store())
    run = chain(MEI, 450, FIRST)
    for one in run:
        store.append(MEI.device, [one])
    steps = 1
    while store.pack_loose():
        steps += 1
    assert len(lengths(store)) == 450 // RECORDS_MAX and 4 < steps < 12
    read: list[str] = []

    def rows(statement: str, _values: object = ()) -> list[object]:
        read.append(statement)
        return []

    monkeypatch.setattr(store, "rows", rows)
    assert not store.pack_loose()
    assert read == [], "nothing came, so nothing is read"


def test_a_home_of_former_rows_is_packed_in_portions(tmp_path: Path, plain: None) -> None:
    run = chain(MEI, 2_500, FIRST)
    store = begun(Store(tmp_path / "ledger.db"))
    store.append(MEI.device, run)
    store.commit()
    store.close()
    store = Store(tmp_path / "ledger.db")
    assert runs_in(store) == 0
    while store.tidy():
        store.commit()
        store.rollback()  # as a crash between two portions
        assert store.wires(MEI.device, 1, 9_999, 1 << 30) == [one.wire for one in run]
        if runs_in(store) >= 2_500 // RECORDS_MAX:
            break
    assert runs_in(store) == 2_500 // RECORDS_MAX


def flip(store: Store, key: int) -> None:
    """Change a byte of the signatures of a run."""
    ((content,),) = store.rows("SELECT content FROM run WHERE key = ?", (key,))
    at = len(content) // 2
    store.change(
        "UPDATE run SET content = ? WHERE key = ?",
        (content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :], key),
    )
    store.forget()


def test_a_damaged_run_is_lost_as_a_whole_and_mended_record_by_record() -> None:
    store = begun(Store())
    count = 3 * RECORDS_MAX + 8
    run = chain(MEI, count, FIRST)
    store.append(MEI.device, run)
    right = [one.wire for one in run]
    ((second,),) = store.rows("SELECT key FROM run ORDER BY key LIMIT 1 OFFSET 1")
    flip(store, second)
    damaged = range(RECORDS_MAX, 2 * RECORDS_MAX)
    lost = [LOST if n in damaged else wire for n, wire in enumerate(right)]
    assert store.wires(MEI.device, 1, 999, 1 << 30) == lost
    assert [store.wire(one.id) for one in run[::20]] == [
        None if n in damaged else right[n] for n in range(0, count, 20)
    ]
    found = [wire for wire in lost if wire != LOST]
    assert list(store.containing(b"event", MEI.device)) == found
    for n in reversed(damaged):
        assert runs_in(store) == 3
        store.mend(MEI.device, n + 1, right[n])
        lost[n] = right[n]
        assert store.wires(MEI.device, 1, 999, 1 << 30) == lost
    assert runs_in(store) == 2, "the damaged run goes when all of it was fetched again"
    store.tidy()
    assert runs_in(store) == 3
    assert store.wires(MEI.device, 1, 999, 1 << 30) == right


def test_a_damaged_run_at_the_end_of_a_log_is_mended() -> None:
    store = begun(Store())
    run = chain(MEI, 20, FIRST)
    store.append(MEI.device, run)
    ((only,),) = store.rows("SELECT key FROM run")
    flip(store, only)
    assert store.wires(MEI.device, 1, 21, 1 << 30) == [LOST] * 20
    for one in reversed(run):
        store.mend(MEI.device, one.seq, one.wire)
    assert runs_in(store) == 0
    assert store.wires(MEI.device, 1, 21, 1 << 30) == [one.wire for one in run]


@pytest.mark.parametrize("gone", ["record", "run"])
def test_what_is_gone_is_lost_and_found_again(gone: str) -> None:
    store = begun(Store())
    run = chain(MEI, 1_300, FIRST)
    for one in run[:600]:
        store.append(MEI.device, [one])
    store.append(MEI.device, run[600:])
    right = [one.wire for one in run]
    kept = store.rows(f"SELECT key & 1099511627775 FROM {gone} WHERE key & 1099511627775 > 300")
    first = kept[3][0]
    count = RECORDS_MAX if gone == "run" else 1
    store.change(f"DELETE FROM {gone} WHERE key & 1099511627775 = ?", (first,))
    lost = [*right[: first - 1], *[LOST] * count, *right[first - 1 + count :]]
    assert store.wires(MEI.device, 1, 9_999, 1 << 30) == lost
    for seq in range(first, first + count):
        store.mend(MEI.device, seq, right[seq - 1])
    assert store.wires(MEI.device, 1, 9_999, 1 << 30) == right


def test_the_good_part_grows_into_void_runs() -> None:
    """A proof ends a log within a run; later the good part of it comes again, shorter."""
    store = begun(Store())
    run = chain(MEI, 100, FIRST)
    store.append(MEI.device, run)
    one, two = (write(MEI, run[69], data={"of": of}) for of in ("one", "two"))
    store.freeze(fork_proof.check(one, two, COMMUNITY))
    assert store.log(MEI.device).length == 71
    one, two = (write(MEI, run[29], data={"of": of}) for of in ("one", "two"))
    store.freeze(fork_proof.check(one, two, COMMUNITY))
    assert store.log(MEI.device).length == 31
    assert store.void(MEI.device) == run[30:]
    assert store.wires(MEI.device, 0, 999, 1 << 30) == [FIRST.wire, *[r.wire for r in run[:30]]]
    assert [store.wire(RecordId(r.id)) for r in run] == [r.wire for r in run]
    assert store.branch_wires(run[50].id, 1 << 30) == [r.wire for r in run[30:]]


def test_what_is_kept_of_unpacked_runs_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    store = begun(Store())
    run = chain(MEI, 5_000, FIRST)
    store.append(MEI.device, run)
    unpacked: list[int] = []
    unpack = packed_run.unpack

    def noted(opening: bytes, seq: int, packed: bytes) -> packed_run.UnpackedRun:
        unpacked.append(seq)
        return unpack(opening, seq, packed)

    monkeypatch.setattr(packed_run, "unpack", noted)
    for one in [*run, *run[-10:]]:
        assert store.wire(one.id) == one.wire
        assert store._unpacked_bytes <= run_pages.UNPACKED_BYTES_MAX
    assert len(unpacked) == len(set(unpacked)) == 5_000 // RECORDS_MAX
    held = sum(cached.size for cached in store._unpacked.values())
    assert held == store._unpacked_bytes > 0
    store.commit()
    store.checkpoint()
    assert (store._unpacked, store._unpacked_bytes) == ({}, 0), "nothing stays while it is idle"
    assert store.wire(run[7].id) == run[7].wire


def test_what_is_rolled_back_is_not_read() -> None:
    store = begun(Store())
    run = chain(MEI, 64, FIRST)
    store.commit()
    store.append(MEI.device, run)
    assert store.wire(run[5].id) == run[5].wire
    store.rollback()
    assert store.wire(run[5].id) is None
    other = [write(MEI, FIRST, data={"other": 1})]
    other += chain(MEI, 40, other[0])
    store.append(MEI.device, other)
    assert store.wires(MEI.device, 1, 99, 1 << 30) == [one.wire for one in other]


def test_below_a_base_packed_records_go_and_the_rest_stays() -> None:
    """Also where a portion ends within a run, and where governance stands between runs."""
    store = begun(Store())
    run = chain(MEI, 50, FIRST)
    run.append(write(MEI, run[-1], kind="member.profile"))
    run += chain(MEI, 50, run[-1])
    store.append(MEI.device, run)
    base = 71
    assert store.raise_base(MEI.device, base)
    while store.to_drop() is not None:
        store.drop(MEI.device, 7)
        assert store.wires(MEI.device, base, 999, 1 << 30) == [r.wire for r in run[base - 1 :]]
    stays = [one for one in run if one.seq >= base or one.kind == "member.profile"]
    assert [one for one in run if store.wire(one.id) == one.wire] == stays
    assert [one for one in run if store.wire(one.id) is not None] == stays
    store.tidy()
    assert store.wires(MEI.device, base, 999, 1 << 30) == [r.wire for r in run[base - 1 :]]


@pytest.mark.parametrize("governance", [0, 1])
def test_a_piece_ends_where_it_is_full_or_another_kind_begins(governance: int) -> None:
    sizes = [330] * 200 + Random(8).choices([300, 4_000, 15_000], k=200)
    kinds = Random(9).choices(["event", "attest", "member.name"], [40, 40, governance], k=400)
    run = [
        FIRST._replace(seq=seq, kind=kind, wire=bytes(size))
        for seq, (kind, size) in enumerate(zip(kinds, sizes, strict=True))
    ]
    pieces = list(run_pages._pieces(run))
    assert [record for piece in pieces for record in piece] == run
    assert any(len(piece) == RECORDS_MAX for piece in pieces)
    assert len(pieces[0]) == 1, "the first record of a log is never packed"
    for piece, (after, *_) in pairwise(pieces):
        (is_bulk,) = {run_pages._is_bulk(record) for record in piece}
        size = sum(len(record.wire) for record in piece)
        assert not is_bulk or (len(piece) <= RECORDS_MAX and size <= packed_run.BYTES_MAX)
        assert (
            is_bulk != run_pages._is_bulk(after)
            or len(piece) == RECORDS_MAX
            or size + len(after.wire) > packed_run.BYTES_MAX
        )
