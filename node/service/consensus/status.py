"""What is told of sealing: to members, and to monitors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from commonweal.node.service.consensus.reactor import Sealing
from commonweal.protocol.seal.witnesses import witness_devices


def report(sealing: Sealing) -> Mapping[str, Any]:
    """Return how sealing stands, keys and ids as bytes."""
    chain, outlook, now_ms = sealing.chain, sealing.outlook, sealing.desk.now_ms
    stands = outlook is not None and outlook.end == chain.end
    return {
        "height": chain.height,
        "seal": bytes(chain.seal) if chain.height else b"",
        "time_ms": chain.point.time_ms if chain.point else 0,
        "round": sealing.agreeing.round,
        "is_open": sealing.agreeing.is_open,
        "witnesses": [[*one] for one in sealing.witnesses],
        "missing": [[*one] for one in sealing.missing()],
        "is_witness": sealing.desk.me.device in witness_devices(sealing.witnesses),
        "unsealed": outlook.unsealed if outlook is not None and stands else None,
        "waits_ms": _waits_ms(sealing, now_ms),
        "alarm": outlook.alarm if outlook is not None else "",
        "forked": chain.fork[0].height if chain.fork is not None else None,
    }


def figures(sealing: Sealing) -> dict[str, int]:
    """Return what a monitor watches of it."""
    outlook = sealing.outlook
    return {
        "height": sealing.chain.height,
        "rounds": sealing.rounds + sealing.agreeing.round,
        "witnesses": len(sealing.witnesses),
        "witnesses_missing": len(sealing.missing()),
        "seal_waits_seconds": _waits_ms(sealing, sealing.desk.now_ms) // 1_000,
        "finality_forked": int(sealing.chain.fork is not None),
        "ledger_alarm": int(outlook is not None and bool(outlook.alarm)),
    }


def _waits_ms(sealing: Sealing, now_ms: int) -> int:
    return 0 if sealing.since_ms is None else max(0, now_ms - sealing.since_ms)
