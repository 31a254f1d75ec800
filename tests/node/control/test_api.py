"""The local API: questions and answers over the socket, and who may not have them."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trio

from commonweal.node.control import message_codec, server
from commonweal.node.control.client import LocalClient
from commonweal.node.control.messages.control import Ending, SealNow, Stop
from commonweal.node.control.messages.held_records import HeldBy, Holders, Wait
from commonweal.node.control.messages.node_status import Status
from commonweal.node.control.messages.question import Question
from commonweal.node.control.messages.submission import NewRecords, Submit
from commonweal.node.control.server import LocalServer
from commonweal.node.reach_state import ReachState
from commonweal.node.runtime.join_codes import OpenCode
from commonweal.node.service.events import (
    Answer,
    Asked,
    Event,
    Forgotten,
    OnceKey,
    Submitted,
    Text,
    Ticket,
    Wish,
)
from commonweal.protocol import codec
from commonweal.protocol.errors import (
    ConfigError,
    Malformed,
    NotAdmittedYet,
    NotReachable,
    UsageError,
)
from commonweal.protocol.records.record import SALT_BYTES, RecordId
from tests.builders.link_pairs import no_file_left

PATIENCE_S = 5.0
ONCE = OnceKey(b"k" * 32, b"r" * 32)
T = TypeVar("T")


class Door:
    """An Api whose events are kept, and answered by `reply` when there is one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.events: list[Event] = []
        self.stopped = 0
        self.codes: list[OpenCode] = []
        self.reply: Callable[[Event], list[Answer]] = lambda _event: []
        self.reach = ReachState()
        self.tests = 0
        self.api = LocalServer(*(path, self._take, self._stop, self.codes.append), self)

    def state(self) -> ReachState:
        return self.reach

    async def test(self) -> ReachState:
        self.tests += 1
        return self.reach

    def _take(self, event: Event) -> None:
        self.events.append(event)
        for answer in self.reply(event):
            self.api.answer(answer)

    def _stop(self) -> None:
        self.stopped += 1

    async def wait(self, kind: type[T], count: int = 1) -> T:
        """The last of `count` events of this kind, when they are there."""
        with trio.fail_after(PATIENCE_S):
            while len(found := [one for one in self.events if isinstance(one, kind)]) < count:
                await trio.sleep(0.005)
        return found[count - 1]


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Door]:
    """An Api that runs, and ends at the end."""
    door = Door(path)
    async with trio.open_nursery() as nursery:
        await nursery.start(door.api.run)
        yield door
        nursery.cancel_scope.cancel()


async def asking(path: Path, question: Question[T]) -> T:
    """Ask in a thread, as a command does; raises what the node answers."""

    def ask() -> T:
        with LocalClient(path, patience_s=PATIENCE_S) as line:
            return line.ask(question)

    return await trio.to_thread.run_sync(ask)


WAIT = Wait((b"r" * 32,), 2)


def echo(event: Event) -> list[Answer]:
    """Answer a wait with how many are wanted, as if all held it."""
    if not isinstance(event, Asked):
        return []
    return [Answer(event.ticket, {"held_by": 2, "wanted": event.about["peers"]})]


async def test_a_question_is_answered(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as door:
        door.reply = echo
        assert await asking(door.path, WAIT) == HeldBy(2, 2)
        assert door.events == [Asked(Ticket(1), "wait", {"ids": [b"r" * 32], "peers": 2})]


async def test_answers_come_one_after_the_other_until_the_last(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as door:
        door.reply = lambda event: [
            Answer(event.ticket, {"held_by": n, "wanted": 2}, last=n == 2)  # type: ignore[union-attr]
            for n in range(3)
        ]

        def ask() -> list[Any]:
            with LocalClient(door.path, patience_s=PATIENCE_S) as line:
                return [*line.follow(WAIT), *line.follow(WAIT)]

        assert await trio.to_thread.run_sync(ask) == [HeldBy(n, 2) for n in range(3)] * 2


async def test_a_call_that_finds_no_file_left_is_taken_when_there_is_one(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as door:
        door.reply = echo
        with socket.socket(socket.AF_UNIX) as caller:
            with no_file_left():
                caller.connect(str(door.path))
                await trio.sleep(0.1)
            caller.sendall(message_codec.question_to_bytes(WAIT))
            assert (await door.wait(Asked)).about == message_codec.to_map(WAIT)
        assert await asking(door.path, WAIT) == HeldBy(2, 2)


async def test_an_error_arrives_by_its_name(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as door:
        door.reply = lambda event: [Answer(event.ticket, NotAdmittedYet("wait for Mei"))]  # type: ignore[union-attr]
        with pytest.raises(NotAdmittedYet, match="wait for Mei"):
            await asking(door.path, Status())


async def test_wishes_arrive_as_they_were_sent(tmp_path: Path) -> None:
    wishes = (
        Wish("event", {"action": "work", "deep": [{"n": 1}]}, (b"d" * 32,)),  # type: ignore[arg-type]
        Wish("event", {}, (), Text("text/plain", b"a note")),
        Wish("rules", {}, (), Text("text/plain", b"rules", permanent=True), secret=b"said"),
        Wish("event", {}, (), Text("text/plain", b"promised", salt=b"s" * SALT_BYTES)),
        Wish("process", {}, basis=RecordId(b"b" * 32), stand_in=RecordId(b"s" * 32)),
    )
    async with opened(tmp_path / "s") as door:
        door.reply = lambda event: [Answer(event.ticket, {"records": []})]  # type: ignore[union-attr]
        assert await asking(door.path, Submit(wishes)) == NewRecords(())
        assert await asking(door.path, Submit(wishes, ONCE)) == NewRecords(())
        assert door.events == [Submitted(Ticket(1), wishes), Submitted(Ticket(2), wishes, ONCE)]


async def test_a_sealed_body_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    wish = Wish("review", {}, (), Text("text/plain", b"bytes", sealed=True))
    async with opened(tmp_path / "s") as door:
        with pytest.raises(Malformed, match="only the node itself"):
            await asking(door.path, Submit((wish,)))
        assert door.events == []


GOOD = {"kind": "event", "data": {}}
BAD_WISHES = [
    {},
    {"wishes": []},
    {"wishes": [GOOD] * 1001},
    {"wishes": [{"kind": "event"}]},
    {"wishes": [{"kind": 1, "data": {}}]},
    {"wishes": [GOOD | {"deps": [b"short"]}]},
    {"wishes": [GOOD | {"deps": [b"d" * 32] * 17}]},
    {"wishes": [GOOD | {"text": "a note"}]},
    {"wishes": [GOOD | {"text": {"media_type": "a", "content": "text", "permanent": False}}]},
    {"wishes": [GOOD | {"more": 1}]},
    {"wishes": [GOOD | {"stand_in": b"short"}]},
]


BAD_QUESTIONS = [
    *(("submit", about) for about in BAD_WISHES),
    ("wait", {}),
    ("wait", {"ids": [b"r" * 32]}),
    ("wait", {"ids": b"r" * 32, "peers": 1}),
    ("wait", {"ids": ["r"], "peers": 1}),
    ("wait", {"ids": [], "peers": True}),
    ("wait", {"ids": [], "peers": 1, "more": 1}),
    ("status", {"more": 1}),
    ("holders", {"id": None}),
    ("meet", {"link": b"weal"}),
]


@pytest.mark.parametrize(("name", "about"), BAD_QUESTIONS)
async def test_a_bad_question_is_refused_before_the_service_sees_it(
    tmp_path: Path, name: str, about: dict[str, Any]
) -> None:
    data = codec.encode({"question": name, "about": about}, message_codec.DEPTH_MAX)
    async with opened(tmp_path / "s") as door:
        with pytest.raises(Malformed):
            await _said(door, data)
        assert door.events == []
        door.reply = echo
        assert await asking(door.path, WAIT) == HeldBy(2, 2)


async def test_a_question_of_another_name_is_refused(tmp_path: Path) -> None:
    data = codec.encode({"question": "what", "about": {}})
    async with opened(tmp_path / "s") as door:
        with pytest.raises(UsageError, match="what"):
            await _said(door, data)
        assert door.events == []


async def _said(door: Door, data: bytes) -> object:
    """Send bytes as one message; return what is answered, or raise it."""
    async with await trio.open_unix_socket(str(door.path)) as stream:
        await stream.send_all(len(data).to_bytes(4, "big") + data)
        with trio.fail_after(PATIENCE_S):
            reply = bytes(await stream.receive_some())
        return message_codec.answer_from_bytes(WAIT, reply[4:])


async def test_stop_is_answered_and_obeyed(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as door:
        assert await asking(door.path, Stop()) == Ending(os.getpid())
        assert door.stopped == 1


async def test_who_hangs_up_is_forgotten(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as door:
        stream = await trio.open_unix_socket(str(door.path))
        await stream.send_all(message_codec.question_to_bytes(WAIT))
        asked = await door.wait(Asked)
        await stream.aclose()
        assert await door.wait(Forgotten) == Forgotten(asked.ticket)
        door.api.answer(Answer(asked.ticket, {}))


async def test_who_was_answered_is_not_forgotten(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as door:
        door.reply = echo
        await asking(door.path, WAIT)
        await asking(door.path, WAIT)
        assert all(isinstance(event, Asked) for event in door.events)


async def test_who_reads_too_slowly_is_cut_off_and_forgotten(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as door:
        stream = await trio.open_unix_socket(str(door.path))
        async with stream:
            await stream.send_all(message_codec.question_to_bytes(SealNow()))
            asked = await door.wait(Asked)
            missing = [[bytes(32), bytes(16)]] * 2_000
            progress = {"height": 1, "round": 0, "missing": missing, "witnesses": 4, "needed": 3}
            for _ in range(server.ANSWERS_WAITING_MAX + 2):
                door.api.answer(Answer(asked.ticket, progress, last=False))
            assert asked.ticket not in door.api._open
        await door.wait(Forgotten)


@pytest.mark.parametrize(
    "data",
    [
        (message_codec.MESSAGE_BYTES_MAX + 1).to_bytes(4, "big") + bytes(100),
        b"\xff\xff\xff\xff",
    ],
)
async def test_a_question_that_is_too_long_ends_the_connection(tmp_path: Path, data: bytes) -> None:
    async with opened(tmp_path / "s") as door:
        async with await trio.open_unix_socket(str(door.path)) as stream:
            await stream.send_all(data)
            with trio.fail_after(PATIENCE_S):
                assert await stream.receive_some() == b""
        door.reply = echo
        assert await asking(door.path, WAIT) == HeldBy(2, 2)


@pytest.mark.parametrize("data", [b"", b"\xc1", b"GET / HTTP/1.1", codec.encode({"question": 1})])
async def test_what_is_no_question_gets_an_error(tmp_path: Path, data: bytes) -> None:
    async with opened(tmp_path / "s") as door:
        with pytest.raises(Malformed):
            await _said(door, data)
        assert door.events == []


async def test_an_answer_that_is_too_long_is_an_error_and_no_crash(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as door:
        holders = [bytes(message_codec.MESSAGE_BYTES_MAX)]
        door.reply = lambda event: [Answer(event.ticket, {"holders": holders, "connected": 1})]  # type: ignore[union-attr]
        with pytest.raises(Malformed):
            await asking(door.path, Holders(b"r" * 32))
        door.reply = echo
        assert await asking(door.path, WAIT) == HeldBy(2, 2)


async def test_connections_are_bounded_and_places_come_back(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as door:
        held = [await trio.open_unix_socket(str(door.path)) for _ in range(server.CONNECTIONS_MAX)]
        await trio.sleep(0.05)
        with pytest.raises(NotReachable):
            await asking(door.path, WAIT)
        for stream in held:
            await stream.aclose()
        await trio.sleep(0.05)
        door.reply = echo
        assert await asking(door.path, WAIT) == HeldBy(2, 2)


async def test_only_the_owner_reaches_the_socket_and_it_goes_with_the_node(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as door:
        assert stat.S_IMODE(door.path.stat().st_mode) == 0o600
    assert not door.path.exists()
    with pytest.raises(NotReachable):
        LocalClient(door.path)


async def test_the_socket_of_a_dead_node_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert path.exists()
    async with opened(path) as door:
        door.reply = echo
        assert await asking(path, WAIT) == HeldBy(2, 2)


async def test_a_socket_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="missing"):
        ignored: list[Any] = [lambda *_about: None] * 4
        await LocalServer(tmp_path / "missing" / "s", *ignored).run()
