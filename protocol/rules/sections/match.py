"""How suggestions are made as the rules describe it: what counts, and how long a ring is at most.

A document is checked and read here. What is suggested is computed in `protocol.matching`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from commonweal.protocol.rules import schema
from commonweal.protocol.rules.faults import RulesetFault
from commonweal.protocol.vocabulary.rule_params import MATCH_WEIGHTS


class MatchRules(NamedTuple):
    """weights: of each feature, by its name, 0..1,000, not all 0. ring_members: 2..4."""

    weights: Mapping[str, int]
    ring_members: int


def faults(document: Mapping[str, Any]) -> Iterator[RulesetFault]:
    """Yield the faults of [match] in a document whose tables have the right form."""
    if not any(match_rules(document).weights.values()):
        hint = "give at least one of kind, quantity, time, ... a weight above 0"
        yield RulesetFault(("match",), "nothing counts in suggestions", hint)


def match_rules(document: Mapping[str, Any]) -> MatchRules:
    """Return the [match] section of a checked document; missing keys have defaults."""
    section = document.get("match", {})
    weights = {name: section.get(name, default) for name, default in MATCH_WEIGHTS.items()}
    ring_members: int = section.get("ring_members", schema.MATCH["ring_members"].default)
    return MatchRules(weights, ring_members)
