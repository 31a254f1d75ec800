"""The messages of DCUtR: what is read of them, and within which bounds."""

from __future__ import annotations

from typing import cast

import pytest
import trio
from libp2p.network.stream.exceptions import StreamEOF
from libp2p.relay.circuit_v2.pb.dcutr_pb2 import HolePunch
from libp2p.utils.varint import encode_uvarint
from multiaddr import Multiaddr

from commonweal.node.network.addresses import Endpoint
from commonweal.node.network.channel.delimited import MESSAGE_BYTES_MAX
from commonweal.node.network.channel.stream import Stream
from commonweal.node.network.punch.dcutr import (
    DCUTR,
    PLACES_MAX,
    PORT_MIN,
    BadPunchMessage,
    connect_message,
    places_in,
    read_punch_message,
    sync_message,
)
from commonweal.protocol.identity.public_hosts import is_public_host

GOOD = "/ip4/203.0.113.7/tcp/4001"


class Written:
    """A stream from which these bytes come, and then the end."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    async def read(self, n: int | None = None) -> bytes:
        await trio.lowlevel.checkpoint()
        if not self._data:
            raise StreamEOF
        taken, self._data = self._data[:n], self._data[n:]
        return taken


async def read(data: bytes, kind: HolePunch.Type.ValueType = HolePunch.CONNECT) -> HolePunch:
    """Return the message in these bytes."""
    return await read_punch_message(cast(Stream, Written(data)), kind)


def told(*addresses: str | bytes) -> HolePunch:
    """Return a CONNECT with these addresses."""
    data = [each if isinstance(each, bytes) else Multiaddr(each).to_bytes() for each in addresses]
    return HolePunch(type=HolePunch.CONNECT, ObsAddrs=data)


def framed(body: bytes) -> bytes:
    """Return a message as it is on the wire."""
    return encode_uvarint(len(body)) + body


async def test_the_messages_are_those_of_the_specification() -> None:
    assert DCUTR == "/libp2p/dcutr"
    data = connect_message([GOOD, GOOD, "/ip6/2001:db9::1/tcp/4001"])
    assert data.hex() == (
        "22" "0864" "1208" "04cb00710706" "0fa1" "1214" "29" "20010db9000000000000000000000001"
        "06" "0fa1"
    )  # fmt: skip
    assert sync_message().hex() == "0308ac02"
    message = await read(data)
    assert [str(place) for place in places_in(message, is_public_host)] == [
        GOOD,
        "/ip6/2001:db9::1/tcp/4001",
    ]
    await read(sync_message(), HolePunch.SYNC)


@pytest.mark.parametrize(
    "data, words",
    [
        (b"", "ended"),
        (b"\x05abc", "ended"),
        (framed(b"\xff\xff\xff"), "cannot be read"),
        (sync_message(), "of kind 300"),
        (
            framed(
                HolePunch(
                    type=HolePunch.CONNECT, ObsAddrs=[bytes(MESSAGE_BYTES_MAX)]
                ).SerializeToString()
            ),
            "bytes",
        ),
        (b"\xff\xff\xff\xff\x01", "too large"),
    ],
)
async def test_a_message_that_is_too_large_or_wrong_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(BadPunchMessage, match=words):
        await read(data)


async def test_the_largest_message_is_read() -> None:
    room = HolePunch(type=HolePunch.CONNECT, ObsAddrs=[b""]).ByteSize() + 1
    whole = HolePunch(type=HolePunch.CONNECT, ObsAddrs=[bytes(MESSAGE_BYTES_MAX - room)])
    assert whole.ByteSize() == MESSAGE_BYTES_MAX
    message = await read(framed(whole.SerializeToString()))
    assert places_in(message, is_public_host) == ()


@pytest.mark.parametrize(
    "address",
    [
        "/ip4/10.0.0.1/tcp/4001",
        "/ip4/127.0.0.1/tcp/4001",
        "/ip4/192.168.1.1/tcp/4001",
        "/ip4/100.64.0.1/tcp/4001",
        "/ip4/224.0.0.1/tcp/4001",
        "/ip6/::1/tcp/4001",
        "/ip6/fe80::1/tcp/4001",
        "/ip6/::ffff:10.0.0.1/tcp/4001",
        "/dns4/example.org/tcp/4001",
        "/ip4/203.0.113.7/udp/4001",
        f"/ip4/203.0.113.7/tcp/{PORT_MIN - 1}",
        b"junk",
        b"",
    ],
)
def test_no_private_number_no_name_and_no_port_of_a_service_is_dialled(
    address: str | bytes,
) -> None:
    assert places_in(told(address, GOOD), is_public_host) == (Endpoint("ip4", "203.0.113.7", 4001),)


def test_so_many_addresses_are_read_and_told() -> None:
    many = [f"/ip4/203.0.113.{number}/tcp/{PORT_MIN}" for number in range(PLACES_MAX + 1)]
    assert len(places_in(told(*many), is_public_host)) == PLACES_MAX
    message = HolePunch()
    message.ParseFromString(connect_message(many)[1:])
    assert len(message.ObsAddrs) == PLACES_MAX
