"""`Member.seal`: all that waits becomes final, over as many heights as that takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from commonweal.client import Member, create_home
from commonweal.client.access import Watch
from commonweal.client.sharing import seals
from commonweal.node.control.messages.control import SealOutcome, SealProgress
from commonweal.protocol.errors import NotYet
from commonweal.protocol.ledger.finality import history
from commonweal.storage.consensus import proposals, reader
from commonweal.storage.records.logs import id_index
from tests.builders import homes
from tests.builders.commons import meet
from tests.builders.weal import good, weal

PER_HEIGHT = 4
"""Records of one height in these tests, in place of 25,000."""


@pytest.fixture(autouse=True)
def _small_heights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proposals, "FULL_CUT_RECORDS", PER_HEIGHT)
    monkeypatch.setattr(reader, "HAVE_RECORDS_MAX", PER_HEIGHT)
    monkeypatch.setattr(reader, "FULL_CUT_RECORDS", PER_HEIGHT)


@pytest.fixture
def mei(tmp_path: Path) -> Path:
    """Return the home of a founder whose ten contributions are not sealed."""
    create_home(tmp_path / "mei", "Mei")
    with Member(tmp_path / "mei") as member:
        member.found("Lanxi", rules="time-bank")
        member.seal()
        for hours in range(1, 11):
            member.record("work", hours, "hours")
    return tmp_path / "mei"


def noting(told: list[tuple[int, int]], end_after: int | None = None) -> Callable[[], Any]:
    """Return what notes how far sealing is, and is interrupted after so many records."""

    @contextmanager
    def watching() -> Iterator[Watch]:
        def watch(done: int, of: int) -> None:
            told.append((done, of))
            if end_after is not None and done >= end_after:
                raise KeyboardInterrupt

        yield watch

    return watching


def test_a_backlog_is_sealed_over_several_heights(mei: Path) -> None:
    told: list[tuple[int, int]] = []
    with Member(mei) as member:
        sealed = member.seal(watching=noting(told))
        assert (sealed.height, sealed.heights, sealed.records, sealed.waiting) == (4, 3, 10, 0)
        assert [row.records for row in member.seals()[-3:]] == [4, 4, 2]
        assert all(record.sealed for record in member.contributions().records)
        again = member.seal()
    assert told == [(0, 10), (4, 10), (8, 10), (10, 10)]
    assert (again.height, again.heights, again.records, again.is_new) == (4, 0, 0, False)


def test_ids_that_no_node_has_moved_are_moved_before_many_are_looked_up(
    mei: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(id_index, "FRESH_IDS_IDLE", 10)
    with Member(mei) as member:
        assert _fresh_ids(member) >= 10
        member.seal()
        assert _fresh_ids(member) == 0


def _fresh_ids(member: Member) -> int:
    with member.home.store(readonly=True) as store:
        row = store.row("SELECT total(length(prefixes)) FROM fresh_id")
        assert row is not None
        return int(row[0]) // id_index.PREFIX_BYTES


def test_it_is_told_how_far_a_seal_is_folded_and_apart_from_that_what_is_sealed(
    mei: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "RECORDS_BETWEEN_CALLS", 1)
    shown: list[tuple[int, int]] = []
    sealed: list[tuple[int, int]] = []
    with Member(mei) as member:
        member.seal(watching=noting(shown), told=lambda done, of: sealed.append((done, of)))
    assert sealed == [(0, 10), (4, 10), (8, 10), (10, 10)]
    assert shown == sorted(shown), "the bar never goes back"
    assert set(shown) >= {(done, 10) for done in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)}


def test_what_is_sealed_before_ctrl_c_stays_and_the_next_call_seals_the_rest(mei: Path) -> None:
    with Member(mei) as member, pytest.raises(KeyboardInterrupt):
        member.seal(watching=noting([], end_after=4))
    with Member(mei) as member:
        assert [row.records for row in member.seals()][1:] == [4]
        sealed = member.seal()
    assert (sealed.height, sealed.records) == (4, 6)
    assert good("verify", "--home", mei).code == 0


def test_ctrl_c_says_how_far_it_is(mei: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    follow = seals._SealBacklog.follow

    def interrupted(backlog: seals._SealBacklog) -> bool:
        if backlog.sealed:
            raise KeyboardInterrupt
        return follow(backlog)

    monkeypatch.setattr(seals._SealBacklog, "follow", interrupted)
    ran = weal("seal", "--home", mei)
    assert (ran.code, ran.out) == (130, "")
    assert "4 of 10 records are sealed; `weal seal` goes on." in ran.err


class NodeOfTest:
    """Stands for the running node: it makes seals as long as its quorum is present."""

    def __init__(self, home: Path, heights: int) -> None:
        self.home, self.heights, self.asked = home, heights, 0

    def __enter__(self) -> NodeOfTest:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def follow(self, _question: object) -> Iterator[SealOutcome | SealProgress]:
        self.asked += 1
        if self.heights == 0:
            while True:
                yield SealProgress(0, 0, (), 4, 3)
        self.heights -= 1
        outcomes: list[SealOutcome] = []

        def is_done(outcome: SealOutcome) -> bool:
            outcomes.append(outcome)
            return True

        with Member(self.home) as member:
            member._seal_alone(is_done)
        yield outcomes[0]


@pytest.mark.parametrize(("heights", "records"), [(9, 10), (2, 8), (0, 0)])
def test_a_running_node_is_asked_until_all_is_sealed_or_its_quorum_is_gone(
    heights: int, records: int, mei: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = NodeOfTest(mei, heights)
    monkeypatch.setattr(seals, "line_or_lock", lambda _home, held: held.enter_context(node))
    with Member(mei) as member:
        if records == 10:
            assert member.seal().records == 10
            assert node.asked == 3
            return
        with pytest.raises(NotYet) as refused:
            member.seal(wait_s=0.01)
        assert "3 of 4 witnesses must agree" in str(refused.value)
        assert (f"{records} of 10 records are sealed" in str(refused.value)) is bool(records)


def test_records_that_no_seal_can_cover_are_told_and_end_it(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('name = "Lanxi"\n[membership]\nvouches = 2\nen = "Two."\nzh = "两人。"\n')
    mei = homes.founder(tmp_path / "mei", rules=str(rules))
    first = homes.newcomer(tmp_path / "bo", homes.invited(mei, uses=2), "Bo")
    meet(mei, first)
    good("seal", "--home", mei.path)
    stranger = homes.newcomer(tmp_path / "eve", homes.invited(mei), "Eve")
    meet(mei, stranger)
    sealed = good("seal", "-o", "json", "--home", mei.path).json
    assert sealed["waiting"] == 2
    ran = good("seal", "--home", mei.path)
    assert "Nothing is new" in ran.out and "2 records wait for a later seal" in ran.out
