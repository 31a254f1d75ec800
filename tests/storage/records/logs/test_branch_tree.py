"""What a cut covers of a forked log, and what is sent of it, cost little however long it is."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest

from commonweal.protocol.records import fork_proof, record
from commonweal.protocol.records.log import Tip
from commonweal.protocol.records.record import NO_ID, Record, RecordId
from commonweal.protocol.seal.cut import SealedLog
from commonweal.storage.ledger.state.checkpoint import covers
from commonweal.storage.records.logs import fork_store
from commonweal.storage.records.logs.branch_tree import NOWHERE, BranchTree
from commonweal.storage.records.logs.log_store import Store
from tests.storage.records.logs.test_log_bases import record_tip
from tests.storage.records.logs.test_log_store import (
    ANN,
    BEN,
    COMMUNITY,
    FOUND,
    FOUND_TIP,
    key,
    notes,
)

MEGABYTE = 1024 * 1024


def walk(store: Store, head: Record, wanted: Record) -> bool:
    """Whether a record is on the branch that ends in `head`, by going down all of it."""
    at: Record | None = head
    while at is not None and at.seq > wanted.seq:
        at = store.record(at.prev)
    return at == wanted


def is_covered(store: Store, head: Record, wanted: Record) -> bool:
    cut = {key(ANN): SealedLog(key(ANN), head.seq + 1, head.id)}
    return covers(store, cut, wanted)


def thicket(random: Random) -> tuple[Store, list[Record]]:
    """Return a frozen log with branches of branches, some of which have gaps."""
    store = Store()
    run = notes(ANN, FOUND_TIP, random.randrange(3, 40))
    store.append(key(ANN), [FOUND, *run])
    every = [*run]
    spoilt = notes(ANN, record_tip(run[random.randrange(2)]), 1, "low")
    store.freeze(fork_proof.check(run[spoilt[0].seq - 1], spoilt[0], COMMUNITY))
    for number in range(random.randrange(8)):
        start = random.choice([FOUND, *every])
        branch = notes(ANN, record_tip(start), random.randrange(1, 12), f"{number}")
        every += branch
        held = [one for one in branch if random.random() < 0.95]
        if random.random() < 0.3:
            held.reverse()  # those that follow come before what they follow
        store.append_branch(held)
        if random.random() < 0.3:
            is_covered(store, branch[-1], run[-1])  # its branches are read before more is stored
        if random.random() < 0.2:
            store.append_branch(branch)
    return store, every


@pytest.mark.parametrize("number", range(40))
def test_a_cut_covers_what_lies_below_its_head(number: int) -> None:
    store, every = thicket(Random(number))
    held = [one for one in every if store.wire(one.id) is not None]
    for head in held:
        for wanted in held:
            is_below = wanted.seq <= head.seq and walk(store, head, wanted)
            is_good = wanted.seq < (store.log(key(ANN)).frozen or 0) and wanted.seq <= head.seq
            assert is_covered(store, head, wanted) == (is_good or is_below), (head, wanted)


@pytest.fixture(params=["pages", "branch"])
def sealed(request: pytest.FixtureRequest) -> tuple[Store, list[Record]]:
    """A log of which a long branch was sealed, and that was forked at its second record."""
    store = Store()
    run, other = notes(ANN, FOUND_TIP, 400), notes(ANN, FOUND_TIP, 400, "other")
    store.append(key(ANN), [FOUND, *run])
    store.freeze(fork_proof.check(run[0], other[0], COMMUNITY))
    store.append_branch(other)
    return store, run if request.param == "pages" else other


def counted(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows with all that a store asks its database from now on."""
    asked: list[str] = []
    for name in ("row", "rows", "each"):
        ask = getattr(store, name)

        def asking(statement: str, *values: Any, ask: Any = ask) -> Any:
            asked.append(statement)
            return ask(statement, *values)

        monkeypatch.setattr(store, name, asking)
    return asked


def test_a_look_at_a_sealed_record_of_a_forked_log_reads_few(
    sealed: tuple[Store, list[Record]], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, run = sealed
    assert is_covered(store, run[-1], run[3])
    asked = counted(store, monkeypatch)
    for wanted in run[:200]:
        assert is_covered(store, run[-1], wanted)
    assert len(asked) <= 200 * 12, "however far below the end it lies"


def test_the_stored_branches_of_few_logs_stay_in_memory(
    sealed: tuple[Store, list[Record]], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _ = sealed
    monkeypatch.setattr(fork_store, "PLACES_KEPT_MAX", 402)
    bens, theirs = notes(BEN, Tip(), 3), notes(BEN, Tip(), 3, "other")
    store.append(key(BEN), bens)
    store.freeze(fork_proof.check(bens[0], theirs[0], COMMUNITY))
    store.append_branch(theirs[:2])
    other = notes(ANN, FOUND_TIP, 400, "other")
    for _ in range(2):
        assert store.branch_wires(other[-1].id, 1) == [other[0].wire]
        assert store.branch_wires(theirs[1].id, 1) == [theirs[0].wire]
    assert sum(map(len, store._trees.values())) == 402, "both, at the limit"
    store.append_branch(theirs[2:])
    assert store.branch_wires(other[-1].id, 1) == [other[0].wire]
    assert list(map(len, store._trees.values())) == [400], "the one that was asked of last"
    store.shrink()
    assert not store._trees


def test_a_branch_is_read_as_far_as_it_is_sent(
    sealed: tuple[Store, list[Record]], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _ = sealed
    other = notes(ANN, FOUND_TIP, 400, "other")
    assert store.branch_wires(other[-1].id, 1) == [other[0].wire]
    asked = counted(store, monkeypatch)
    for last in (other[-1], other[200], other[3]):
        assert store.branch_wires(last.id, len(other[7].wire) * 4 + 9, 7) == [
            one.wire for one in other[7:11]
        ]
    assert len(asked) <= 3 * 25, "neither what lies below nor what is above"


def test_what_another_connection_stores_and_moves_is_seen(tmp_path: Path) -> None:
    run = notes(ANN, FOUND_TIP, 4)
    spoilt = [record.from_bytes_unchecked(run[0].header + bytes(64))]
    (second,) = notes(ANN, record_tip(spoilt[0]), 1)
    spoilt.append(record.from_bytes_unchecked(second.header + bytes(64)))
    spoilt += notes(ANN, record_tip(spoilt[1]), 5)
    other = notes(ANN, record_tip(spoilt[1]), 1, "other")
    fork = notes(ANN, record_tip(spoilt[4]), 3, "fork")
    with closing(Store(tmp_path / "ledger.db")) as store:
        store.append(key(ANN), [FOUND, *spoilt])
        store.freeze(fork_proof.check(spoilt[2], other[0], COMMUNITY))
        store.append_branch(fork[:2])
        store.commit()
        with closing(Store(tmp_path / "ledger.db", readonly=True)) as reader:
            assert is_covered(reader, fork[1], fork[0]) and is_covered(reader, fork[1], spoilt[3])
            assert not is_covered(reader, fork[1], spoilt[5])
            store.append_branch(fork[2:])
            store.append(key(ANN), run[:1])  # it takes the place of the spoilt ones
            store.commit()
            assert store.row("SELECT count(*) FROM branch") == (len(spoilt) + 3,)
            for home in (store, reader):
                assert is_covered(home, fork[2], fork[1]) and is_covered(home, fork[2], spoilt[3])
                assert not is_covered(home, fork[2], spoilt[5])


def test_a_tree_knows_what_it_was_told() -> None:
    ids = [RecordId(bytes([n]) * 32) for n in range(9)]
    tree = BranchTree([(ids[1], 5, ids[0]), (ids[2], 6, ids[1]), (ids[3], 6, ids[1])])
    assert tree.add(ids[4], 7, ids[3]) and tree.add(ids[5], 9, ids[6])
    assert not tree.add(ids[6], 8, ids[2]), "the one that follows it came before"
    assert [tree.place(id) for id in ids[1:6]] == list(range(5)) and len(tree) == 5
    for id in (ids[7], ids[2][:16] + ids[3][16:], NO_ID, ids[2] + ids[3]):
        assert tree.place(id) == NOWHERE
    assert tree.id(tree.below(3, 6)) == ids[3] and tree.root(3) == 0 and tree.root(4) == 4
    assert list(tree.onward(0)) == [1], "of two the first that came"
