"""Commands beside a running node: what they ask it, and what they do when it is silent."""

from __future__ import annotations

import os
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from commonweal.client.home import node_client, own_addresses
from commonweal.node.control.message_codec import (
    LENGTH_BYTES,
    answer_to_bytes,
    error_to_bytes,
    question_from_bytes,
)
from commonweal.node.control.messages.all_questions import AnyQuestion
from commonweal.node.control.messages.held_records import HeldBy, Holders, RecordHolders, Wait
from commonweal.node.control.messages.node_status import (
    NodeStatus,
    PeerList,
    PeerStatus,
    SealingStatus,
    Status,
)
from commonweal.node.control.messages.question import Done
from commonweal.node.control.messages.reach import TryReach
from commonweal.node.control.messages.submission import NewRecord, NewRecords, Submit
from commonweal.node.reach_state import ConfirmedAddress, ReachState
from commonweal.node.service.events import Text
from commonweal.protocol import errors
from commonweal.protocol.errors import CommonwealError
from commonweal.protocol.identity import invite
from commonweal.protocol.keys import PeerKey
from commonweal.storage.home.home import Home
from commonweal.storage.ledger import membership
from tests.builders.weal import founder, good, weal

RECORD_ID = b"r" * 32
Answers = dict[str, list[Any]]
"""By the name of a question what is answered to it: answers, or an error."""


@contextmanager
def node(home: Path, answers: Answers) -> Iterator[list[AnyQuestion]]:
    """Hold the home as its node does, and answer each question as told; note what was asked."""
    heard: list[AnyQuestion] = []
    place = Home(home)
    with place.lock(), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(place.socket_for_binding()))
        listener.listen()
        thread = threading.Thread(target=_serve, args=(listener, answers, heard), daemon=True)
        thread.start()
        try:
            yield heard
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)
    place.socket.unlink()


def peer(number: int, **about: Any) -> PeerStatus:
    """A peer that is not reached, or as `about` says."""
    values: dict[str, Any] = {"device": None, "member": None, "address": "", "standing": "absent"}
    values |= {"dropped": None, "ended": None}
    return PeerStatus(bytes([number]) * 32, **(values | about))


SEALING = SealingStatus(0, b"", 0, 0, False, (), (), True, None, 0, "", None)
STATUS = NodeStatus(
    community=b"c" * 32,
    device=b"d" * 32,
    member=b"m" * 32,
    records=12,
    logs=3,
    digest=b"f" * 32,
    state="member",
    writable=True,
    damaged=0,
    room=(1, 1, 1, 1),
    behind=4,
    listening=("/ip4/203.0.113.7/tcp/4001", "/ip4/8.8.8.8/tcp/4001", "/ip4/127.0.0.1/tcp/4001"),
    refusal=None,
    light=None,
    keepers=2,
    keepers_needed=1,
    peers=(
        peer(
            1,
            device=b"e" * 32,
            member=b"n" * 32,
            address="/ip4/10.0.0.9/tcp/4001",
            standing="member",
            behind=4,
            ahead=0,
        ),
        peer(2, failure="refused"),
    ),
    sealing=SEALING,
)
STANDING = replace(STATUS, peers=())
"""What is asked before a record is written; it is not noted."""


def _serve(listener: socket.socket, answers: Answers, heard: list[AnyQuestion]) -> None:
    while True:
        try:
            line, _ = listener.accept()
        except OSError:
            return
        with line, line.makefile("rwb") as stream:
            while length := stream.read(LENGTH_BYTES):
                question = question_from_bytes(stream.read(int.from_bytes(length, "big")))
                if question.NAME == "status" and "status" not in answers:
                    said: Any = [STANDING]
                elif question.NAME == "reach" and "reach" not in answers:
                    said = [ReachState()]
                else:
                    heard.append(question)
                    said = answers[question.NAME]
                if not said:
                    break
                for number, one in enumerate(said, 1):
                    if isinstance(one, CommonwealError):
                        stream.write(error_to_bytes(one))
                    else:
                        stream.write(answer_to_bytes(one, is_last=number == len(said)))
                stream.flush()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return founder(tmp_path / "h")


def written() -> NewRecords:
    return NewRecords((NewRecord(RECORD_ID, 7),))


def test_a_running_node_writes_for_us(home: Path) -> None:
    with node(home, {"submit": [written()]}) as heard:
        ran = good("record", "工作", "3", "小时", "--note", "花", "--home", home, "-o", "json")
    assert (ran.json["id"], ran.json["seq"]) == (RECORD_ID.hex(), 7)
    (question,) = heard
    assert isinstance(question, Submit)
    (wish,) = question.wishes
    assert wish.kind == "event"
    assert wish.data["action"] == "work"
    assert wish.data["effortQuantity"] == {"n": 3, "scale": 0, "unit": "hour"}
    assert wish.text == Text("text/plain", "花".encode())


@pytest.mark.parametrize(
    "error",
    [
        errors.NotPermitted("no"),
        errors.DiskFull("full"),
        errors.NotAdmittedYet("wait"),
        errors.InvalidRecord("bad"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_the_node_refuses_is_refused_here(error: CommonwealError, home: Path) -> None:
    with node(home, {"submit": [error]}):
        ran = weal("record", "work", "1", "hour", "--home", home)
    assert ran.code == error.exit_code
    assert str(error) in ran.err


def test_a_node_that_dies_while_it_writes_is_not_written_around(home: Path) -> None:
    with node(home, {"submit": []}):
        ran = weal("record", "work", "1", "hour", "--home", home)
    assert ran.code == 69
    assert good("ledger", "--home", home, "-o", "json").json["total"] == 0


def test_who_gets_no_answer_is_told_that_it_may_be_written(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_client, "PATIENCE_SECONDS", 0.1)
    place = Home(home)
    with place.lock(), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(place.socket_for_binding()))
        listener.listen()  # as of a node that was halted: it takes the question, and is silent
        ran = weal("record", "work", "1", "hour", "--home", home)
        assert ran.code == 69
        assert "may have done it" in ran.err
        assert "start it" not in ran.err
        status = good("status", "--home", home).out
        assert f"process {os.getpid()} holds this home and does not answer" in status
    assert "not running" in good("status", "--home", home).out


def test_waiting_ends_when_so_many_hold_it(home: Path) -> None:
    answers: Answers = {"submit": [written()], "wait": [HeldBy(held, 2) for held in range(3)]}
    with node(home, answers) as heard:
        ran = good("record", "work", "1", "hour", "--wait", "2", "--home", home, "-o", "json")
    assert ran.json["seq"] == 7
    assert heard[-1] == Wait((RECORD_ID,), 2)
    assert "2 peers" in ran.err


def test_status_asks_the_running_node(home: Path) -> None:
    with node(home, {"status": [STATUS], "holders": [RecordHolders((b"e" * 32,), 1)]}):
        found = good("status", "--home", home, "-o", "json").json
        shown = good("status", "--home", home).out
    assert (found["running"], found["behind"], found["records"]) == (True, 4, 12)
    assert found["frontier"] == (b"f" * 32).hex()
    (row,) = found["peers"]
    assert sorted(row) == [
        *("address", "ahead", "behind", "device", "dropped", "member", "member_name", "state")
    ]
    assert (row["behind"], row["device"]) == (4, (b"e" * 32).hex())
    assert "behind by 4" in shown
    assert "held by 1 peer" in shown


def test_beside_a_node_nothing_is_folded_to_say_who_is_who(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good("seal", "--home", home)

    def folds(*_store: object) -> NoReturn:
        raise AssertionError("the node has folded this")

    monkeypatch.setattr(membership, "membership_fold", folds)
    monkeypatch.setattr(membership, "current_decisions", folds)
    with node(home, {"holders": [RecordHolders((), 0)]}):
        told = good("status", "--home", home, "-o", "json").json
    assert told["community_name"] == "Garden"
    assert [row["member_name"] for row in told["finality"]["witnesses"]] == ["Ann"]
    with pytest.raises(AssertionError, match="the node has folded this"):
        good("status", "--home", home)


def test_a_member_that_the_node_has_not_folded_is_looked_for(home: Path) -> None:
    good("seal", "--home", home)
    with sqlite3.connect(Home(home).state) as state:
        state.execute("DELETE FROM member_row")
    with node(home, {"holders": [RecordHolders((), 0)]}):
        told = good("status", "--home", home, "-o", "json").json
    assert [row["member_name"] for row in told["finality"]["witnesses"]] == ["Ann"]


def test_peers_are_listed_connected_or_not(home: Path) -> None:
    with node(home, {"peers": [PeerList(STATUS.peers)]}):
        rows = good("peers", "--home", home, "-o", "json").json["peers"]
        shown = good("peers", "--home", home).out
    assert [row["state"] for row in rows] == ["connected", "absent"]
    assert "behind by 4" in shown
    assert "absent" in shown


def test_peers_without_a_node_says_how_to_start_one(home: Path) -> None:
    ran = weal("peers", "--home", home)
    assert ran.code == 69
    assert "weal up" in ran.err


def test_down_without_a_node_does_not_say_to_start_one(home: Path) -> None:
    ran = weal("down", "--home", home)
    assert ran.code == 69
    assert "none to end" in ran.err
    assert "weal up" not in ran.err


def test_show_says_who_else_holds_a_record(home: Path) -> None:
    made = good("record", "work", "1", "hour", "--home", home, "-o", "json").json
    with node(home, {"holders": [RecordHolders((b"e" * 32, b"f" * 32), 3)]}) as heard:
        shown = good("show", made["id"], "--home", home).out
    assert "and 2 peers" in shown
    assert heard == [Holders(bytes.fromhex(made["id"]))]


def test_a_link_carries_where_the_node_listens(home: Path) -> None:
    made = good("record", "work", "1", "hour", "--home", home, "-o", "json").json
    answer = NewRecords((NewRecord(bytes.fromhex(made["id"]), made["seq"]),))
    met = ConfirmedAddress("/ip4/8.8.8.8/tcp/4001", PeerKey(bytes(32)), 1, from_outside=True)
    answers: dict[str, list[Any]] = {
        "try-reach": [ReachState(confirmed=(met,))],
        "status": [STATUS],
        "submit": [answer],
        "hold-code": [Done()],
    }
    with node(home, answers) as heard:
        ran = good("invite", "create", "--home", home, "-o", "json")
        said = good("invite", "create", "--home", home).out
    link = invite.from_text(ran.json["link"])
    assert link.contacts[0].addresses == STATUS.listening, "in the order that the node gives them"
    assert ran.json["code"], "the node holds the link for it"
    assert ran.json["reach"]["state"] == "met"
    assert ran.err == ""
    asked = [type(question) for question in heard]
    assert asked.index(TryReach) < asked.index(Status), "it is tried before the link is made"
    assert said.index("a member has reached this node at /ip4/8.8.8.8/tcp/4001") < said.index(
        "weal:"
    )


def test_a_link_of_private_addresses_warns(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        own_addresses, "_hosts", lambda: [("ip4", "192.168.1.5"), ("ip6", "fd00::1")]
    )
    ran = good("invite", "create", "--home", home, "-o", "json")
    assert "private" in ran.err
    found = invite.from_text(ran.json["link"]).contacts[0].addresses
    assert [one.split("/")[2] for one in found] == ["192.168.1.5", "fd00::1"]
    monkeypatch.setattr(
        own_addresses, "_hosts", lambda: [("ip4", "192.168.1.5"), ("ip4", "8.8.8.8")]
    )
    assert good("invite", "create", "--home", home, "-o", "json").err == ""


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("/ip4/8.8.8.8/tcp/1", True),
        ("/ip6/2606:4700::1/tcp/1", True),
        ("/dns/node.example/tcp/1", True),
        ("/ip4/127.0.0.1/tcp/1", False),
        ("/ip4/192.168.0.1/tcp/1", False),
        ("/ip4/100.64.0.1/tcp/1", False),
        ("/ip6/fe80::1/tcp/1", False),
        ("/ip6/fd00::1/tcp/1", False),
    ],
)
def test_an_address_is_public_when_the_world_can_reach_it(address: str, public: bool) -> None:
    assert own_addresses.is_public(address) is public


def test_a_flag_that_weal_types_for_itself_is_refused_with_what_to_type(home: Path) -> None:
    ran = weal("up", "--detached", "--home", home, answers="hello\n")
    assert ran.code == 2
    assert "weal up --background" in ran.err


def test_up_says_that_the_node_runs_already(home: Path) -> None:
    with node(home, {"status": [STATUS]}):
        ran = weal("up", "--home", home)
    assert ran.code == 78
    assert ran.err.startswith("weal: Your node runs already: `weal status` says how it stands")
    with Home(home).lock():
        ran = weal("up", "--home", home)
    assert ran.code == 78
    assert ran.err.startswith("weal: Another program uses this home;")
