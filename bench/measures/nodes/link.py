"""What one link carries between two processes on loopback, beside raw trio TCP in the same run.

`python -m bench.measures.nodes.link` prints MiB/s of 256-KiB frames and the latency of small
frames, each with its ratio to a bare TCP socket that carries the same bytes; `--json` prints a line
of JSON instead. It measures the network alone: nothing is parsed, checked or stored.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import trio

from commonweal.node.network import Network
from commonweal.node.transport import (
    Connected,
    DialFailed,
    FrameReceived,
    GossipMessage,
    PeerKey,
    TransportEvent,
    ValidatedGossip,
    ValidationResult,
)

FRAME_BYTES = 256 * 1024
BULK_FRAMES = 1_000
SMALL_BYTES = 300
SMALL_FRAMES = 500
SMALL_EVERY_S = 0.004
QUEUE_BYTES = 4 * 1024 * 1024
SERVER_SEED = bytes(31) + b"\x01"
CLIENT_SEED = bytes(31) + b"\x02"
HEAD_BYTES = 4


@dataclass(frozen=True, slots=True)
class Figures:
    """MiB/s of large frames; microseconds of one small frame one way."""

    mib_per_s: float
    small_us_p50: float
    small_us_p99: float


class Tally:
    """What the serving end does with frames: counts large ones, times small ones."""

    def __init__(self) -> None:
        self.left = BULK_FRAMES
        self.times: list[float] = []

    def take(self, frame: bytes) -> bytes | None:
        """The answer to this frame, if it was the last of its kind."""
        if len(frame) == FRAME_BYTES:
            self.left -= 1
            return b"all" if self.left == 0 else None
        sent = int.from_bytes(frame[:8], "big")
        self.times.append((time.perf_counter_ns() - sent) / 1_000)
        return json.dumps(self.times).encode() if len(self.times) == SMALL_FRAMES else None


class End:
    """One end of a link whose frames are admitted, taken and put into a channel."""

    def __init__(self, seed: bytes, relays: Sequence[str] = ()) -> None:
        self.send_event, self.events = trio.open_memory_channel[TransportEvent](10_000)
        self.network = Network(
            *(seed, ["/ip4/127.0.0.1/tcp/0"], self._emit),
            validate=_never,
            mdns=False,
            relays=relays,
        )

    def _emit(self, event: TransportEvent) -> None:
        if isinstance(event, Connected):
            self.network.admit(event.peer)
        self.send_event.send_nowait(event)


async def serve(*relays: str) -> None:
    """The other process: a link and a bare socket, until its input ends.

    relays: it is reached through the first of these, and through nothing else.
    """
    end, tally = End(SERVER_SEED, relays), Tally()
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with trio.open_nursery() as nursery:
        await nursery.start(end.network.run)
        nursery.start_soon(trio.serve_listeners, _serve_raw, listeners)
        port = listeners[0].socket.getsockname()[1]
        while relays and "/p2p-circuit" not in end.network.addresses[0]:
            await trio.sleep(0.01)
        print(json.dumps([end.network.addresses[0], port]), flush=True)
        nursery.start_soon(_take, end, tally)
        await trio.to_thread.run_sync(sys.stdin.read)
        nursery.cancel_scope.cancel()


async def _take(end: End, tally: Tally) -> None:
    async for event in end.events:
        if isinstance(event, FrameReceived):
            answer = tally.take(event.frame)
            end.network.done(event.peer, len(event.frame))
            if answer is not None:
                end.network.send(event.peer, answer)


async def _serve_raw(socket: trio.SocketStream) -> None:
    tally, buffer = Tally(), bytearray()
    while data := await socket.receive_some(FRAME_BYTES):
        buffer += data
        while len(buffer) >= HEAD_BYTES:
            size = int.from_bytes(buffer[:HEAD_BYTES], "big")
            if len(buffer) < HEAD_BYTES + size:
                break
            answer = tally.take(bytes(buffer[HEAD_BYTES : HEAD_BYTES + size]))
            del buffer[: HEAD_BYTES + size]
            if answer is not None:
                await socket.send_all(len(answer).to_bytes(HEAD_BYTES, "big") + answer)


async def measure_link(address: str) -> Figures:
    """The figures of a link to the other process."""
    end = End(CLIENT_SEED)
    peer = Network(SERVER_SEED, [], end.send_event.send_nowait, validate=_never, mdns=False).key
    async with trio.open_nursery() as nursery:
        await nursery.start(end.network.run)
        end.network.dial(peer, [address])
        while not isinstance(event := await end.events.receive(), Connected):
            if isinstance(event, DialFailed):
                raise SystemExit(f"the link did not open: {event}")
        await trio.sleep(0.5)

        async def send(frame: bytes) -> None:
            while end.network.state().outbox_bytes > QUEUE_BYTES:
                await trio.sleep(0.0005)
            end.network.send(peer, frame)

        figures = await _measure(send, lambda: _answer(end, peer))
        nursery.cancel_scope.cancel()
    return figures


async def measure_raw(port: int) -> Figures:
    """The figures of a bare socket to the other process."""
    socket = await trio.open_tcp_stream("127.0.0.1", port)

    async def send(frame: bytes) -> None:
        await socket.send_all(len(frame).to_bytes(HEAD_BYTES, "big") + frame)

    async def answer() -> bytes:
        data = b""
        while len(data) < HEAD_BYTES or len(data) < HEAD_BYTES + int.from_bytes(data[:4], "big"):
            data += await socket.receive_some(65_536)
        return data[HEAD_BYTES:]

    async with socket:
        return await _measure(send, answer)


async def _measure(send: Any, answer: Any) -> Figures:
    frame = bytes(FRAME_BYTES)
    begun = time.perf_counter()
    for _ in range(BULK_FRAMES):
        await send(frame)
    assert await answer() == b"all", "the other end counts the same frames"
    taken = time.perf_counter() - begun
    for _ in range(SMALL_FRAMES):
        await trio.sleep(SMALL_EVERY_S)
        await send(time.perf_counter_ns().to_bytes(8, "big") + bytes(SMALL_BYTES - 8))
    times = sorted(json.loads(await answer()))
    p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
    return Figures(BULK_FRAMES * FRAME_BYTES / 2**20 / taken, p50, p99)


async def _answer(end: End, peer: PeerKey) -> bytes:
    while True:
        event = await end.events.receive()
        if isinstance(event, FrameReceived):
            end.network.done(peer, len(event.frame))
            return event.frame


def _never(_message: GossipMessage) -> ValidatedGossip:
    return ValidatedGossip(ValidationResult.IGNORE)


def report(link: Figures, raw: Figures) -> str:
    """The figures as a table, with the ratio to raw TCP."""
    lines = [f"{'':24}{'link':>10}{'raw TCP':>10}{'ratio':>8}"]
    for words, ours, bare in (
        ("256-KiB frames, MiB/s", link.mib_per_s, raw.mib_per_s),
        ("small one way p50, us", link.small_us_p50, raw.small_us_p50),
        ("small one way p99, us", link.small_us_p99, raw.small_us_p99),
    ):
        lines.append(f"{words:24}{ours:>10.0f}{bare:>10.0f}{ours / bare:>8.2f}")
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    """Measure and print, or serve when a measuring process asks for it."""
    if arguments[:1] == ["--serve"]:
        trio.run(serve, *arguments[1:])
        return
    command = [sys.executable, "-m", "bench.measures.nodes.link", "--serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdin is not None and other.stdout is not None
        try:
            address, port = json.loads(other.stdout.readline())
            raw = trio.run(measure_raw, port)
            link = trio.run(measure_link, address)
        finally:
            other.stdin.close()
    if arguments == ["--json"]:
        ours = {"bench": "link", "mib_per_s": link.mib_per_s, "small_us_p50": link.small_us_p50}
        ours |= {"small_us_p99": link.small_us_p99, "ratio": link.mib_per_s / raw.mib_per_s}
        ours |= {"small_ratio": link.small_us_p50 / raw.small_us_p50}
        print(json.dumps(ours))
    else:
        print(report(link, raw))


if __name__ == "__main__":
    main(sys.argv[1:])
