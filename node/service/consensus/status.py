"""What is told of sealing: to members, and to monitors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from commonweal.node.service.consensus.reactor import Reactor
from commonweal.protocol.seal.witnesses import witness_devices


def report(reactor: Reactor) -> Mapping[str, Any]:
    """Return how sealing stands, keys and ids as bytes."""
    chain, outlook, now_ms = reactor.chain, reactor.outlook, reactor.core.now_ms
    stands = outlook is not None and outlook.end == chain.end
    return {
        "height": chain.height,
        "seal": bytes(chain.seal) if chain.height else b"",
        "time_ms": chain.point.time_ms if chain.point else 0,
        "round": reactor.driver.round,
        "is_open": reactor.driver.is_open,
        "witnesses": [[*witness] for witness in reactor.witnesses],
        "missing": [[*witness] for witness in reactor.missing()],
        "is_witness": reactor.core.me.device in witness_devices(reactor.witnesses),
        "unsealed": outlook.unsealed if outlook is not None and stands else None,
        "waits_ms": _waits_ms(reactor, now_ms),
        "alarm": (outlook.alarm if outlook is not None else "") or reactor.chain_sync.alarm,
        "forked": chain.fork[0].height if chain.fork is not None else None,
    }


def figures(reactor: Reactor) -> dict[str, int]:
    """Return what a monitor watches of it."""
    outlook = reactor.outlook
    return {
        "height": reactor.chain.height,
        "rounds": reactor.rounds + reactor.driver.round,
        "witnesses": len(reactor.witnesses),
        "witnesses_missing": len(reactor.missing()),
        "seal_waits_seconds": _waits_ms(reactor, reactor.core.now_ms) // 1_000,
        "finality_forked": int(reactor.chain.fork is not None),
        "ledger_alarm": int(outlook is not None and bool(outlook.alarm)),
    }


def _waits_ms(reactor: Reactor, now_ms: int) -> int:
    return 0 if reactor.start.since_ms is None else max(0, now_ms - reactor.start.since_ms)
