"""What peers say on the streams of reach, relays and hole punching, as doors.

The readers take a stream; here it is bytes that are there already, so that no reader ever waits.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, cast

from libp2p.identity.identify.pb.identify_pb2 import Identify
from libp2p.identity_utils import create_identity_from_seed
from libp2p.network.stream.exceptions import StreamEOF
from libp2p.relay.circuit_v2.pb.circuit_pb2 import HopMessage, StopMessage
from libp2p.relay.circuit_v2.pb.dcutr_pb2 import HolePunch
from libp2p.utils.varint import encode_uvarint

from commonweal.node.network.channel.stream import Stream
from commonweal.node.network.punch.dcutr import (
    BadPunchMessage,
    connect_message,
    places_in,
    read_punch_message,
)
from commonweal.node.network.reach.reach_stream import (
    ReachAnswer,
    answer_from_bytes,
    answer_to_bytes,
    question_from_bytes,
    question_to_bytes,
)
from commonweal.node.network.relay import messages
from commonweal.node.network.relay.messages import BadRelayMessage, RelayRefused, read_message
from commonweal.node.reach_state import DialBackResult
from commonweal.node.transport import PeerKey
from commonweal.protocol.identity.public_hosts import is_public_host

_PLACES = ("/ip4/203.0.113.7/tcp/4001", "/ip6/2001:db9::1/tcp/4001")
_MEI, _BO = PeerKey(bytes(32)), PeerKey(bytes(31) + b"\x01")
_KEYS = create_identity_from_seed(bytes(32))


class _Said:
    """A stream on which all has come, and then its end."""

    def __init__(self, data: bytes) -> None:
        self._left = memoryview(data)

    async def read(self, n: int | None = None) -> bytes:
        if not self._left:
            raise StreamEOF
        taken, self._left = self._left[:n], self._left[n:]
        return bytes(taken)


def _now(reading: Coroutine[Any, Any, object]) -> object:
    """Return what a reader that never waits returns."""
    try:
        reading.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("a reader waited for bytes that were there")


def _stream(data: bytes) -> Stream:
    return cast(Stream, _Said(data))


def _punch(data: bytes) -> object:
    try:
        message = _now(read_punch_message(_stream(data), HolePunch.CONNECT))
    except BadPunchMessage:
        return None
    return places_in(cast(HolePunch, message), is_public_host)


def _relay(data: bytes) -> object:
    """A request to a relay, and what a relay answers to one."""
    readers: tuple[Coroutine[Any, Any, object], ...] = (
        read_message(_stream(data), HopMessage),
        read_message(_stream(data), StopMessage),
        read_message(_stream(data), Identify),
    )
    for reader in readers:
        try:
            message = _now(reader)
            if isinstance(message, HopMessage):
                messages.addresses_in(message)
                messages.check_voucher(message, _MEI, _BO)
            if isinstance(message, HopMessage | StopMessage):
                messages.peer_named(message)
        except (BadRelayMessage, RelayRefused):
            continue
    return None


def _framed(body: bytes) -> bytes:
    return encode_uvarint(len(body)) + body


STREAM_DOORS: Mapping[str, tuple[Callable[[bytes], object], tuple[bytes, ...]]] = {
    "hole punching": (_punch, (connect_message(_PLACES),)),
    "relay message": (
        _relay,
        (
            _framed(messages.connect_request(_BO).SerializeToString()),
            _framed(messages.incoming(_BO).SerializeToString()),
            _framed(messages.reserved(_KEYS, _BO, 1, _PLACES).SerializeToString()),
        ),
    ),
    "question about reach": (question_from_bytes, (question_to_bytes(_PLACES),)),
    "answer about reach": (
        lambda data: answer_from_bytes(data, 1),
        (answer_to_bytes(ReachAnswer(_PLACES[0], (DialBackResult.REACHED,))),),
    ),
}
