"""A relayed link becomes a direct one, and peers cannot make a node knock at others' doors."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
import trio
from libp2p.relay.circuit_v2.pb.dcutr_pb2 import HolePunch

from commonweal.node.network.channel.multistream import NoAgreement
from commonweal.node.network.channel.yamux import Mux
from commonweal.node.network.connections.connection import Connection
from commonweal.node.network.connections.dial_port import DialPort
from commonweal.node.network.connections.protocols import open_stream
from commonweal.node.network.punch import hole_punch
from commonweal.node.network.punch.dcutr import (
    DCUTR,
    BadPunchMessage,
    connect_message,
    read_punch_message,
    sync_message,
)
from commonweal.node.network.punch.punch_limit import (
    HOST_CONNECTS_PER_MINUTE,
    PUNCHES_PER_MINUTE,
)
from commonweal.node.transport import Connected, FrameReceived
from tests.builders.link_pairs import PATIENCE_S, End, running
from tests.node.network.punch.relayed import allow_loopback, relayed_link

VICTIM = "/ip4/198.51.100.7/tcp/4001"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hole_punch, "PAUSES_S", (0.05, 0.1, 0.1))


@pytest.mark.parametrize("numbers", [(1, 2), (2, 1)])
async def test_a_relayed_link_becomes_a_direct_one(
    numbers: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, server = End(numbers[0]), End(numbers[1])
    allow_loopback(monkeypatch, client, server)
    async with running(client, server), relayed_link(client, server) as relayed:
        with trio.fail_after(PATIENCE_S):
            while not all(each.is_over for each in relayed):
                await trio.sleep(0.01)
            await client.network._links.direct(server.key)
            await server.network._links.direct(client.key)
            await trio.sleep(0.2)
        for own, other in ((client, server), (server, client)):
            assert own.network._links.is_direct(other.key)
            assert "p2p-circuit" not in own.all(Connected)[-1].address
        client.network.send(server.key, b"straight")
        assert (await server.wait(FrameReceived)).frame == b"straight"
        assert (server.network._relay.puncher.tries, client.network._relay.puncher.tries) == (1, 0)


async def test_a_node_that_announces_a_name_punches_by_its_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client, server = End(1), End(2)
    allow_loopback(monkeypatch, client, server)
    async with running(client, server), relayed_link(client, server):
        for end in (client, server):
            puncher = end.network._relay.puncher
            numbers = puncher._own()
            monkeypatch.setattr(
                puncher, "_own", lambda own=numbers: ["/dns4/n.example/tcp/1", *own]
            )
            monkeypatch.setattr(puncher, "_allows", ip_address)
        with trio.fail_after(PATIENCE_S):
            await client.network._links.direct(server.key)


async def test_three_tries_are_made_and_the_relayed_link_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client, server = End(1), End(2)
    allow_loopback(monkeypatch, client, server)
    monkeypatch.setattr(hole_punch, "CROSS_S", 0.05)
    monkeypatch.setattr(hole_punch, "SECURE_S", 0.05)
    monkeypatch.setattr(DialPort, "connect_from_port", _nobody)
    monkeypatch.setattr(hole_punch, "connect_from_free_port", _no_answer)
    async with running(client, server), relayed_link(client, server):
        with trio.fail_after(PATIENCE_S):
            while server.network._relay.puncher.tries < len(hole_punch.PAUSES_S):
                await trio.sleep(0.01)
        await trio.sleep(0.3)
        assert server.network._relay.puncher.tries == len(hole_punch.PAUSES_S) == 3
        client.network.send(server.key, b"round about")
        assert (await server.wait(FrameReceived)).frame == b"round about"


async def test_a_link_that_is_direct_is_left_alone() -> None:
    a, b = End(1), End(2)
    async with running(a, b):
        await a.dial(b)
        await trio.sleep(0.2)
        assert a.network._relay.puncher.tries == b.network._relay.puncher.tries == 0
        for own, other in ((a, b), (b, a)):
            with pytest.raises(NoAgreement):
                await open_stream(mux_of(own.network._links.linked[other.key]), DCUTR)


async def test_only_an_admitted_peer_may_ask_and_only_on_a_relayed_link_that_we_opened() -> None:
    client, server = End(1, admits=False), End(2, admits=False)
    async with running(client, server), relayed_link(client, server) as (ours, theirs):
        with pytest.raises(NoAgreement):
            await open_stream(mux_of(theirs), DCUTR)
        client.network.admit(server.key)
        (await open_stream(mux_of(theirs), DCUTR)).cut()
        with pytest.raises(NoAgreement):
            await open_stream(mux_of(ours), DCUTR)


async def test_a_member_makes_a_node_knock_at_a_third_partys_door_so_often_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A hostile member asks to be punched at somebody else's address, again and again."""
    client, server = End(1), End(2)
    monkeypatch.setattr(hole_punch, "PAUSES_S", ())
    monkeypatch.setattr(hole_punch, "REFUSED_PAUSE_S", 0.001)
    knocks: list[str] = []

    async def knock(self: DialPort, host: str, port: int) -> trio.SocketStream:
        await trio.sleep(0)
        knocks.append(host)
        raise ConnectionRefusedError

    monkeypatch.setattr(DialPort, "connect_from_port", knock)
    async with running(client, server), relayed_link(client, server) as (_, theirs):
        with pytest.raises(BadPunchMessage, match="ended"):
            for _ in range(PUNCHES_PER_MINUTE + 1):
                stream = await open_stream(mux_of(theirs), DCUTR)
                stream.push(connect_message([VICTIM, VICTIM.replace("4001", "4002")]))
                await read_punch_message(stream, HolePunch.CONNECT)
                stream.push(sync_message())
        await trio.sleep(0.3)
    assert knocks == ["198.51.100.7"] * HOST_CONNECTS_PER_MINUTE


def mux_of(connection: Connection) -> Mux:
    """Return the mux of a connection that stands."""
    assert connection.mux is not None
    return connection.mux


async def _nobody(_self: DialPort, host: str, port: int) -> trio.SocketStream:
    return await _no_answer(host, port)


async def _no_answer(_host: str, _port: int) -> trio.SocketStream:
    await trio.sleep_forever()
    raise AssertionError
