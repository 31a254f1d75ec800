"""What the fold asks of the rules: a few plain values, taken from the ruleset in force.

The fold never reads a ruleset document; whoever sets a cut turns the document that is in
force there into `RuleParams`. The default is what holds before any document says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    # Whoever only looks at members or resources loads no expressions.
    from commonweal.protocol.rules.expression import CheckedExpression


@dataclass(frozen=True, slots=True)
class Role:
    """A role of the catalogue.

    endorsements: how many other members must agree before a claim holds; 0 means it holds
    at once. after: roles of which one must be held first (the path); empty for none.
    """

    endorsements: int = 0
    after: tuple[str, ...] = ()
    duties: str = ""
    benefits: str = ""


ROLES: Mapping[str, Role] = MappingProxyType(
    {
        "consumer": Role(),
        "promoter": Role(endorsements=1),
        "producer": Role(endorsements=1),
        "co-owner": Role(endorsements=2, after=("promoter", "producer")),
        "witness": Role(),
    }
)

FACTORS = ("labour", "capital", "space", "knowledge", "management", "data", "technology")

UNITS = (
    *("one", "hour", "minute", "day", "month", "commit", "page", "kilometre"),
    *("kilogram", "gram", "litre", "metre", "square-metre", "cubic-metre"),
    *("kilowatt-hour", "gigabyte", "CNY", "EUR", "USD", "GBP", "JPY"),
)


@dataclass(frozen=True, slots=True)
class EventCondition:
    """A condition that events of these actions (none: of all) must meet."""

    name: str
    actions: tuple[str, ...]
    when: CheckedExpression


HOUR_MS = 3_600_000


class MembershipRules(NamedTuple):
    """How newcomers come in, and what they wait for.

    vouches: how many members must vouch, the inviting one among them. growth: how many a member
    may bring in a week: so many, or so many of a hundred members. delay_ms: how long a newcomer
    waits for the powers of a member. founding_circle: so many of the first do not.
    """

    vouches: int = 0
    growth_per_week: int = 2
    growth_percent: int = 10
    delay_ms: int = 7 * 24 * HOUR_MS
    founding_circle: int = 7


DEFAULT_MEMBERSHIP = MembershipRules()
"""What holds before any document says otherwise."""


def membership_rules(section: Mapping[str, Any]) -> MembershipRules:
    """Return what [membership] of a sound document asks; what it leaves out is the default."""
    delay_hours = section.get("delay_hours", DEFAULT_MEMBERSHIP.delay_ms // HOUR_MS)
    return MembershipRules(
        section.get("vouches", DEFAULT_MEMBERSHIP.vouches),
        section.get("growth_per_week", DEFAULT_MEMBERSHIP.growth_per_week),
        section.get("growth_percent", DEFAULT_MEMBERSHIP.growth_percent),
        delay_hours * HOUR_MS,
        section.get("founding_circle", DEFAULT_MEMBERSHIP.founding_circle),
    )


@dataclass(frozen=True, slots=True)
class RuleParams:
    """What the fold asks of the ruleset in force.

    joining: how newcomers come in. attestations: how many others must attest an event or a claim;
    common_attestations: what comes in for the community or leaves it, when that is more.
    keeper: the role that moves what is the community's without that; empty for none.
    units: which count without `unit.define`. admissions: conditions that events must meet.
    """

    joining: MembershipRules = DEFAULT_MEMBERSHIP
    attestations: int = 1
    common_attestations: int = 1
    keeper: str = ""
    roles: Mapping[str, Role] = field(default_factory=lambda: ROLES)
    factors: tuple[str, ...] = FACTORS
    units: frozenset[str] = frozenset(UNITS)
    admissions: tuple[EventCondition, ...] = ()


DEFAULT_PARAMS = RuleParams()
