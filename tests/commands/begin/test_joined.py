"""`weal status` tells who takes the state of a seal that it comes, and how far records followed."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from pytest import MonkeyPatch

from commonweal.client.community import node
from commonweal.client.community.standing import WAITING
from commonweal.storage.consensus.restored import TAKEN
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.ledger.ledger import TAKING
from commonweal.storage.ledger.state.state_db import StateDb
from tests.builders.weal import founder, good


def test_status_says_how_many_records_followed_a_state_that_was_taken(tmp_path: Path) -> None:
    home = founder(tmp_path / "home")
    good("shares", "--home", home)
    assert good("status", "--home", home, "-o", "json").json["joined"] is None
    with Home(home).store(readonly=True) as store:
        device = Settings.read(store).device
    with closing(StateDb(Home(home).state)) as layers:
        layers.begin()
        layers.put_mark(TAKEN, 50)
        layers.change("INSERT INTO sealed_log VALUES (?, ?, ?)", (device, 12_000, bytes(32)))
        layers.commit()
    found = good("status", "--home", home, "-o", "json").json["joined"]
    assert found == {"height": 50, "records": 2, "of": 12_000}
    shown = good("status", "--home", home).out
    assert "the state at height 50 is checked; records 2 of 12,000" in shown


def test_status_says_that_a_state_is_coming(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    home = founder(tmp_path / "home")
    good("shares", "--home", home)
    assert good("status", "--home", home, "-o", "json").json["coming"] is None

    def comes(height: int) -> str:
        with closing(StateDb(Home(home).state)) as layers:
            layers.begin()
            layers.put_mark(TAKING, [height, 3])
            layers.commit()
        assert good("status", "--home", home, "-o", "json").json["coming"] == height
        return good("status", "--home", home).out

    assert "Other members are asked for the state of the community." in comes(0)
    shown = comes(1_234)
    assert "The state at height 1,234 is coming from other members." in shown
    assert "joining" not in shown, "a member is one"
    monkeypatch.setattr(node, "standing", lambda *_: WAITING)
    shown = good("status", "--home", home).out
    assert "joining" in shown
    assert "waits for a node of the community" not in shown
    assert "Where the invite is not enough, a member lets you in" in shown
