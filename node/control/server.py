"""The local API of a running node: a unix socket for the commands of its owner.

It reads questions, gives each a ticket, hands it to the Service as an event, and passes
the answers on. It decides nothing but "stop". Whoever hangs up is forgotten; whoever
reads too slowly is cut off. Only the owner of the home can reach the socket.
"""

from __future__ import annotations

import itertools
import logging
import os
import socket as stdlib_socket
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeGuard

import trio

from commonweal.node.control import client
from commonweal.node.service.events import (
    DRAFTS_MAX,
    Answer,
    Asked,
    Event,
    Forgotten,
    Submitted,
    Text,
    Ticket,
    Wish,
)
from commonweal.protocol.errors import CommonwealError, ConfigError, Malformed
from commonweal.protocol.records.record import DEPS_MAX, RecordId

log = logging.getLogger(__name__)

CONNECTIONS_MAX = 64
ANSWERS_WAITING_MAX = 64
"""Answers of one request that its connection has not sent yet; one more ends the connection."""
WRITE_S_MAX = 10.0
BACKLOG = 16
ACCEPT_AGAIN_S = 0.2
"""When the system has no file left for a call, it is tried again so soon."""
MODE = 0o600

MORE_OF_A_WISH = frozenset({"deps", "text", "basis"})
"""What a wish may leave out."""


class LocalServer:
    """The socket, its connections, and the tickets that are not answered yet."""

    def __init__(self, path: Path, emit: Callable[[Event], None], stop: Callable[[], None]) -> None:
        """path: of the socket. emit: takes an event at once. stop: ends the node, soon."""
        self._path, self._emit, self._stop = path, emit, stop
        self._numbers = itertools.count(1)
        self._open: dict[Ticket, trio.MemorySendChannel[Answer]] = {}
        self._places = trio.CapacityLimiter(CONNECTIONS_MAX)

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Listen and serve until cancelled; started() once it listens.

        The caller holds the lock of the home: a socket that is there is a dead node's, and is
        replaced. Raises ConfigError when the path cannot be used.
        """
        listener = _listen(self._path)
        try:
            async with trio.open_nursery() as nursery:
                task_status.started()
                while True:
                    try:
                        stream = await listener.accept()
                    except OSError as error:
                        log.warning("cannot take a command's call: %s", error)
                        await trio.sleep(ACCEPT_AGAIN_S)
                        continue
                    try:
                        self._places.acquire_on_behalf_of_nowait(stream)
                    except trio.WouldBlock:
                        await trio.aclose_forcefully(stream)
                        continue
                    nursery.start_soon(self._serve, stream)
        finally:
            listener.socket.close()
            with suppress(OSError):
                self._path.unlink()

    def answer(self, action: Answer) -> None:
        """Pass an answer on to who asked, at once; one who hung up gets none."""
        channel = self._open.get(action.ticket)
        if channel is None:
            return
        try:
            channel.send_nowait(action)
        except trio.WouldBlock:
            log.warning("a command takes its answers too slowly and is cut off")
            channel.close()
            del self._open[action.ticket]

    async def _serve(self, stream: trio.SocketStream) -> None:
        try:
            async with stream, trio.open_nursery() as nursery:
                questions, inbox = trio.open_memory_channel[bytes](1)
                nursery.start_soon(self._read, stream, questions, nursery.cancel_scope)
                async for data in inbox:
                    if not await self._reply(stream, data):
                        break
                nursery.cancel_scope.cancel()
        except* (trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError):
            pass  # the command went away, which its task has seen to
        finally:
            self._places.release_on_behalf_of(stream)

    async def _read(
        self,
        stream: trio.SocketStream,
        questions: trio.MemorySendChannel[bytes],
        scope: trio.CancelScope,
    ) -> None:
        """Read questions; when the command hangs up, end whatever is done for it."""
        buffered = bytearray()
        with questions:
            while data := await stream.receive_some():
                buffered += data
                while len(buffered) >= client.LENGTH_BYTES:
                    length = int.from_bytes(buffered[: client.LENGTH_BYTES], "big")
                    stop = client.LENGTH_BYTES + length
                    if length > client.MESSAGE_BYTES_MAX:
                        log.warning("a question of %d bytes was not read", length)
                        scope.cancel()
                    if len(buffered) < stop or length > client.MESSAGE_BYTES_MAX:
                        break
                    await questions.send(bytes(buffered[client.LENGTH_BYTES : stop]))
                    del buffered[:stop]
        scope.cancel()

    async def _reply(self, stream: trio.SocketStream, data: bytes) -> bool:
        """Answer one question to its end; say whether another may follow."""
        ticket = Ticket(next(self._numbers))
        try:
            question, about = client.read_question(data)
            if question == "stop":
                await _send(stream, client.answer_message({"pid": os.getpid()}, last=True))
                self._stop()
                return True
            event = event_of(ticket, question, about)
        except CommonwealError as error:
            await _send(stream, client.answer_message(error, last=True))
            return True
        sender, answers = trio.open_memory_channel[Answer](ANSWERS_WAITING_MAX)
        self._open[ticket] = sender
        is_done = False
        try:
            self._emit(event)
            async for answer in answers:
                is_done = answer.last or isinstance(answer.value, CommonwealError)
                await _send(stream, _message(answer))
                if is_done:
                    return True
            return False
        finally:
            self._open.pop(ticket, None)
            if not is_done:
                self._emit(Forgotten(ticket))


def event_of(ticket: Ticket, question: str, about: Mapping[str, Any]) -> Submitted | Asked:
    """Return the event that a question is. Raises `Malformed`.

    The question "submit" is about {"wishes": [{"kind", "data", "deps", "text", "basis"}]}; deps,
    text and basis may be left out, and text is {"media_type", "content", "permanent"}.
    """
    if question != "submit":
        return Asked(ticket, question, about)
    match about:
        case {"wishes": list(wishes)} if 0 < len(wishes) <= DRAFTS_MAX:
            return Submitted(ticket, tuple(map(_wish, wishes)))
        case _:
            raise Malformed(f"a submission has 1 to {DRAFTS_MAX} wishes")


def _wish(value: object) -> Wish:
    match value:
        case {"kind": str(kind), "data": dict(data), **rest} if rest.keys() <= MORE_OF_A_WISH:
            deps, basis = rest.get("deps", []), rest.get("basis", b"")
            if isinstance(deps, list) and len(deps) <= DEPS_MAX and _is_id(basis, (0, 32)):
                ids = tuple(RecordId(id) for id in deps if _is_id(id))
                if len(ids) == len(deps):
                    text = _text(rest.get("text"))
                    return Wish(kind, data, ids, text, RecordId(basis))
    raise Malformed("a wish that cannot be read")


def _is_id(value: object, sizes: Collection[int] = (32,)) -> TypeGuard[bytes]:
    return isinstance(value, bytes) and len(value) in sizes


def _text(value: object) -> Text | None:
    match value:
        case None:
            return None
        case {"media_type": str(kind), "content": bytes(content), "permanent": bool(permanent)}:
            return Text(kind, content, permanent)
        case _:
            raise Malformed("a text that cannot be read")


def _message(answer: Answer) -> bytes:
    try:
        return client.answer_message(answer.value, last=answer.last)
    except Malformed as error:  # too long for one message
        return client.answer_message(error, last=True)


async def _send(stream: trio.SocketStream, message: bytes) -> None:
    with trio.fail_after(WRITE_S_MAX):
        await stream.send_all(message)


def _listen(path: Path) -> trio.SocketListener:
    socket = stdlib_socket.socket(stdlib_socket.AF_UNIX, stdlib_socket.SOCK_STREAM)
    try:
        with suppress(FileNotFoundError):
            path.unlink()
        mask = os.umask(0o777 & ~MODE)
        try:
            socket.bind(str(path))
        finally:
            os.umask(mask)
        socket.listen(BACKLOG)
    except OSError as error:
        socket.close()
        raise ConfigError(f"{path}: {error.strerror}") from error
    return trio.SocketListener(trio.socket.from_stdlib_socket(socket))
