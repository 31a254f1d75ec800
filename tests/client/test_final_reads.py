"""What is final is read without folding what waits for a seal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commonweal.client import Member, create_home
from commonweal.node.service.events import Text, Wish
from commonweal.protocol.errors import NotYet, UnknownId
from commonweal.storage.home.home import Home
from commonweal.storage.ledger.state.state_db import FINAL, StateDb
from tests.builders import homes

READS: dict[str, Callable[[Member], Any]] = {
    "shares": lambda member: member.shares(),
    "share lines": lambda member: member.share_lines("income"),
    "seals": lambda member: member.seals(),
    "seal": lambda member: member.seal_at(1),
    "rules": lambda member: member.rules(),
    "rules history": lambda member: member.rules_history(),
    "payouts": lambda member: member.payouts(),
    "standing": lambda member: member.standing(),
}


@pytest.fixture
def mei(tmp_path: Path) -> Path:
    """Return a home with one seal, and three contributions above it that nobody folded."""
    home = tmp_path / "mei"
    create_home(home, "Mei")
    with Member(home) as member:
        member.found("Lanxi", rules="cooperative")
        member.seal()
        for hours in (1, 2, 3):
            member.record("work", hours, "hours")
    StateDb(home / "state.db").discard()
    return home


def folded_above(home: Path) -> int:
    """Return how many keys of the state are above the last cut in the state file."""
    layers = StateDb(home / "state.db")
    ((count,),) = layers.rows("SELECT count(*) FROM state WHERE layer > ?", (FINAL,))
    layers.close()
    return int(count)


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_what_is_final_is_read_without_what_waits(mei: Path, read: Callable[[Member], Any]) -> None:
    with Member(mei) as member:
        read(member)
    assert folded_above(mei) == 0


def test_what_waits_is_folded_when_it_is_read(mei: Path) -> None:
    with Member(mei) as member:
        before = member.shares(), member.standing()
        assert len(member.contributions().records) == 3
        assert (member.shares(), member.standing()) == before
    assert folded_above(mei) > 0


def test_a_final_view_says_that_more_came_after_it(mei: Path) -> None:
    with Member(mei) as member:
        assert member.standing() == "final up to height 1; what came after it is provisional"
        member.seal()
        assert member.standing() == "final at height 2"
        assert [row.records for row in member.seals()] == [2, 3]


def test_a_final_view_names_members_as_the_seal_does(mei: Path) -> None:
    homes.write(Home(mei), Wish("member.profile", {}, text=Text("text/plain", b"Mei Lin")))
    with Member(mei) as member:
        (row,) = member.seals()
        assert (row.signed, member.view.name(member.view.me)) == (("Mei",), "Mei Lin")
        member.seal()
        assert member.seals()[-1].signed == ("Mei Lin",)


def test_a_contribution_whose_record_is_not_here_yet_is_said_to_come(
    mei: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Member(mei) as member:
        (first, *_) = member.contributions().records
        monkeypatch.setattr(member.view.store, "ids", lambda _digits: [])
        with pytest.raises(NotYet, match=f"{first.id.hex()[:8]} counts; its record is not here"):
            member.view.held(first.id.hex()[:12])
        with pytest.raises(UnknownId):
            member.view.held("0123456789ab")
