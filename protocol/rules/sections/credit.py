"""Credit as the rules describe it: in which units members have a balance, and within which limits.

A document is checked and read here. What members' balances are is known to the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from commonweal.protocol.rules import schema
from commonweal.protocol.rules.faults import RulesetFault, similar
from commonweal.protocol.rules.toml_positions import Path
from commonweal.protocol.vocabulary.currencies import decimals
from commonweal.protocol.vocabulary.rule_params import CreditRule

_ORDER = ("floor", "soft_floor", "soft_ceiling", "ceiling")
_HINTS = {
    "soft_floor": "write soft_floor from floor to 0, or leave it out",
    "ceiling": "write soft_ceiling from 0 to ceiling, or leave it out",
}


def faults(document: Mapping[str, Any]) -> Iterator[RulesetFault]:
    """Yield the faults of the credit of a document whose tables have the right form."""
    units = document.get("contributions", {}).get("units", schema.CONTRIBUTIONS["units"].default)
    for unit, table in document.get("credit", {}).items():
        path: Path = ("credit", unit)
        if unit not in units:
            hint = similar(unit, units)
            yield RulesetFault(path, f"there is no unit {unit!r}", hint)
        limits = [(name, table[name]) for name in _ORDER if name in table]
        for (low, least), (high, most) in pairwise(limits):
            if least > most:
                sentence = f"{low} is {least:,} and {high} is {most:,}: the order is wrong"
                yield RulesetFault((*path, high), sentence, _HINTS[high])
        yield from _growth(path, table)


def _growth(path: Path, table: Mapping[str, Any]) -> Iterator[RulesetFault]:
    grows, to = table.get("grows", "none") != "none", table.get("grows_to")
    if grows and to is None:
        sentence = "the floor grows, and nothing says how far"
        yield RulesetFault((*path, "grows"), sentence, "write grows_to = ...")
    elif not grows and to is not None:
        sentence = "grows_to says how far the floor grows, and it does not grow"
        hint = "leave it out, or write grows = 'by_received'"
        yield RulesetFault((*path, "grows_to"), sentence, hint)
    elif to is not None and to > table["floor"]:
        sentence = f"the floor is {table['floor']:,} and would grow to {to:,}, which is less"
        yield RulesetFault((*path, "grows_to"), sentence, "write a number below floor")


def credit_rules(document: Mapping[str, Any]) -> dict[str, CreditRule]:
    """Return the limits of the balances in each unit of a checked document, by unit."""
    tables = sorted(document.get("credit", {}).items())
    return {unit: credit_rule(unit, table) for unit, table in tables}


def credit_rule(unit: str, table: Mapping[str, Any]) -> CreditRule:
    """Return the limits of the balances in a unit from its table, which was checked."""
    floor, ceiling = table["floor"], table["ceiling"]
    return CreditRule(
        table.get("scale", decimals(unit)),
        floor,
        ceiling,
        table.get("soft_floor", floor),
        table.get("soft_ceiling", ceiling),
        table.get("grows_to", floor),
    )
