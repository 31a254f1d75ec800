"""The messages of DCUtR, by which two peers with a relayed link agree when to dial each other.

What a peer names is read within bounds. Nothing here dials.
Source: https://github.com/libp2p/specs/blob/master/relay/DCUtR.md
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from libp2p.network.stream.exceptions import StreamError
from libp2p.relay.circuit_v2.pb.dcutr_pb2 import HolePunch
from multiaddr import Multiaddr

from commonweal.node.network.addresses import Endpoint, parse
from commonweal.node.network.channel.delimited import (
    UnreadableMessage,
    delimited,
    read_delimited,
)
from commonweal.node.network.channel.stream import Stream

DCUTR: Final = "/libp2p/dcutr"
PLACES_MAX: Final = 4
"""Addresses that are told to a peer, and that are read of those it tells."""
PORT_MIN: Final = 1_024
"""Routers map to ports above; below are the services of others."""


class BadPunchMessage(Exception):
    """The other end says what cannot be read or does not belong there."""


def connect_message(addresses: Iterable[str]) -> bytes:
    """Return CONNECT with our addresses (multiaddrs), at most PLACES_MAX."""
    told = [Multiaddr(address).to_bytes() for address in dict.fromkeys(addresses)]
    return delimited(HolePunch(type=HolePunch.CONNECT, ObsAddrs=told[:PLACES_MAX]))


def sync_message() -> bytes:
    """Return SYNC: who receives it dials at once."""
    return delimited(HolePunch(type=HolePunch.SYNC))


async def read_punch_message(stream: Stream, kind: HolePunch.Type.ValueType) -> HolePunch:
    """Return the next message, which is of this kind. Raises BadPunchMessage."""
    try:
        message = await read_delimited(stream, HolePunch)
    except UnreadableMessage as error:
        raise BadPunchMessage(str(error)) from error
    except StreamError as error:
        raise BadPunchMessage("the stream ended") from error
    if message.type != kind:
        raise BadPunchMessage(f"a message of kind {message.type} instead of {kind}")
    return message


def places_in(message: HolePunch, allows: Callable[[str], bool]) -> tuple[Endpoint, ...]:
    """Return where the peer says that it is: at most PLACES_MAX, numbers that `allows` takes."""
    places: dict[Endpoint, None] = {}
    for data in message.ObsAddrs[:PLACES_MAX]:
        try:
            endpoint = parse(str(Multiaddr(data)))
        except Exception:  # noqa: S112  the library raises whatever the bytes lead it to
            continue
        is_number = endpoint.kind in ("ip4", "ip6")
        if is_number and endpoint.port >= PORT_MIN and allows(endpoint.host):
            places[endpoint] = None
    return tuple(places)
