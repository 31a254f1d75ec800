"""Giving rounds as the rules describe them: who gives how many points, how often, for how long.

Which round is open, and what members give in it, is known to the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from commonweal.protocol.vocabulary.rule_params import HOUR_MS


@dataclass(frozen=True, slots=True)
class GivingRound:
    """Rounds in which members give points to each other; fields as in the document, times in ms."""

    name: str
    points: int
    most: int
    every_ms: int
    open_ms: int
    givers: str
    receivers: str


def giving_round(name: str, values: Mapping[str, Any]) -> GivingRound:
    """Return the rounds of a name from the values of its table, complete with defaults."""
    return GivingRound(
        name,
        points=values["points"],
        most=values["most"],
        every_ms=values["every_hours"] * HOUR_MS,
        open_ms=values["open_hours"] * HOUR_MS,
        givers=values["givers"],
        receivers=values["receivers"],
    )
