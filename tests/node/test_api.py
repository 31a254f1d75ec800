"""The local API: questions and answers over the socket, and who may not have them."""

from __future__ import annotations

import socket
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trio

from commonweal.node.control import client, server
from commonweal.node.control.client import LocalClient
from commonweal.node.control.server import LocalServer
from commonweal.node.service.events import (
    Answer,
    Asked,
    Event,
    Forgotten,
    Submitted,
    Text,
    Ticket,
    Wish,
)
from commonweal.protocol import codec
from commonweal.protocol.errors import ConfigError, Malformed, NotAdmittedYet, NotReachable
from tests.builders.link_pairs import no_file_left

PATIENCE_S = 5.0
T = TypeVar("T")


class Door:
    """An Api whose events are kept, and answered by `reply` when there is one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.events: list[Event] = []
        self.stopped = 0
        self.reply: Callable[[Event], list[Answer]] = lambda _event: []
        self.api = LocalServer(path, self._take, self._stop)

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


async def asking(path: Path, question: str, **about: Any) -> dict[str, Any]:
    """Ask in a thread, as a command does; raises what the node answers."""

    def ask() -> dict[str, Any]:
        with LocalClient(path, patience_s=PATIENCE_S) as line:
            return line.ask(question, **about)

    return await trio.to_thread.run_sync(ask)


def echo(event: Event) -> list[Answer]:
    """Answer a question with what it is about."""
    return [Answer(event.ticket, dict(event.about))] if isinstance(event, Asked) else []


async def test_a_question_is_answered(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as door:
        door.reply = echo
        assert await asking(door.path, "status", name="x", deep=[{"a": b"1"}]) == {
            "name": "x",
            "deep": [{"a": b"1"}],
        }
        assert door.events == [Asked(Ticket(1), "status", {"name": "x", "deep": [{"a": b"1"}]})]


async def test_answers_come_one_after_the_other_until_the_last(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as door:
        door.reply = lambda event: [
            Answer(event.ticket, {"n": n}, last=n == 2)  # type: ignore[union-attr]
            for n in range(3)
        ]

        def ask() -> list[Any]:
            with LocalClient(door.path, patience_s=PATIENCE_S) as line:
                return [*line.each("wait"), *line.each("wait")]

        assert await trio.to_thread.run_sync(ask) == [{"n": 0}, {"n": 1}, {"n": 2}] * 2


async def test_a_call_that_finds_no_file_left_is_taken_when_there_is_one(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as door:
        door.reply = echo
        with socket.socket(socket.AF_UNIX) as caller:
            with no_file_left():
                caller.connect(str(door.path))
                await trio.sleep(0.1)
            caller.sendall(client.question_message("status", {"name": "x"}))
            assert (await door.wait(Asked)).about == {"name": "x"}
        assert await asking(door.path, "status", name="y") == {"name": "y"}


async def test_an_error_arrives_by_its_name(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as door:
        door.reply = lambda event: [Answer(event.ticket, NotAdmittedYet("wait for Mei"))]  # type: ignore[union-attr]
        with pytest.raises(NotAdmittedYet, match="wait for Mei"):
            await asking(door.path, "x")


async def test_wishes_arrive_as_they_were_sent(tmp_path: Path) -> None:
    wishes = (
        Wish("event", {"action": "work", "deep": [{"n": 1}]}, (b"d" * 32,)),  # type: ignore[arg-type]
        Wish("event", {}, (), Text("text/plain", b"a note")),
    )
    async with opened(tmp_path / "s") as door:
        door.reply = lambda event: [Answer(event.ticket, {})]  # type: ignore[union-attr]
        await asking(door.path, "submit", **client.wishes_about(wishes))
        assert door.events == [Submitted(Ticket(1), wishes)]


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
]


@pytest.mark.parametrize("about", BAD_WISHES)
async def test_a_bad_submission_is_refused_before_the_service_sees_it(
    tmp_path: Path, about: dict[str, Any]
) -> None:
    async with opened(tmp_path / "s") as door:
        with pytest.raises(Malformed):
            await asking(door.path, "submit", **about)
        assert door.events == []
        door.reply = echo
        assert await asking(door.path, "status") == {}


async def test_stop_is_answered_and_obeyed(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as door:
        assert "pid" in await asking(door.path, "stop")
        assert door.stopped == 1


async def test_who_hangs_up_is_forgotten(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as door:
        stream = await trio.open_unix_socket(str(door.path))
        await stream.send_all(client.question_message("wait", {}))
        asked = await door.wait(Asked)
        await stream.aclose()
        assert await door.wait(Forgotten) == Forgotten(asked.ticket)
        door.api.answer(Answer(asked.ticket, {}))


async def test_who_was_answered_is_not_forgotten(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as door:
        door.reply = echo
        await asking(door.path, "status")
        await asking(door.path, "status")
        assert all(isinstance(event, Asked) for event in door.events)


async def test_who_reads_too_slowly_is_cut_off_and_forgotten(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as door:
        stream = await trio.open_unix_socket(str(door.path))
        async with stream:
            await stream.send_all(client.question_message("follow", {}))
            asked = await door.wait(Asked)
            for _ in range(server.ANSWERS_WAITING_MAX + 2):
                door.api.answer(Answer(asked.ticket, {"x": bytes(100_000)}, last=False))
            assert asked.ticket not in door.api._open
        await door.wait(Forgotten)


@pytest.mark.parametrize(
    "data",
    [
        (client.MESSAGE_BYTES_MAX + 1).to_bytes(4, "big") + bytes(100),
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
        assert await asking(door.path, "status") == {}


@pytest.mark.parametrize("data", [b"", b"\xc1", b"GET / HTTP/1.1", codec.encode({"question": 1})])
async def test_what_is_no_question_gets_an_error(tmp_path: Path, data: bytes) -> None:
    async with opened(tmp_path / "s") as door:
        async with await trio.open_unix_socket(str(door.path)) as stream:
            await stream.send_all(len(data).to_bytes(4, "big") + data)
            with trio.fail_after(PATIENCE_S):
                reply = bytes(await stream.receive_some())
            with pytest.raises(Malformed):
                client.read_answer(reply[4:])
        assert door.events == []


async def test_an_answer_that_is_too_long_is_an_error_and_no_crash(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as door:
        door.reply = lambda event: [Answer(event.ticket, {"x": bytes(client.MESSAGE_BYTES_MAX)})]  # type: ignore[union-attr]
        with pytest.raises(Malformed):
            await asking(door.path, "x")
        door.reply = echo
        assert await asking(door.path, "status") == {}


async def test_connections_are_bounded_and_places_come_back(tmp_path: Path) -> None:
    async with opened(tmp_path / "s") as door:
        held = [await trio.open_unix_socket(str(door.path)) for _ in range(server.CONNECTIONS_MAX)]
        await trio.sleep(0.05)
        with pytest.raises(NotReachable):
            await asking(door.path, "status")
        for stream in held:
            await stream.aclose()
        await trio.sleep(0.05)
        door.reply = echo
        assert await asking(door.path, "status") == {}


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
        assert await asking(path, "status") == {}


async def test_a_socket_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="missing"):
        await LocalServer(tmp_path / "missing" / "s", lambda _event: None, lambda: None).run()
