"""What a link through a relay carries, beside a bare TCP relay of the same bytes in the same run.

Three processes on loopback: who sends, the relay, and who takes; once with what the relay sends
paced as on a line of 100 Mbit/s, once as fast as the machine encrypts and copies. The bare relay
reads and writes 64 KiB at a time in the process of the relay. The link is encrypted twice at its
ends, once for the relay and once for its other end; the relay opens and closes the outer one.
"""

from __future__ import annotations

import json
import socket as stdlib_socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

import trio

from bench.figures import Figure
from bench.measures.nodes import link
from commonweal.node.network import relay_node
from commonweal.node.network.connections import listener
from commonweal.node.network.relay.relay_limits import RelayLimits
from commonweal.node.network.relay_node import RelayNode

LINE_BYTES_PER_S = 12_500_000
"""What the relay sends over one socket at most: a line of 100 Mbit/s."""
SO_MAX_PACING_RATE = 47
"""Of Linux; the kernel paces what a socket sends, and those that it accepts (socket(7))."""
PIECE_BYTES = 64 * 1024
UNBOUNDED = 1 << 40
RELAY_SEED = bytes(31) + b"\x03"


def figures() -> list[Figure]:
    """Measure on a line of LINE_BYTES_PER_S, then as fast as the machine goes; each both ways."""
    return [*_figures("100 Mbit/s", LINE_BYTES_PER_S, 0.6), *_figures("loopback", 0, None)]


def _figures(line: str, bytes_per_s: int, must: float | None) -> list[Figure]:
    near, raw = _pair(bytes_per_s)
    ratio = near.mib_per_s / raw.mib_per_s
    slower = near.small_us_p50 / raw.small_us_p50
    rates = (near.mib_per_s, "MiB/s", "bare TCP relay", raw.mib_per_s, ratio, must)
    times = (near.small_us_p50, "us", "bare TCP relay", raw.small_us_p50, slower)
    return [
        Figure(f"a link through a relay, {line}", *rates),
        Figure(f"a small frame through a relay, {line}", *times, low=True),
    ]


def _pair(bytes_per_s: int) -> tuple[link.Figures, link.Figures]:
    """Return the figures of a link through the relay, and of the bare relay."""
    with _process("bench.measures.nodes.relay_link", str(bytes_per_s)) as (told, relay):
        (address,) = json.loads(relay.readline())
        with _process("bench.measures.nodes.link", "--serve", address) as (_, end):
            circuit, port = json.loads(end.readline())
            told.write(f"{port}\n".encode())
            told.flush()
            raw = trio.run(link.measure_raw, json.loads(relay.readline()))
            return trio.run(link.measure_link, circuit), raw


@contextmanager
def _process(module: str, *words: str) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """A process of this module runs inside; it ends with its input."""
    command = [sys.executable, "-m", module, *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            yield process.stdin, process.stdout
        finally:
            process.stdin.close()


async def relay(bytes_per_s: int) -> None:
    """Run a relay, and a bare one to the port that is read; until the input ends.

    bytes_per_s: what either sends over one socket at most; 0 for no bound.
    """
    plain_listen = listener.listen

    async def paced_listen(addresses: Sequence[str]) -> list[trio.SocketListener]:
        listening = await plain_listen(addresses)
        for socket in listening:
            _pace(socket.socket, bytes_per_s)
        return listening

    setattr(relay_node, "listen", paced_listen)  # noqa: B010  the relay paces nothing itself
    limits = RelayLimits(circuit_bytes_per_s=UNBOUNDED, bytes_per_s=UNBOUNDED)
    node = RelayNode(RELAY_SEED, ["/ip4/127.0.0.1/tcp/0"], limits, now_s=time.time)
    async with trio.open_nursery() as nursery:
        await nursery.start(node.run)
        print(json.dumps(node.addresses), flush=True)
        port = int(await trio.to_thread.run_sync(sys.stdin.readline))
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        _pace(listeners[0].socket, bytes_per_s)

        async def joined(near: trio.SocketStream) -> None:
            far = await trio.open_tcp_stream("127.0.0.1", port)
            _pace(far.socket, bytes_per_s)
            async with near, far, trio.open_nursery() as ways:
                ways.start_soon(_copy, near, far)
                ways.start_soon(_copy, far, near)

        nursery.start_soon(trio.serve_listeners, joined, listeners)
        print(listeners[0].socket.getsockname()[1], flush=True)
        await trio.to_thread.run_sync(sys.stdin.read)
        nursery.cancel_scope.cancel()


def _pace(socket: trio.socket.SocketType, bytes_per_s: int) -> None:
    if bytes_per_s:
        socket.setsockopt(stdlib_socket.SOL_SOCKET, SO_MAX_PACING_RATE, bytes_per_s)


async def _copy(source: trio.SocketStream, target: trio.SocketStream) -> None:
    while data := await source.receive_some(PIECE_BYTES):
        await target.send_all(data)
    await target.send_eof()


if __name__ == "__main__":
    trio.run(relay, int(sys.argv[1]))
