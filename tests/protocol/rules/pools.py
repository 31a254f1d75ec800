"""Pools, contributions and inputs of splits for tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from commonweal.protocol.rules.document import Pool, from_map
from commonweal.protocol.rules.environment import EMPTY_EVENT
from commonweal.protocol.rules.split import (
    Contribution,
    Split,
    SplitInputs,
)
from tests.protocol.ledger.council import DAY, HOUR, SAID

MEI, JUN, ANA, BO = (name.encode() * 8 for name in ("Mei1", "Jun2", "Ana3", "Bo44"))


COMMONS = b"C" * 32


NOW = 1_000 * DAY


def bucket(share: str = "100%", **over: Any) -> dict[str, Any]:
    return {"name": "work", "share": share, "claim": "equity", **SAID, **over}


def pool(*buckets: dict[str, Any], **over: Any) -> Pool:
    named = [one | {"name": f"{number} {one['name']}"} for number, one in enumerate(buckets)]
    table = {"unit": "EUR", "buckets": named, **SAID, **over}
    return from_map({"name": "Lanxi", "pools": {"income": table}}).pools[0]


def gave(
    number: int, member: bytes, points: int, valued: int = 5, age_ms: int = HOUR, **over: Any
) -> Contribution:
    event = {**EMPTY_EVENT, "action": "work", **over}
    at = (valued, NOW - age_ms)
    return Contribution(bytes([number]) * 32, member, points, at, at, 1, event)


def facts(amount: int, *contributions: Contribution, **over: Any) -> SplitInputs:
    base = SplitInputs(6, NOW, b"seed", COMMONS, amount, contributions=contributions)
    return replace(base, **over)


def amounts(done: Split) -> dict[bytes, int]:
    sums: dict[bytes, int] = {}
    for line in done.lines:
        sums[line.member] = sums.get(line.member, 0) + line.amount
    return sums
