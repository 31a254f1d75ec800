"""What a relay process holds with a hundred links whose readers stop."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import IO

import trio

from commonweal.node.network.addresses import Endpoint, parse
from commonweal.node.network.channel.stream import WINDOW_BYTES, Stream
from commonweal.node.network.connections.accept_limit import STRANGERS_PER_S
from commonweal.node.network.relay import messages
from tests.builders.relays import joined, raw_client_at

LINKS = 100
MIB = 1 << 20
RESIDENT_BYTES_MAX = 150 * MIB
MOVED_BYTES_MIN = LINKS * 2 * WINDOW_BYTES
"""What has gone into the relay once most readers stop."""
STILL_LINES = 3
"""Lines of counts, one a second, between which nothing moves."""


async def test_a_relay_with_a_hundred_links_stays_below_150_mib(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "commonweal", "relay", "--key", str(tmp_path / "relay.key")]
    command += ["--listen", "/ip4/127.0.0.1/tcp/0", "-o", "json", "--every", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            (address,) = json.loads(process.stdout.readline())["addresses"]
            with trio.fail_after(60):
                async with AsyncExitStack() as stack:
                    way = parse(f"{address}/p2p-circuit")
                    links = [await _link(stack, way, number) for number in range(LINKS)]
                    quiet = await _counts(process.stdout, "circuits", LINKS)
                    for stream in (stream for link in links for stream in link):
                        stream.push(bytes(4 * WINDOW_BYTES))
                    await _counts(process.stdout, "relayed_bytes", MOVED_BYTES_MIN)
                    stuck = await _largest_until_still(process.stdout)
        finally:
            process.kill()
    assert quiet["resident_bytes"] < RESIDENT_BYTES_MAX, quiet
    assert stuck["resident_bytes"] < RESIDENT_BYTES_MAX, stuck
    assert 0 < stuck["circuits"] < LINKS, "together they hold so much, so some end and some stay"


async def _link(stack: AsyncExitStack, way: Endpoint, number: int) -> tuple[Stream, Stream]:
    """Open a link of two strangers, from a network of their own; return both ends of it."""
    source = f"127.1.{number}.1"
    near = await stack.enter_async_context(raw_client_at(way, 2 * number, source))
    far = await stack.enter_async_context(raw_client_at(way, 2 * number + 1, source))
    await far.ask(messages.reserve_request())
    await trio.sleep(2 / STRANGERS_PER_S)
    return await joined(near, far), far.opened[-1]


async def _counts(lines: IO[str], name: str, least: int) -> dict[str, int]:
    """Return the first counts, of those still to come, that have reached `least`."""
    while True:
        counts: dict[str, int] = json.loads(await trio.to_thread.run_sync(lines.readline))
        if counts[name] >= least:
            return counts


async def _largest_until_still(lines: IO[str]) -> dict[str, int]:
    """Return the counts with most memory, of those until no byte moves for STILL_LINES of them."""
    largest = last = await _counts(lines, "relayed_bytes", 0)
    still = 0
    while still < STILL_LINES:
        counts = await _counts(lines, "relayed_bytes", 0)
        still = still + 1 if counts["relayed_bytes"] == last["relayed_bytes"] else 0
        largest = max(largest, counts, key=lambda one: one["resident_bytes"])
        last = counts
    return largest
