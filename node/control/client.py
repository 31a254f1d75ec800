"""The client of the local API: asks the running node of a home through its unix socket.

The messages are in messages/. Nothing here imports trio or the service, so a command that asks
starts quickly.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from commonweal.node.control import message_codec
from commonweal.node.control.message_codec import LENGTH_BYTES, MESSAGE_BYTES_MAX
from commonweal.node.control.messages.question import Question
from commonweal.protocol.errors import Malformed, NotReachable
from commonweal.storage.home.home import ForeignSocket

CONNECT_S = 2.0
_UCRED = struct.Struct("3i")
"""Of Linux: process, user, group."""
_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED_BYTES = 0, 1, 76
_XUCRED = struct.Struct("2I")
"""Of macOS and the BSDs: version, user, and more."""

A = TypeVar("A")


class LocalClient:
    """A connection to the node of one home. For `with`."""

    def __init__(self, path: Path, *, patience_s: float | None = 30.0) -> None:
        """Connect to the socket at `path`; each answer may take `patience_s`.

        Raises NotReachable when no node answers, ForeignSocket when another user's does.
        """
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
        """Return the client itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection; the node forgets what it was asked."""
        self._socket.close()

    def interrupt(self) -> None:
        """Let what waits for an answer in another thread raise NotReachable."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def ask(self, question: Question[A]) -> A:
        """Return the last answer to a question. Raises what the node answers, or NotReachable."""
        *_, answer = self.follow(question)
        return answer

    def follow(self, question: Question[A]) -> Iterator[A]:
        """Yield the answers as they come, the last one included. Raises as `ask` does."""
        message = message_codec.question_to_bytes(question)
        is_last = False
        try:
            self._socket.sendall(message)
            while not is_last:
                length = int.from_bytes(self._read(LENGTH_BYTES), "big")
                if length > MESSAGE_BYTES_MAX:
                    raise Malformed(f"an answer of {length} bytes")
                answer, is_last = message_codec.answer_from_bytes(question, self._read(length))
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


def peer_uid(connected: socket.socket) -> int:
    """Return the user whose process is at the other end of a unix socket, as the system says."""
    if hasattr(socket, "SO_PEERCRED"):
        credentials = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
        return int(_UCRED.unpack(credentials)[1])
    credentials = connected.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED_BYTES)
    return int(_XUCRED.unpack_from(credentials)[1])
