"""Protobuf messages on a stream, each after its length as an unsigned varint, as libp2p sends them.

Source: https://github.com/libp2p/specs/blob/master/relay/circuit-v2.md and DCUtR.md beside it
"""

from __future__ import annotations

from typing import Final, TypeVar

from google.protobuf.message import DecodeError, Message
from libp2p.utils.varint import encode_uvarint

from commonweal.node.network.channel.stream import Stream

MESSAGE_BYTES_MAX: Final = 4_096
"""The largest message; fixed by both specifications."""

M = TypeVar("M", bound=Message)


class UnreadableMessage(Exception):
    """The other end sends a message that is too large or is none of the kind that is due."""


async def read_delimited(stream: Stream, kind: type[M]) -> M:
    """Return the next message. Raises UnreadableMessage, or StreamError when the stream ends."""
    size = shift = 0
    while True:
        byte = (await _exactly(stream, 1))[0]
        size |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
        if shift > 14:
            raise UnreadableMessage("the message is too large")
    if size > MESSAGE_BYTES_MAX:
        raise UnreadableMessage(f"a message of {size} bytes")
    message = kind()
    try:
        message.ParseFromString(await _exactly(stream, size))
    except DecodeError as error:
        raise UnreadableMessage("the message cannot be read") from error
    return message


def delimited(message: Message) -> bytes:
    """Return a message as it is sent."""
    body = message.SerializeToString()
    assert len(body) <= MESSAGE_BYTES_MAX, "what we say is small"
    return encode_uvarint(len(body)) + body


async def _exactly(stream: Stream, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += await stream.read(size - len(data))
    return data
