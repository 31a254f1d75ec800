"""Asking a running node through its unix socket: the messages, and the plain side of the call.

A message is its length (4 bytes, big-endian) and a canonical map. A question is
{"question", "about"}; each answer to it is {"ok", "last"}, or {"error", "text", "exit"}
which is always the last. Questions of one connection are answered one after the other.
Nothing here imports trio or the node, so that a command that asks starts quickly.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from commonweal.protocol import codec, errors
from commonweal.protocol.errors import CommonwealError, Malformed, NotReachable
from commonweal.storage.home.home import ForeignSocket

if TYPE_CHECKING:
    from commonweal.node.service.events import Wish

MESSAGE_BYTES_MAX = 1024 * 1024
LENGTH_BYTES = 4
DEPTH_MAX = 12
"""A question carries the data of records, which are 8 deep themselves."""
CONNECT_S = 2.0
_UCRED = struct.Struct("3i")
"""Of Linux: process, user, group."""
_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED_BYTES = 0, 1, 76
_XUCRED = struct.Struct("2I")
"""Of macOS and the BSDs: version, user, and more."""


def peer_uid(connected: socket.socket) -> int:
    """Return the user whose process is at the other end of a unix socket, as the system says."""
    if hasattr(socket, "SO_PEERCRED"):
        found = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
        return int(_UCRED.unpack(found)[1])
    found = connected.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED_BYTES)
    return int(_XUCRED.unpack_from(found)[1])


def question_message(question: str, about: Mapping[str, Any]) -> bytes:
    """Return a question as it is sent."""
    return _framed({"question": question, "about": dict(about)})


def answer_message(value: Mapping[str, Any] | CommonwealError, *, last: bool) -> bytes:
    """Return an answer as it is sent. An error is always the last."""
    if isinstance(value, CommonwealError):
        name, text = type(value).__name__, str(value)[: MESSAGE_BYTES_MAX // 8]
        return _framed({"error": name, "text": text, "exit": value.exit_code})
    return _framed({"ok": dict(value), "last": last})


def wishes_about(wishes: Sequence[Wish]) -> dict[str, Any]:
    """Return what the question "submit" is about."""
    return {"wishes": [_wish_map(wish) for wish in wishes]}


def read_question(data: bytes) -> tuple[str, dict[str, Any]]:
    """Return question and details. Raises `Malformed`."""
    match codec.decode(data, DEPTH_MAX):
        case {"question": str(question), "about": dict(about)}:
            return question, about
        case _:
            raise Malformed("not a question to a node")


def read_answer(data: bytes) -> tuple[dict[str, Any], bool]:
    """Return an answer and whether it is the last. Raises what the node answered."""
    match codec.decode(data, DEPTH_MAX):
        case {"ok": dict(value), "last": bool(last)}:
            return value, last
        case {"error": str(name), "text": str(text), "exit": int(exit_code)}:
            raise _named(name, text, exit_code)
        case _:
            raise Malformed("not an answer of a node")


class LocalClient:
    """A connection to the node of one home. For `with`."""

    def __init__(self, path: Path, *, patience_s: float | None = 30.0) -> None:
        """Connect. patience_s: how long each answer may take. Raises `NotReachable`."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(CONNECT_S)
            self._socket.connect(str(path))
            uid = peer_uid(self._socket)
        except OSError as error:
            self._socket.close()
            raise NotReachable(f"{path}: {error.strerror or error}") from error
        if uid != os.getuid():
            self._socket.close()
            raise ForeignSocket(f"{path}: the user {uid} answers")
        self._socket.settimeout(patience_s)

    def __enter__(self) -> Self:
        """Return the call itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Hang up."""
        self.close()

    def close(self) -> None:
        """Hang up; the node forgets what it was asked."""
        self._socket.close()

    def ask(self, question: str, **about: Any) -> dict[str, Any]:
        """Return the last answer to a question. Raises what the node answers, or NotReachable."""
        *_, answer = self.each(question, **about)
        return answer

    def each(self, question: str, **about: Any) -> Iterator[dict[str, Any]]:
        """Yield the answers as they come; the last ends it."""
        message = question_message(question, about)
        last = False
        try:
            self._socket.sendall(message)
            while not last:
                length = int.from_bytes(self._read(LENGTH_BYTES), "big")
                if length > MESSAGE_BYTES_MAX:
                    raise Malformed(f"an answer of {length} bytes")
                answer, last = read_answer(self._read(length))
                yield answer
        except TimeoutError as error:
            raise NotReachable("the node took too long to answer") from error
        except OSError as error:
            raise NotReachable(f"the node went away: {error.strerror}") from error

    def _read(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            part = self._socket.recv(size - len(data))
            if not part:
                raise NotReachable("the node went away")
            data += part
        return bytes(data)


def _wish_map(wish: Wish) -> dict[str, Any]:
    text = wish.text and {
        "media_type": wish.text.media_type,
        "content": wish.text.content,
        "permanent": wish.text.permanent,
    }
    value = {"kind": wish.kind, "data": dict(wish.data), "deps": list(wish.deps), "text": text}
    return value | ({"basis": wish.basis} if wish.basis else {})


def _framed(value: dict[str, Any]) -> bytes:
    data = codec.encode(value, DEPTH_MAX)
    if len(data) > MESSAGE_BYTES_MAX:
        raise Malformed(f"{len(data)} bytes; one message has at most {MESSAGE_BYTES_MAX}")
    return len(data).to_bytes(LENGTH_BYTES, "big") + data


def _named(name: str, text: str, exit_code: int) -> CommonwealError:
    """Return the error of this name; one of a newer node keeps its text and exit code."""
    kind = getattr(errors, name, None)
    if isinstance(kind, type) and issubclass(kind, CommonwealError):
        error = kind.__new__(kind, text)
        Exception.__init__(error, text)
        return error
    unknown = CommonwealError(f"{name}: {text}")
    unknown.exit_code = exit_code  # type: ignore[misc]
    return unknown
