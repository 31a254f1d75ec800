"""The port of dials: that of the listener, shared with dials and with no other listener."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator

import pytest
import trio

from commonweal.node.network import PortTaken
from commonweal.node.network.addresses import Endpoint
from commonweal.node.network.channel.carrier import SocketCarrier
from commonweal.node.network.connections.dial_port import (
    IDLE_S,
    NUMBERS_MAX,
    QUESTION_S,
    QUESTIONS_MAX,
    DialPort,
    PortNotFree,
    connect_from_free_port,
)
from commonweal.node.network.connections.listener import listen
from commonweal.node.transport import FrameReceived
from tests.builders.link_pairs import PATIENCE_S, End, running

IS_LOOPBACK = "commonweal.node.network.connections.dial_port.is_loopback"
HERE = "/ip4/127.0.0.1/tcp/0"
EVERYWHERE = "/ip4/0.0.0.0/tcp/0"


@pytest.fixture
def _elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback stands for a network here."""
    monkeypatch.setattr(IS_LOOPBACK, lambda host: False)


@contextlib.asynccontextmanager
async def listening(address: str = HERE) -> AsyncIterator[tuple[trio.SocketListener, int]]:
    """A listener and its port, closed at the end."""
    (listener,) = await listen([address])
    try:
        yield listener, listener.socket.getsockname()[1]
    finally:
        listener.socket.close()


def here(port: int) -> Endpoint:
    """Return where this listener is."""
    return Endpoint("ip4", "127.0.0.1", port)


@pytest.mark.usefixtures("_elsewhere")
async def test_dials_go_out_from_the_port_of_the_listener() -> None:
    async with listening() as (own, own_port), listening() as b, listening() as c:
        dials = DialPort()
        dials.share([own])
        for other, port in (b, c):
            async with await dials.connect(here(port)) as stream, await other.accept() as accepted:
                assert stream.socket.getsockname()[1] == own_port
                assert accepted.socket.getpeername()[1] == own_port
                assert dials.is_shared(stream)


async def test_on_loopback_dials_go_out_from_any_port() -> None:
    async with listening() as (own, own_port), listening() as (_, b_port):
        dials = DialPort()
        dials.share([own])
        assert dials.port("127.0.0.1") is None
        async with await dials.connect(here(b_port)) as stream:
            assert stream.socket.getsockname()[1] != own_port
            assert not dials.is_shared(stream)
        with pytest.raises(PortNotFree):
            await dials.connect_from_port("127.0.0.1", b_port)


async def test_the_port_of_a_listener_on_all_addresses_is_not_used_towards_loopback() -> None:
    async with listening(EVERYWHERE) as (own, own_port), listening() as (_, b_port):
        dials = DialPort()
        dials.share([own])
        assert dials.port("192.0.2.1") == own_port
        async with await dials.connect(here(b_port)) as stream:
            assert stream.socket.getsockname()[1] != own_port


@pytest.mark.usefixtures("_elsewhere")
async def test_each_family_has_its_own_port() -> None:
    """Both listeners may have one number, and neither hinders a dial of the other family."""
    async with listening() as (four, port), listening(f"/ip6/::1/tcp/{port}") as (six, _):
        dials = DialPort()
        dials.share([four, six])
        async with listening() as (_, four_port), listening("/ip6/::1/tcp/0") as (_, six_port):
            ends = [here(four_port), Endpoint("ip6", "::1", six_port)]
            first, second = [await dials.connect(end) for end in ends]
            async with first, second:
                assert [each.socket.getsockname()[1] for each in (first, second)] == [port, port]


@pytest.mark.usefixtures("_elsewhere")
async def test_a_second_connection_to_the_same_address_goes_out_from_a_free_port() -> None:
    async with listening() as (own, own_port), listening() as (_, b_port):
        dials = DialPort()
        dials.share([own])
        first, second = [await dials.connect(here(b_port)) for _ in range(2)]
        async with first, second:
            assert first.socket.getsockname()[1] == own_port
            assert second.socket.getsockname()[1] != own_port
            with pytest.raises(PortNotFree):
                await dials.connect_from_port("127.0.0.1", b_port)


@pytest.mark.usefixtures("_elsewhere")
async def test_an_address_is_dialled_again_at_once_after_our_connection_ended() -> None:
    async with listening() as (own, _), listening() as (b, b_port):
        dials = DialPort()
        dials.share([own])
        for _ in range(3):
            async with await dials.connect(here(b_port)) as stream, await b.accept() as accepted:
                await stream.send_all(b"x")
                assert await accepted.receive_some(1) == b"x"


@pytest.mark.usefixtures("_elsewhere")
async def test_a_port_that_another_program_uses_is_not_waited_for() -> None:
    async with listening() as (own, own_port), listening() as (_, b_port):
        dials = DialPort()
        dials.share([own])
        own.socket.close()
        with socket.socket() as other:
            other.bind(("127.0.0.1", own_port))
            other.listen()
            async with await dials.connect(here(b_port)) as stream:
                assert stream.socket.getsockname()[1] != own_port


@pytest.mark.usefixtures("_elsewhere")
async def test_nobody_connects_to_himself() -> None:
    """A private address of another home may be ours, with our port."""
    async with listening(EVERYWHERE) as (own, own_port):
        dials = DialPort()
        dials.share([own])
        with pytest.raises(PortNotFree):
            await dials.connect_from_port("127.0.0.1", own_port)
        async with await dials.connect(here(own_port)) as stream:
            assert stream.socket.getsockname()[1] != own_port


@pytest.mark.parametrize("first, second", [(HERE, EVERYWHERE), (EVERYWHERE, HERE)])
async def test_a_port_that_is_shared_with_dials_is_taken_for_other_listeners(
    first: str, second: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(IS_LOOPBACK, lambda host: False)
    async with listening(first) as (own, own_port), listening() as (_, b_port):
        dials = DialPort()
        dials.share([own])
        async with await dials.connect(here(b_port)) as stream:
            assert dials.is_shared(stream)
            with pytest.raises(PortTaken):
                await listen([second.replace("tcp/0", f"tcp/{own_port}")])


@pytest.mark.usefixtures("_elsewhere")
async def test_a_node_listens_again_on_its_port_while_its_old_connections_end() -> None:
    async with listening() as (_, b_port):
        async with listening() as (own, own_port):
            dials = DialPort()
            dials.share([own])
            stream = await dials.connect(here(b_port))
            stream.socket.close()
        async with listening(f"/ip4/127.0.0.1/tcp/{own_port}") as (_, port):
            assert port == own_port


@pytest.mark.usefixtures("_elsewhere")
async def test_the_numbers_of_a_name_are_tried_until_one_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with listening() as (own, own_port), listening() as (_, b_port):
        dials = DialPort()
        dials.share([own])
        silent = [f"127.9.9.{number}" for number in range(1, NUMBERS_MAX)]
        named(monkeypatch, [*silent, "127.0.0.1", "127.9.9.99"])
        async with await dials.connect(Endpoint("dns4", "node.example.org", b_port)) as stream:
            assert stream.socket.getpeername()[0] == "127.0.0.1"
            assert stream.socket.getsockname()[1] == own_port
        named(monkeypatch, [*silent, "127.9.9.99", "127.0.0.1"])
        with pytest.raises(OSError, match="refused"):
            await dials.connect(Endpoint("dns4", "node.example.org", b_port))


def named(monkeypatch: pytest.MonkeyPatch, hosts: list[str]) -> None:
    """Let every name have these numbers."""

    async def getaddrinfo(*_: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 0)) for host in hosts]

    monkeypatch.setattr("trio.socket.getaddrinfo", getaddrinfo)


@pytest.mark.usefixtures("_elsewhere")
async def test_two_who_dial_each_other_at_one_moment_from_their_ports_are_linked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Their packets cross: one connection that both dialled."""
    a, b = End(1), End(2)
    async with running(a, b):
        crossed = await simultaneous()
        connect = DialPort.connect

        async def cross(
            self: DialPort, endpoint: Endpoint, *, shares: bool = True
        ) -> trio.SocketStream:
            return crossed.pop() if shares else await connect(self, endpoint)

        monkeypatch.setattr(DialPort, "connect", cross)
        monkeypatch.setattr(DialPort, "is_shared", lambda self, stream: True)
        a.network.dial(b.key, b.network.addresses)
        b.network.dial(a.key, a.network.addresses)
        with trio.fail_after(PATIENCE_S):
            while not (a.has(b.key) and b.has(a.key)) or a.network.state().dialling:
                await trio.sleep(0.005)
            await trio.sleep(0.1)
        a.network.send(b.key, b"one link")
        assert (await b.wait(FrameReceived)).frame == b"one link"
        assert not crossed


async def simultaneous() -> list[trio.SocketStream]:
    """Return both ends of one connection, as if both had dialled."""
    async with listening() as (listener, port):
        one = await connect_from_free_port("127.0.0.1", port)
        return [one, await listener.accept()]


@pytest.mark.skipif(not hasattr(socket, "TCP_KEEPIDLE"), reason="this system does not say it")
async def test_the_system_asks_whether_the_other_end_of_a_silent_connection_is_there() -> None:
    """At both ends: dialled from the listening port or another, and accepted."""
    a, b = End(1), End(2)
    async with running(a, b):
        await a.dial(b)
        assert IDLE_S + QUESTION_S * QUESTIONS_MAX == 14
        for own, other in ((a, b), (b, a)):
            mux = own.network._links.linked[other.key].mux
            assert mux is not None
            carrier = mux._channel._carrier
            assert isinstance(carrier, SocketCarrier)
            assert lasts_s(carrier._socket) == 14


def lasts_s(stream: trio.socket.SocketType) -> int:
    """Return how long a connection lasts whose other end is gone; 0 for ever."""
    option = stream.getsockopt
    if not option(socket.SOL_SOCKET, socket.SO_KEEPALIVE):
        return 0
    idle, again, times = (
        option(socket.IPPROTO_TCP, name)
        for name in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
    )
    return idle + again * times
