"""The node of a home asks its router for the port, unless a setting or a flag says no."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import trio

from commonweal.node.control.server import LocalServer
from commonweal.node.reach_state import PortMapping
from commonweal.node.runtime import process
from commonweal.storage.home import keystore
from tests.builders import homes

PATIENCE_S = 10.0


@pytest.mark.parametrize("is_on", [True, False])
async def test_the_setting_decides_whether_the_router_is_asked(is_on: bool, tmp_path: Path) -> None:
    home = homes.founder(tmp_path / "home")
    secrets = keystore.unlock(home.keystore, None)
    config = replace(homes.LOOPBACK, port_mapping=is_on)
    with process.opened(home, secrets, config, LocalServer) as node:
        async with trio.open_nursery() as nursery:
            ready = trio.Event()
            nursery.start_soon(process.live, node, lambda _addresses: ready.set())
            with trio.fail_after(PATIENCE_S):
                await ready.wait()
                while is_on and node.network.own.state().mapping is None:
                    await trio.sleep(0.01)
            mapping = node.network.own.state().mapping
            node.scope.cancel()
    assert (mapping is not None) == is_on
    assert mapping is None or mapping == PortMapping(reason="local-only", at_ms=mapping.at_ms)
