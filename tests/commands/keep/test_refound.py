"""Two witnesses, one gone for ever: sealing waits, and one goes on with `weal refound`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from commonweal.client.home.submit import now_ms
from commonweal.protocol import keys
from commonweal.protocol.errors import FileRefused
from commonweal.protocol.keys import DeviceKey, Signer
from commonweal.protocol.records.record import from_bytes
from commonweal.storage.consensus.proposals import SealApplication
from commonweal.storage.home import keystore
from commonweal.storage.home.contents import Contents, KeptContent
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.ledger.ledger import LedgerState
from commonweal.storage.ledger.state.state_db import StateDb
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.records.seal_store import SealStore
from tests.builders.sealing_nodes import Node, seal_once
from tests.builders.weal import founder, good, member, weal


class HomeNode(Node):
    """A home's store with its ledger, for seals that are made here by hand."""

    def __init__(self, store: Store) -> None:
        self.store, self.layers = store, StateDb()
        self.community, self.documents = Settings.read(store).here, {}
        self.seals = SealStore(store, self.community)
        self.kept = LedgerState(store, self.layers, self.community)
        self.assessor = SealApplication(self.kept)


def signer(home: Path) -> Signer:
    return keys.device_signer(keystore.unlock(Home(home).keystore, None).device_seed)


def carry(source: Path, target: Path) -> None:
    """Bring what one home wrote to another, as a friend with a stick would."""
    with Home(source).store(readonly=True) as old, Home(target).store() as new:
        author = Settings.read(old).device
        start = new.log(author).length
        run = [from_bytes(one) for one in old.wires(author, start, 1 << 20, 1 << 20)]
        held = {one.body.hash: old.body(one.body.hash) for one in run if one.body is not None}
        new.append(author, run, {name: data for name, data in held.items() if data is not None})
        new.mark_checked(author, start + len(run))
        new.commit()


def stuck(folder: Path) -> tuple[Path, Path]:
    """Ann and Bo are the two witnesses of Garden, at height 2."""
    ann, bo = founder(folder / "ann"), member(folder / "bo", "Bo")
    link = good("invite", "create", "--home", ann, "-o", "json").json["link"]
    weal("join", link, "--home", bo, "--seconds", "0")
    carry(bo, ann)
    id = good("status", "--home", bo, "-o", "json").json["member"]
    carry(ann, bo)
    good("role", "claim", "witness", "--yes", "--home", bo)
    good("record", "work", "3", "hours", "--home", bo, "--note", "weeds")
    carry(bo, ann)
    good("role", "endorse", id, "witness", "--yes", "--home", ann)
    both = {DeviceKey(one.key): one for one in (signer(ann), signer(bo))}
    for number in range(3):
        good("record", "work", str(number + 1), "hours", "--home", ann)
        with Home(ann).store() as store:
            showing = [DeviceKey(signer(bo).key)] if number == 1 else []
            seal_once([HomeNode(store)], both, now_ms(), showing)
    return ann, bo


def status(home: Path) -> Any:
    return good("status", "--home", home, "-o", "json").json


def balance(home: Path, name: str) -> Any:
    found = good("balance", name, "--home", home, "-o", "json").json
    return {one["action"]: one["sealed"] for one in found["given"]}


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return stuck(tmp_path_factory.mktemp("garden"))


@contextmanager
def running(home: Path) -> Iterator[None]:
    """Let the node of a home run."""
    good("up", "--background", "--home", home)
    try:
        yield
    finally:
        weal("down", "--home", home)


def until(holds: Callable[[], bool], seconds: float = 40.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.25)


def test_who_lost_the_other_witness_goes_on_and_the_other_follows_when_he_is_back(
    homes: tuple[Path, Path], tmp_path: Path
) -> None:
    ann, bo = homes
    before = balance(ann, "Ann")
    assert status(ann)["finality"]["height"] == 3
    good("record", "work", "9", "hours", "--home", ann)
    waits = weal("seal", "--home", ann)
    assert waits.code == 75, waits
    assert status(ann)["finality"]["height"] == 3, "nothing becomes final any more"

    again = tmp_path / "again"
    ran = good("refound", "--into", again, "--home", ann)
    assert "height 3" in ran.out and str(again) in ran.out
    found = status(again)
    old = status(ann)
    assert found["parent"] == {
        "community": old["community"],
        "height": 3,
        "seal": old["finality"]["seal"],
    }
    assert found["member"] == old["member"] and found["device"] != old["device"]
    assert found["community_name"] == "Garden"
    assert f"goes on from  community {old['community'][:8]} at height 3" in _squeezed(again)
    assert balance(again, "Ann") == before, "what was final goes on; what was not stays behind"

    good("record", "work", "2", "hours", "--home", again)
    sealed = good("seal", "--home", again, "-o", "json").json
    assert sealed["height"] == 4, "heights go on counting"
    assert balance(again, "Ann") != before
    assert weal("seal", "--home", ann).code == 75, "the old home is as it was"
    good("verify", "--home", again)
    listed = good("seals", "--home", again, "-o", "json").json["seals"]
    assert [one["height"] for one in listed] == [4]
    events = good("ledger", "--home", again, "-o", "json").json["records"]
    file = tmp_path / "a.weal"
    good("prove", events[0]["id"], "--out", file, "--home", again)
    shown = good("check-proof", file, "--community", found["community"], "-o", "json").json
    assert shown["height"] == 4

    with running(again):
        link = good("device", "add", "--home", again, "-o", "json").json["link"]
        back = tmp_path / "back"
        assert weal("refound", "--follow", link, "--into", back, "--home", bo).code == 0
        with running(back):
            until(lambda: status(back)["state"] == "member")
            assert status(back)["parent"] == found["parent"]
            good("record", "work", "4", "hours", "--home", back)
            until(lambda: status(again)["records"] == status(back)["records"])
            good("seal", "--home", again)
            until(lambda: status(back)["finality"]["height"] == status(again)["finality"]["height"])
            until(lambda: _members(again) == ["Ann", "Bo"])


def _squeezed(home: Path) -> str:
    return good("status", "--home", home).out.replace("        ", "  ")


def _members(home: Path) -> list[str]:
    found = good("members", "--home", home, "-o", "json").json["members"]
    return sorted(one["name"] for one in found if one["status"] == "active")


def test_a_second_founding_anew_is_another_community(
    homes: tuple[Path, Path], tmp_path: Path
) -> None:
    ann, bo = homes
    ran = good("refound", "--into", tmp_path / "one", "--home", ann, "-o", "json").json
    carry_all(ann, bo)
    other = good("refound", "--into", tmp_path / "two", "--home", bo, "-o", "json").json
    assert ran["height"] == other["height"] == 3
    assert ran["community"] != other["community"]
    parents = [status(tmp_path / name)["parent"] for name in ("one", "two")]
    assert parents[0] == parents[1]


def carry_all(source: Path, target: Path) -> None:
    """Bring records and seals to another home."""
    carry(source, target)
    with Home(source).store(readonly=True) as old, Home(target).store() as new:
        community = Settings.read(old).here
        mine, theirs = SealStore(old, community), SealStore(new, community)
        for height in mine.heights:
            kept = mine.at(height)
            assert kept is not None
            if height > theirs.height:
                theirs.put(kept.sealed, kept.delta)
        new.commit()


def test_what_cannot_be_founded_anew_is_refused_by_name(
    homes: tuple[Path, Path], tmp_path: Path
) -> None:
    ann, bo = homes
    fresh = founder(tmp_path / "fresh")
    assert weal("refound", "--into", tmp_path / "a", "--home", fresh).code == 65
    assert not (tmp_path / "a").exists()
    lone = member(tmp_path / "lone")
    assert weal("refound", "--into", tmp_path / "b", "--home", lone).code == 78
    assert weal("refound", "--into", ann, "--home", ann).code == 78, "something is there"
    assert weal("refound", "--home", ann).code == 2
    link = good("device", "add", "--home", ann, "-o", "json").json["link"]
    ran = weal("refound", "--follow", link, "--into", tmp_path / "c", "--home", bo)
    assert ran.code == 65 and "community that this home is in" in ran.err


def test_the_contents_of_ones_data_come_along(tmp_path: Path) -> None:
    """What is damaged stays, and is said; who follows brings theirs too."""
    ann = founder(tmp_path / "ann")
    for name in ("yields", "seeds"):
        (tmp_path / name).write_text(f"plot,kg {name}", "utf-8")
        good("data", "add", tmp_path / name, "--as", name, "--home", ann)
    good("seal", "--home", ann)
    kept = Contents(Home(ann))
    lost, whole = kept.hashes()
    kept.path(lost).write_bytes(b"x")
    again, back = tmp_path / "again", tmp_path / "back"
    made = good("refound", "--into", again, "--home", ann, "-o", "json").json
    assert (made["contents"], made["damaged"]) == (1, 1)
    assert Contents(Home(again)).hashes() == [whole]
    assert Contents(Home(again)).get(whole) == kept.get(whole)
    assert Contents(Home(again)).are_private()
    rows = good("data", "list", "--home", again, "-o", "json").json["data"]
    assert {row["hash"]: row["kept"] for row in rows} == {whole.hex(): True, lost.hex(): False}
    link = good("device", "add", "--home", again, "-o", "json").json["link"]
    said = good("refound", "--follow", link, "--into", back, "--home", ann).out
    assert "1 content of your data came along." in said
    assert "1 content is damaged here, and stayed" in said
    assert Contents(Home(back)).hashes() == [whole]
    assert kept.hashes() == sorted((lost, whole)), "this home stays as it is"


def test_nothing_is_made_where_the_contents_have_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = founder(tmp_path / "ann")
    (tmp_path / "file").write_text("x", "utf-8")
    good("data", "add", tmp_path / "file", "--as", "yields", "--home", ann)
    good("seal", "--home", ann)

    def full(_self: Contents, _kept: KeptContent) -> bytes:
        raise FileRefused("no space left")

    monkeypatch.setattr(Contents, "put", full)
    assert weal("refound", "--into", tmp_path / "new", "--home", ann).code == FileRefused.exit_code
    assert not (tmp_path / "new").exists()
