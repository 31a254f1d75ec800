"""`weal doctor`: each thing that goes wrong is found, and said with what to do."""

from __future__ import annotations

import shutil
import socket
import sqlite3
from collections import namedtuple
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from commonweal.client.keep import health as examining
from commonweal.node.control.messages.held_records import RecordHolders
from commonweal.node.control.messages.node_status import NodeStatus, PeerStatus, SealingStatus
from commonweal.node.reach_state import PortMapping, ReachState
from commonweal.protocol.identity.invite import from_text
from commonweal.protocol.records.record import from_bytes
from commonweal.storage.home.contents import Contents, KeptContent
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.records.settings import RESTORING
from tests.builders import homes
from tests.builders.weal import Ran, founder, good, member, weal
from tests.commands.node.test_node import SEALING, STATUS, node
from tests.commands.node.test_node import peer as a_peer

PRIVATE = "/ip4/10.0.0.9/tcp/4001"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = founder(tmp_path / "home")
    good("record", "work", "1", "hour", "--home", home, "--note", "dug")
    return home


def peer(**more: Any) -> PeerStatus:
    known = {"standing": "member", "address": PRIVATE, "skew_ms": 5, "device": b"d" * 32}
    return a_peer(1, **(known | more))


def running(**more: Any) -> NodeStatus:
    """What a node that is well says of itself; lists become tuples."""
    known = {"listening": ("/dns4/garden.example/tcp/4001",), "peers": (peer(),)}
    said = {
        name: tuple(value) if isinstance(value, list) else value for name, value in more.items()
    }
    return replace(STATUS, **(known | said))


def examined(home: Path, **said: Any) -> dict[str, dict[str, Any]]:
    """Let the doctor look at a home whose node says this; return the findings by name."""
    with node(home, {"status": [running(**said)]}):
        ran = weal("doctor", "--home", home, "-o", "json")
    return findings(ran)


def findings(ran: Ran) -> dict[str, dict[str, Any]]:
    found = {one["check"]: one for one in ran.json["findings"]}
    ill = [one for one in found.values() if not one["ok"]]
    assert ran.code == bool(ill)
    assert ran.json["ok"] == (not ill)
    assert all(one["advice"] for one in ill)
    return found


def ill(found: dict[str, dict[str, Any]]) -> list[str]:
    return [name for name, one in found.items() if not one["ok"]]


def test_a_node_that_is_well_is_said_to_be(home: Path) -> None:
    assert ill(examined(home)) == []
    with node(home, {"status": [running()]}):
        ran = weal("doctor", "--home", home)
    assert ran.code == 0
    assert "All is well." in ran.out


HELD = RecordHolders((), 0)
MAPPED = "/ip4/203.0.113.7/tcp/4001"


@pytest.mark.parametrize(
    ("mapping", "what", "advice"),
    [
        (None, "switched off", ""),
        (PortMapping("PCP", MAPPED), f"PCP: the router forwards {MAPPED}", ""),
        (PortMapping("UPnP", MAPPED, "not-public"), "its own address is not public", "provider"),
        (PortMapping("UPnP", "", "not-connected"), "is offline", "connected"),
        (PortMapping("PCP", "", "refused", "not authorised"), "not authorised", "TCP port 4001"),
        (PortMapping(reason="silent", gateway="192.168.1.1"), "192.168.1.1 answers none", "UPnP"),
        (PortMapping(reason="no-router"), "no router is found", ""),
        (PortMapping(reason="local-only"), "does not listen", ""),
        (PortMapping(reason="public-already"), "has a public address", ""),
        (PortMapping(reason="asking"), "being asked", ""),
    ],
)
def test_what_the_router_answered_is_said_and_is_no_fault(
    mapping: PortMapping | None, what: str, advice: str, home: Path
) -> None:
    reach = ReachState(port=4001, mapping=mapping)
    with node(home, {"status": [running()], "reach": [reach], "holders": [HELD]}):
        found = findings(weal("doctor", "--home", home, "-o", "json"))["port mapping"]
        shown = good("status", "--home", home).out
        typed = good("status", "--home", home, "-o", "json").json["reach"]
    assert found["ok"]
    assert what in found["what"]
    assert bool(found["advice"]) == bool(advice)
    assert advice in found["advice"]
    assert what in shown
    assert (typed["mapping"] is None) == (mapping is None)
    assert typed["port"] == 4001


def test_a_router_cannot_write_into_the_terminal(home: Path) -> None:
    mapping = PortMapping("UPnP", "", "refused", "\u202egnp\u2066", "192.168.1.1")
    reach = ReachState(mapping=mapping)
    with node(home, {"status": [running()], "reach": [reach], "holders": [HELD]}):
        for command in ("doctor", "status"):
            assert "\u202e" not in weal(command, "--home", home).out


def test_a_node_that_does_not_run_is_found(home: Path) -> None:
    ran = weal("doctor", "--home", home)
    assert ran.code == 1
    assert "weal up" in ran.out
    assert ill(findings(weal("doctor", "--home", home, "-o", "json"))) == ["node"]


def test_a_lock_whose_holder_is_silent_is_found(home: Path) -> None:
    with Home(home).lock():
        found = findings(weal("doctor", "--home", home, "-o", "json"))
    assert ill(found) == ["node"]
    assert "does not answer" in found["node"]["what"]
    assert "kill" in found["node"]["advice"]


@pytest.mark.parametrize(
    ("skews", "is_ill"),
    [
        ([0], False),
        ([59_000, -59_000], False),
        ([90_000], True),
        ([-90_000, -80_000, 3], True),
        ([90_000, 1, 2], False),
        ([86_400_000, 86_400_000, 86_300_000], True),
        ([], False),
    ],
)
def test_a_clock_that_differs_from_most_others_is_found(
    skews: list[int], is_ill: bool, home: Path
) -> None:
    found = examined(home, peers=[peer(skew_ms=skew) for skew in skews])
    assert ("clock" in ill(found)) == is_ill
    if is_ill:
        assert "NTP" in found["clock"]["advice"]


def test_a_clock_behind_the_records_of_others_is_found_without_a_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mei = homes.founder(tmp_path / "mei")
    bo = homes.newcomer(tmp_path / "bo", homes.invited(mei))
    with bo.store(readonly=True) as store:
        wires = store.wires(Settings.read(store).device, 0, 2, 1 << 20)
    run = [from_bytes(wire) for wire in wires]
    with mei.store() as store:
        store.append(run[0].author, run)
        store.commit()
    claimed_at = run[-1].claimed_at
    for now, is_ill in ((claimed_at + 1, False), (claimed_at - 3_600_000, True)):
        monkeypatch.setattr(examining, "now_ms", lambda now=now: now)
        found = findings(weal("doctor", "--home", mei.path, "-o", "json"))
        assert ("clock" in ill(found)) == is_ill


@pytest.mark.parametrize(("free", "is_ill"), [(1 << 40, False), (10 << 20, True), (0, True)])
def test_a_disk_that_is_nearly_full_is_found(
    free: int, is_ill: bool, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(1 << 41, 1, free))
    assert ("disk" in ill(examined(home))) == is_ill


def test_addresses_that_do_not_answer_are_found(home: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        closed = examined(home, listening=[f"/ip4/127.0.0.1/tcp/{port}"])
        assert ill(closed) == ["port"]
        assert "firewall" in closed["port"]["advice"]
        free.listen()
        assert ill(examined(home, listening=[f"/ip4/127.0.0.1/tcp/{port}"])) == []
    assert ill(examined(home, listening=[])) == ["port"]


def test_the_port_in_use_is_the_one_that_is_named(home: Path) -> None:
    found = examined(home, listening=["/ip4/127.0.0.1/tcp/1"])
    assert found["port"]["advice"].endswith("to port 1.")
    with socket.socket() as here:
        here.bind(("127.0.0.1", 0))
        here.listen()
        port = here.getsockname()[1]
        found = examined(home, listening=[f"/ip4/127.0.0.1/tcp/{port}"], peers=[])
        assert found["port"]["advice"].endswith(f"to {port}.")
        (home / "config.toml").write_text(f'listen = ["/ip4/0.0.0.0/tcp/{port}"]\n')
        found = findings(weal("doctor", "--home", home, "-o", "json"))
        assert "port" in ill(found) and str(port) in found["port"]["what"]
        link = good("invite", "create", "--home", home, "-o", "json").json["link"]
    listed = [a for one in from_text(link).contacts for a in one.addresses]
    assert listed and all(one.endswith(f"/tcp/{port}") for one in listed)


def test_private_addresses_are_explained_and_are_no_fault(home: Path) -> None:
    with socket.socket() as here:
        here.bind(("127.0.0.1", 0))
        here.listen()
        listening = [f"/ip4/127.0.0.1/tcp/{here.getsockname()[1]}"]
        found = examined(home, listening=listening, peers=[])
    assert "port" not in ill(found)
    assert "private" in found["port"]["what"]
    assert "one member has a public address" in found["port"]["advice"]


def test_a_port_that_another_program_has_is_found(home: Path) -> None:
    with Home(home).store(readonly=True) as store:
        port = Settings.read(store).port
    with socket.socket() as other:
        other.bind(("0.0.0.0", port or 0))
        other.listen()
        found = findings(weal("doctor", "--home", home, "-o", "json"))
    assert "port" in ill(found)
    assert str(port) in found["port"]["what"]


def test_peers_that_are_not_reached_are_named(home: Path) -> None:
    absent = peer(standing="absent", failure="connection refused\x1b[2J")
    found = examined(home, peers=[absent])
    assert ill(found) == ["peers"]
    assert PRIVATE in found["peers"]["what"]
    with node(home, {"status": [running(peers=[absent])]}):
        ran = weal("doctor", "--home", home)
    assert "connection refused" in ran.out
    assert "\x1b" not in ran.out


def test_who_knows_nobody_yet_is_well(home: Path) -> None:
    found = examined(home, peers=[])
    assert ill(found) == []
    assert "weal invite create" in found["peers"]["advice"]


def test_a_newer_peer_is_found(home: Path) -> None:
    refusal = ["version", "this node speaks another version; upgrade one of us"]
    assert ill(examined(home, refusal=refusal)) == ["version"]
    assert ill(examined(home, refusal=["invite-used", "no"])) == []


def test_a_keystore_that_others_can_read_is_found(home: Path) -> None:
    (home / "keystore").chmod(0o644)
    found = examined(home)
    assert ill(found) == ["keystore"]
    assert "chmod 600" in found["keystore"]["advice"]


@pytest.mark.parametrize("content", [None, b"", b"junk"])
def test_a_keystore_that_is_damaged_or_gone_is_found(content: bytes | None, home: Path) -> None:
    (home / "keystore").unlink()
    if content is not None:
        (home / "keystore").write_bytes(content)
        (home / "keystore").chmod(0o600)
    assert ill(examined(home)) == ["keystore"]


def test_a_folder_that_others_can_enter_is_found(home: Path) -> None:
    home.chmod(0o755)
    assert ill(examined(home)) == ["folder"]


def test_a_folder_above_that_others_can_write_is_found(home: Path) -> None:
    home.parent.chmod(0o777)
    found = examined(home)
    home.parent.chmod(0o700)
    assert ill(found) == ["folder"]
    assert found["folder"]["advice"] == f"Type `chmod go-w {home.parent}`."


def test_a_content_that_was_changed_or_that_others_can_read_is_found(home: Path) -> None:
    kept = Contents(Home(home))
    digest = kept.put(KeptContent(b"k" * 32, "yields.csv", b"plot,kg"))
    assert examined(home)["contents"]["what"] == "1 content stays in this home, whole"
    kept.path(digest).chmod(0o644)
    assert ill(examined(home)) == ["contents"]
    kept.path(digest).chmod(0o600)
    kept.path(digest).write_bytes(b"junk")
    found = examined(home)
    assert ill(found) == ["contents"]
    assert "weal data add" in found["contents"]["advice"]


def test_settings_that_cannot_be_read_are_found(home: Path) -> None:
    (home / "config.toml").write_text("colour = 1\n")
    assert ill(examined(home)) == ["settings"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE record SET tail = zeroblob(length(tail)) WHERE key & 1099511627775 = 2",
        "DELETE FROM record WHERE key & 1099511627775 = 2",
        "UPDATE record SET tail = (SELECT tail FROM record WHERE key & 1099511627775 = 1)"
        " WHERE key & 1099511627775 = 2",
        "UPDATE log SET head = zeroblob(32)",
    ],
)
def test_damaged_rows_are_found(statement: str, home: Path) -> None:
    with sqlite3.connect(home / "ledger.db") as connection:
        assert connection.execute(statement).rowcount
    connection.close()
    found = examined(home)
    assert "ledger" in ill(found)
    assert "weal verify" in found["ledger"]["advice"]


def test_a_home_that_waits_to_be_restored_is_told(home: Path) -> None:
    with Home(home).lock(), Home(home).store() as store:
        store.put_setting(RESTORING, b"1")
        store.commit()
    found = examined(home)
    assert ill(found) == ["membership"]
    assert "weal up" in found["membership"]["advice"]


def test_words_that_speak_for_nobody_any_more_are_explained(home: Path) -> None:
    with Home(home).lock(), Home(home).store() as store:
        store.put_setting(RESTORING, b"1")
        store.commit()
    found = examined(home, refusal=["not-a-member", "you are not a member here"])
    assert ill(found) == ["membership"]
    assert "device add --member" in found["membership"]["advice"]


def test_a_home_in_no_community_is_told_the_way_in(tmp_path: Path) -> None:
    found = findings(weal("doctor", "--home", member(tmp_path / "home"), "-o", "json"))
    assert ill(found) == ["membership"]
    assert "weal found" in found["membership"]["advice"]


def test_where_there_is_no_home_the_way_in_is_told(tmp_path: Path) -> None:
    ran = weal("doctor", "--home", tmp_path)
    assert ran.code == 78
    assert "weal start" in ran.err


def test_the_doctor_changes_nothing(home: Path) -> None:
    before = {path.name: path.read_bytes() for path in home.iterdir() if path.is_file()}
    weal("doctor", "--home", home)
    after = {path.name: path.read_bytes() for path in home.iterdir() if path.is_file()}
    assert before.items() <= after.items()


def sealing(**more: Any) -> SealingStatus:
    """What a node says of sealing while all is well."""
    return replace(SEALING, unsealed=0, **more)


def test_seals_that_are_made_are_well(home: Path) -> None:
    good("seal", "--home", home)
    found = examined(home, sealing=sealing())["seals"]
    assert found["ok"] and "height 1" in found["what"]


def test_what_waits_too_long_for_a_seal_is_named_with_who_is_missing(home: Path) -> None:
    with Home(home).store(readonly=True) as store:
        settings = Settings.read(store)
    absent = ((bytes(settings.device), bytes(settings.member)),)
    said = replace(sealing(missing=absent, waits_ms=20 * 60_000), unsealed=1)
    found = examined(home, sealing=said)["seals"]
    assert not found["ok"]
    assert "20 minutes" in found["what"] and "Ann" in found["advice"]


def test_a_ledger_that_cannot_follow_the_seals_is_named(home: Path) -> None:
    found = examined(home, sealing=sealing(alarm="the state differs"))["seals"]
    assert not found["ok"] and "the state differs" in found["what"]
