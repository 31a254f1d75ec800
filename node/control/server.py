"""The server of the local API: a unix socket for the commands of the home's owner.

It reads questions (messages/), gives each a ticket, hands it to the service as an event, and
passes the answers on. It decides nothing but `Stop`, `HoldCode`, `Reach` and `TryReach`. A caller
that hangs up is forgotten, and one that reads too slowly is disconnected. Only the owner of the
home can reach the socket.
"""

from __future__ import annotations

import itertools
import logging
import os
import socket as stdlib_socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import trio

from commonweal.node.control import message_codec
from commonweal.node.control.message_codec import LENGTH_BYTES, MESSAGE_BYTES_MAX
from commonweal.node.control.messages.all_questions import AnyQuestion
from commonweal.node.control.messages.control import Ending, HoldCode, Stop
from commonweal.node.control.messages.question import Done
from commonweal.node.control.messages.reach import Reach, TryReach
from commonweal.node.control.messages.submission import Submit
from commonweal.node.runtime.join_codes import OpenCode
from commonweal.node.runtime.ports import ReachSource
from commonweal.node.service.events import (
    Answer,
    Asked,
    Event,
    Forgotten,
    Submitted,
    Ticket,
)
from commonweal.protocol.errors import CommonwealError, ConfigError, Malformed
from commonweal.protocol.identity import invite
from commonweal.protocol.identity.join_code import CodeKeys
from commonweal.protocol.keys import HASH_BYTES

log = logging.getLogger(__name__)

CONNECTIONS_MAX = 64
ANSWERS_WAITING_MAX = 64
"""Answers to one question that its connection has not sent yet; one more ends the connection."""
WRITE_S_MAX = 10.0
BACKLOG = 16
ACCEPT_AGAIN_S = 0.2
"""Pause before accepting again when the system has no free file."""
MODE = 0o600


class LocalServer:
    """The socket, its connections, and the tickets that are not answered yet."""

    def __init__(
        self,
        path: Path,
        emit: Callable[[Event], None],
        stop: Callable[[], None],
        hold: Callable[[OpenCode], None],
        reach: ReachSource,
    ) -> None:
        """Serve the socket at `path`.

        emit: takes an event at once. stop: ends the node, soon. hold: takes a join code. reach:
        tells of our own addresses.
        """
        self._path, self._emit, self._stop, self._hold = path, emit, stop, hold
        self._reach = reach
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
                        log.warning("cannot accept a command's connection: %s", error)
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
        """Pass an answer on to its caller, at once; a caller that hung up gets none."""
        channel = self._open.get(action.ticket)
        if channel is None:
            return
        try:
            channel.send_nowait(action)
        except trio.WouldBlock:
            log.warning("a command takes its answers too slowly and is disconnected")
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
            pass  # the command went away, and its task has forgotten the question
        finally:
            self._places.release_on_behalf_of(stream)

    async def _read(
        self,
        stream: trio.SocketStream,
        questions: trio.MemorySendChannel[bytes],
        scope: trio.CancelScope,
    ) -> None:
        """Read questions; when the command hangs up, end what is done for it."""
        buffered = bytearray()
        with questions:
            while data := await stream.receive_some():
                buffered += data
                while len(buffered) >= LENGTH_BYTES:
                    length = int.from_bytes(buffered[:LENGTH_BYTES], "big")
                    stop = LENGTH_BYTES + length
                    if length > MESSAGE_BYTES_MAX:
                        log.warning("a question of %d bytes was not read", length)
                        scope.cancel()
                    if len(buffered) < stop or length > MESSAGE_BYTES_MAX:
                        break
                    await questions.send(bytes(buffered[LENGTH_BYTES:stop]))
                    del buffered[:stop]
        scope.cancel()

    async def _reply(self, stream: trio.SocketStream, data: bytes) -> bool:
        """Answer one question to its end; say whether another may follow."""
        ticket = Ticket(next(self._numbers))
        try:
            question = message_codec.question_from_bytes(data)
        except CommonwealError as error:
            await _send(stream, message_codec.error_to_bytes(error))
            return True
        if isinstance(question, Stop):
            await _send(stream, message_codec.answer_to_bytes(Ending(os.getpid()), is_last=True))
            self._stop()
            return True
        if isinstance(question, HoldCode):
            await _send(stream, self._held(question))
            return True
        if isinstance(question, Reach):
            state = self._reach.state()
            await _send(stream, message_codec.answer_to_bytes(state, is_last=True))
            return True
        if isinstance(question, TryReach):
            state = await self._reach.test()
            await _send(stream, message_codec.answer_to_bytes(state, is_last=True))
            return True
        sender, answers = trio.open_memory_channel[Answer](ANSWERS_WAITING_MAX)
        self._open[ticket] = sender
        is_done = False
        try:
            self._emit(event_of(ticket, question))
            async for answer in answers:
                is_done = answer.last or isinstance(answer.value, CommonwealError)
                await _send(stream, _message(question, answer))
                if is_done:
                    return True
            return False
        finally:
            self._open.pop(ticket, None)
            if not is_done:
                self._emit(Forgotten(ticket))

    def _held(self, question: HoldCode) -> bytes:
        """Hold a join code; return the answer to its question."""
        if not len(question.ask) == len(question.answer) == HASH_BYTES:
            return message_codec.error_to_bytes(Malformed("a key of a code has 32 bytes"))
        try:
            invite.from_text(question.link)
        except CommonwealError as error:
            return message_codec.error_to_bytes(error)
        keys = CodeKeys(question.ask, question.answer)
        self._hold(OpenCode(keys, question.link, question.until_ms))
        return message_codec.answer_to_bytes(Done(), is_last=True)


def event_of(ticket: Ticket, question: AnyQuestion) -> Submitted | Asked:
    """Return the event by which the service learns of a question. Not for `Stop`."""
    if isinstance(question, Submit):
        return Submitted(ticket, question.wishes, question.once)
    return Asked(ticket, question.NAME, message_codec.to_map(question))


def _message(question: AnyQuestion, answer: Answer) -> bytes:
    """Return an answer of the service as it is sent; one that is too long becomes an error."""
    value = answer.value
    if isinstance(value, CommonwealError):
        return message_codec.error_to_bytes(value)
    kind = question.ANSWER if answer.last else question.PROGRESS
    assert kind is not None, "only what is followed has answers before the last"
    try:
        return message_codec.answer_to_bytes(
            message_codec.from_map(kind, value), is_last=answer.last
        )
    except Malformed as error:
        return message_codec.error_to_bytes(error)


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
