"""multistream-select 1.0.0: two ends agree on the protocol of a connection or a stream.

Bounded in bytes and tries. `ls` is answered like an unknown protocol, so that asking shows nothing.
libp2p's own reader is not used: it believes any length that the other end announces.
Source: https://github.com/multiformats/multistream-select
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

MULTISTREAM: Final = "/multistream/1.0.0"
REFUSAL: Final = "na"
MESSAGE_BYTES_MAX: Final = 256
TRIES_MAX: Final = 8


class NoAgreement(Exception):
    """The two ends share no protocol, or one of them does not speak multistream."""


class Pipe(Protocol):
    """Bytes both ways; `read` returns up to n bytes, and none at the end."""

    async def read(self, n: int | None = None) -> bytes:
        """Return up to n bytes; b"" at the end."""
        ...

    async def write(self, data: bytes) -> None:
        """Send all of `data`."""
        ...


async def offer(pipe: Pipe, protocol: str) -> None:
    """Agree on `protocol` as the end that asks. Raises NoAgreement when it is refused."""
    await pipe.write(_encode(MULTISTREAM) + _encode(protocol))
    if await _next(pipe) != MULTISTREAM:
        raise NoAgreement("the other end does not speak multistream")
    if await _next(pipe) != protocol:
        raise NoAgreement(f"refused: {protocol}")


async def choose(pipe: Pipe, offered: Callable[[], Sequence[str]]) -> str:
    """Return the protocol that the other end named and `offered` holds at that moment.

    Raises NoAgreement after TRIES_MAX names that we do not offer.
    """
    await pipe.write(_encode(MULTISTREAM))
    if await _next(pipe) != MULTISTREAM:
        raise NoAgreement("the other end does not speak multistream")
    for _ in range(TRIES_MAX):
        name = await _next(pipe)
        if name in offered():
            await pipe.write(_encode(name))
            return name
        await pipe.write(_encode(REFUSAL))
    raise NoAgreement("nothing that was asked for is offered")


def _encode(message: str) -> bytes:
    body = message.encode() + b"\n"
    assert len(body) < 128, "a one-byte varint holds the length"
    return bytes([len(body)]) + body


async def _next(pipe: Pipe) -> str:
    size = shift = 0
    while True:
        byte = (await _exactly(pipe, 1))[0]
        size |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
        if shift > 14:
            raise NoAgreement("the message is too long")
    if not 1 <= size <= MESSAGE_BYTES_MAX:
        raise NoAgreement(f"a message of {size} bytes")
    body = await _exactly(pipe, size)
    if body[-1:] != b"\n":
        raise NoAgreement("the message has no end")
    return body[:-1].decode("utf-8", "replace")


async def _exactly(pipe: Pipe, n: int) -> bytes:
    data = await pipe.read(n)
    while len(data) < n:
        more = await pipe.read(n - len(data))
        if not more:
            raise NoAgreement("closed while agreeing on a protocol")
        data += more
    return data
