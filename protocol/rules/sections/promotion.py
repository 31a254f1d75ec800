"""Promotion as the rules describe it: who may promote offers, for how much and for how long.

A document is checked and read here. Who promotes what is known to the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from commonweal.protocol.rules import portions, schema
from commonweal.protocol.rules.faults import RulesetFault, similar
from commonweal.protocol.vocabulary.rule_params import (
    HOUR_MS,
    RATE_WHOLE,
    ROLES,
    PromotionRule,
)


def faults(document: Mapping[str, Any]) -> Iterator[RulesetFault]:
    """Yield the faults of [promotion] in a document whose tables have the right form."""
    rule = promotion_rule(document)
    if rule is None:
        return
    if not rule.rate_max:
        hint = "write a rate of 0.01% or more, or leave [promotion] out"
        yield RulesetFault(("promotion", "rate_max"), "so no rate is allowed", hint)
    roles = document.get("roles") or ROLES
    if rule.role and rule.role not in roles:
        hint = similar(rule.role, roles)
        yield RulesetFault(("promotion", "role"), f"there is no role {rule.role!r}", hint)


def promotion_rule(document: Mapping[str, Any]) -> PromotionRule | None:
    """Return the [promotion] section of a checked document; None when it has none."""
    if "promotion" not in document:
        return None
    section = document["promotion"]
    fields = schema.PROMOTION
    rate = portions.read(section.get("rate_max", fields["rate_max"].default))
    assert rate is not None, "the document was checked"
    hours = section.get("window_hours_max", fields["window_hours_max"].default)
    return PromotionRule(rate.of(RATE_WHOLE), hours * HOUR_MS, section.get("role", ""))
