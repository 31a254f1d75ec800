"""Two homes whose nodes have a relayed link, and what hole punching makes of it.

A thread is a home: it is in a namespace, and a Network runs in it. What relays is a thread in a
public place, which joins two connections and says to each where it comes from.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import trio

from commonweal.node.network import Network as Networking
from commonweal.node.network.addresses import Endpoint, parse
from commonweal.node.network.channel.carrier import SocketCarrier
from commonweal.node.network.channel.noise import peer_id, secure
from commonweal.node.network.punch import hole_punch
from commonweal.node.transport import PeerKey
from tests.builders.link_pairs import End, running
from tests.networks.places import Network, Place

PORT = 4001
RELAY_PORT = 4_900
RELAY_S = 10.0


@dataclass(frozen=True, slots=True)
class Punched:
    """What came of a relayed link. tries: of hole punching; seconds: from the link to the end."""

    is_direct: bool
    tries: int
    seconds: float


def punch(net: Network, relay: Place, dials: Place, takes: Place, number: int = 0) -> Punched:
    """Link two homes through a relay, and wait until punching has ended.

    number: of the relay's port, where several are punched at once.
    """
    port = RELAY_PORT + number
    client, server = End(2 * number + 1), End(2 * number + 2)
    circuit = f"/ip4/{relay.address}/tcp/{port}/p2p/{peer_id(client.key)}/p2p-circuit"
    over, ready = threading.Event(), threading.Event()
    results: list[Punched] = []
    direct: dict[PeerKey, float] = {}

    def home(place: Place, own: End, other: End, *, is_client: bool) -> None:
        with net.inside(place):
            way = parse(f"/ip4/{relay.address}/tcp/{port}"), circuit
            results.append(trio.run(_live, own, other, is_client, way, over, direct))

    def pass_on() -> None:
        with net.inside(relay):
            trio.run(_relay, port, ready, over)

    threads = [
        threading.Thread(target=pass_on),
        threading.Thread(target=partial(home, dials, client, server, is_client=True)),
        threading.Thread(target=partial(home, takes, server, client, is_client=False)),
    ]
    threads[0].start()
    assert ready.wait(RELAY_S), "the relay does not listen"
    for thread in threads[1:]:
        thread.start()
    for thread in reversed(threads):
        thread.join()
    return Punched(
        len(direct) == 2,
        max(result.tries for result in results),
        max(result.seconds for result in results),
    )


async def _live(
    own: End,
    other: End,
    is_client: bool,
    way: tuple[Endpoint, str],
    over: threading.Event,
    direct: dict[PeerKey, float],
) -> Punched:
    """Be one end of a relayed link until both have a direct one, or punching is over."""
    network = own.network
    network._listen = (f"/ip4/0.0.0.0/tcp/{PORT}",)
    puncher, links = network._relay.puncher, network._links
    async with running(own):
        socket = await network._dialler.port.connect(way[0])
        seen = (await _line(socket)).split()
        network.own.observe(other.key, f"/ip4/{seen[0]}/tcp/{seen[1]}", 0)
        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_serve, network, other.key if is_client else None, socket, way[1])
            ends_at = began + sum(hole_punch.PAUSES_S) + len(hole_punch.PAUSES_S) * _try_s()
            while trio.current_time() < ends_at and not over.is_set():
                if links.is_direct(other.key):
                    direct[own.key] = trio.current_time() - began
                    if len(direct) == 2:
                        over.set()
                await trio.sleep(0.02)
            over.set()
            nursery.cancel_scope.cancel()
    return Punched(len(direct) == 2, puncher.tries, direct.get(own.key, 0.0))


async def _serve(
    network: Networking, expected: PeerKey | None, socket: trio.SocketStream, circuit: str
) -> None:
    """Serve a link over a socket as if it had come over a circuit."""
    peer, channel = await secure(SocketCarrier(socket), network._keys, expected)
    is_client = expected is not None
    await network._serve(
        *(peer, channel, circuit, trio.CancelScope()),
        agreed=(lambda: None) if is_client else None,
    )
    await trio.sleep_forever()


async def _relay(port: int, ready: threading.Event, over: threading.Event) -> None:
    """Join two connections, and tell each where it comes from."""
    listeners = await trio.open_tcp_listeners(port)
    ready.set()
    try:
        first, second = [await listeners[0].accept() for _ in range(2)]
        for stream in (first, second):
            host, seen = stream.socket.getpeername()[:2]
            await stream.send_all(f"{host} {seen}\n".encode())
        async with trio.open_nursery() as nursery, first, second:
            nursery.start_soon(_pour, first, second)
            nursery.start_soon(_pour, second, first)
            while not over.is_set():
                await trio.sleep(0.05)
            nursery.cancel_scope.cancel()
    finally:
        for listener in listeners:
            await listener.aclose()


async def _pour(here: trio.SocketStream, there: trio.SocketStream) -> None:
    with suppress(trio.BrokenResourceError):
        async for data in here:
            await there.send_all(data)


async def _line(stream: trio.SocketStream) -> str:
    line = b""
    while not line.endswith(b"\n"):
        line += await stream.receive_some(1)
    return line.decode()


def _try_s() -> float:
    return hole_punch.CROSS_S + hole_punch.SECURE_S + 0.3
