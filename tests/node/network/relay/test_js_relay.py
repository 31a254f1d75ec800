"""js-libp2p as the relay of our nodes, and ours as the relay of js-libp2p.

The modules are looked for in the folder that LIBP2P_JS names:
`npm install libp2p @libp2p/tcp @libp2p/identify @libp2p/ping @libp2p/circuit-relay-v2
@chainsafe/libp2p-noise @chainsafe/libp2p-yamux` there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from commonweal.node.transport import FrameReceived
from tests.builders.link_pairs import End, running
from tests.builders.relays import eventually, running_relay

SCRIPT = Path(__file__).with_name("js_peers.mjs")
MODULES = Path(os.environ.get("LIBP2P_JS", "/nowhere")) / "node_modules"

pytestmark = pytest.mark.skipif(
    not (MODULES / "libp2p").is_dir() or shutil.which("node") is None,
    reason="js-libp2p is not here: LIBP2P_JS names no folder with it",
)


@asynccontextmanager
async def js(folder: Path, *words: str) -> AsyncIterator[trio.Process]:
    """The script runs inside, its output is a pipe; it is killed at the end."""
    shutil.copy(SCRIPT, folder)
    (folder / "node_modules").symlink_to(MODULES)
    command = ["node", str(folder / SCRIPT.name), *words]
    pipe = subprocess.PIPE
    process = await trio.lowlevel.open_process(command, stdin=pipe, stdout=pipe)
    try:
        yield process
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()


async def line(process: trio.Process) -> dict[str, object]:
    """Return the next line of the script."""
    assert process.stdout is not None
    data = b""
    with trio.fail_after(30):
        while not data.endswith(b"\n"):
            more = await process.stdout.receive_some(1)
            assert more, "the script ended"
            data += more
    read: dict[str, object] = json.loads(data)
    assert "error" not in read, read
    return read


async def test_two_nodes_meet_through_a_js_relay(tmp_path: Path) -> None:
    async with js(tmp_path, "relay") as process:
        addresses = (await line(process))["addresses"]
        assert isinstance(addresses, list)
        mei, bo = End(1), End(2, relays=addresses[:1])
        async with running(mei, bo):
            await eventually(lambda: "/p2p-circuit" in bo.network.own.addresses[0])
            mei.network.dial(bo.key, bo.network.own.addresses[:1])
            await eventually(lambda: mei.has(bo.key) and bo.has(mei.key))
            mei.network.send(bo.key, bytes(500_000))
            assert len((await bo.wait(FrameReceived)).frame) == 500_000


async def test_two_js_peers_meet_through_our_relay(tmp_path: Path) -> None:
    async with running_relay() as relay, js(tmp_path, "meet", relay.addresses[0]) as process:
        reserved = (await line(process))["reserved"]
        assert isinstance(reserved, list) and len(reserved) == 1
        assert reserved[0].startswith(f"{relay.addresses[0]}/p2p-circuit/p2p/")
        assert "ping" in await line(process)
        assert relay.counts().circuits_made == 1
