"""One relay as a process: from its key to its orderly end. It opens no home and no ledger."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import trio

from commonweal.node.network.relay.relay_limits import RelayLimits
from commonweal.node.network.relay_node import RelayNode
from commonweal.node.runtime.metrics import own_figures
from commonweal.node.runtime.process_life import (
    end_soon,
    obey_signals,
    run_trio,
    share_memory,
    sweep,
    tend_memory,
)
from commonweal.storage.home.relay_key import seed_of_relay

MMAP_BYTES_MIN = 32 * 1024
"""A message is 64 KiB: each is mapped, and its memory goes back to the system when it was sent."""
SWEEP_S = 5.0
TOLD_S = 60.0
"""How often a relay tells its counts."""


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """What a relay is started with. key: the file of its key. every_s: how often it tells."""

    key: Path
    listen: tuple[str, ...]
    limits: RelayLimits
    announce: tuple[str, ...] = ()
    every_s: float = TOLD_S


def run(
    settings: RelaySettings,
    ready: Callable[[tuple[str, ...]], None],
    told: Callable[[dict[str, int]], None],
) -> None:
    """Run a relay until a signal ends it.

    ready: called once with its addresses. told: called with its counts every `every_s`.
    Raises RelayKeyUnusable, StorageError, PortTaken and CannotListen.
    """
    share_memory(MMAP_BYTES_MIN)
    relay = RelayNode(
        seed_of_relay(settings.key),
        settings.listen,
        settings.limits,
        now_s=time.time,
        announce=settings.announce,
    )
    tend_memory()
    run_trio(_live, relay, settings, ready, told)


async def _live(
    relay: RelayNode,
    settings: RelaySettings,
    ready: Callable[[tuple[str, ...]], None],
    told: Callable[[dict[str, int]], None],
) -> None:
    scope = trio.CancelScope()
    async with trio.open_nursery() as nursery:
        await nursery.start(obey_signals, scope)
        with scope:
            async with trio.open_nursery() as working:
                await working.start(relay.run)
                working.start_soon(sweep, SWEEP_S)
                with suppress(BrokenPipeError):  # nobody reads any more, which is no fault
                    ready(relay.addresses)
                    while True:
                        await trio.sleep(settings.every_s)
                        told(counts(relay))
                scope.cancel()
        end_soon()
        nursery.cancel_scope.cancel()


def counts(relay: RelayNode) -> dict[str, int]:
    """Return how busy a relay is, by the names that `weal relay -o json` writes."""
    return {**asdict(relay.counts()), "connections": relay.connections, **own_figures()}
