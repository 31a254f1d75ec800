"""The values that the fold takes from the ruleset in force, and their defaults.

The fold never reads a ruleset document: the caller turns the document in force at a cut into
`RuleParams`. The defaults hold until a document changes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    # Programs that only read members or resources do not load expressions.
    from commonweal.protocol.rules.expression import CheckedExpression


@dataclass(frozen=True, slots=True)
class Role:
    """A role of the catalogue.

    endorsements: number of other members who must agree before a claim of the role holds; 0: it
    holds at once. after: roles of which the claimant must hold one; empty for none.
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
    """A condition that events must meet. actions: which events; empty for all."""

    name: str
    actions: tuple[str, ...]
    when: CheckedExpression


HOUR_MS = 3_600_000


class MembershipRules(NamedTuple):
    """How newcomers are admitted.

    vouches: number of members who must vouch, including the inviter. growth_per_week,
    growth_percent: newcomers that one member may bring in a week, as a number and as a percentage
    of the members; the larger holds. delay_ms: time until a newcomer has a member's powers.
    founding_circle: number of first members without that delay.
    """

    vouches: int = 0
    growth_per_week: int = 2
    growth_percent: int = 10
    delay_ms: int = 7 * 24 * HOUR_MS
    founding_circle: int = 7


DEFAULT_MEMBERSHIP = MembershipRules()
"""Holds until a document changes it."""


def membership_rules(section: Mapping[str, Any]) -> MembershipRules:
    """Return the [membership] section of a checked document; missing keys have defaults."""
    delay_hours = section.get("delay_hours", DEFAULT_MEMBERSHIP.delay_ms // HOUR_MS)
    return MembershipRules(
        section.get("vouches", DEFAULT_MEMBERSHIP.vouches),
        section.get("growth_per_week", DEFAULT_MEMBERSHIP.growth_per_week),
        section.get("growth_percent", DEFAULT_MEMBERSHIP.growth_percent),
        delay_hours * HOUR_MS,
        section.get("founding_circle", DEFAULT_MEMBERSHIP.founding_circle),
    )


class CreditRule(NamedTuple):
    """The limits of members' balances in a unit, in whole units; floors are negative or 0.

    scale: the most decimals of a payment. soft_floor, soft_ceiling: from where on a balance is
    flagged. grows_to: how far the floor of a member falls, by what they received; `floor` where it
    does not grow.
    """

    scale: int
    floor: int
    ceiling: int
    soft_floor: int
    soft_ceiling: int
    grows_to: int


class DataRules(NamedTuple):
    """What the rules say of data.

    purposes: those for which there may be consents; empty for any. longest_ms: how long a consent
    lasts at most; 0 for no bound. pools: those that share with the owners of data that was used.
    """

    purposes: tuple[str, ...] = ()
    longest_ms: int = 0
    pools: tuple[str, ...] = ()


NO_DATA_RULES = DataRules()
"""Any purpose, for any time, and no share of a pool."""

RATE_WHOLE = 10_000
"""The parts of an income in which rates of promotions are written: 500 is 5 %."""


class PromotionRule(NamedTuple):
    """How offers may be promoted for a commission.

    rate_max: the highest rate, in parts of RATE_WHOLE. window_ms_max: the longest time for which
    the income of a buyer counts. role: that promoters hold; empty: any member promotes.
    """

    rate_max: int
    window_ms_max: int
    role: str


MATCH_WEIGHTS: Mapping[str, int] = MappingProxyType(
    {
        "kind": 300,
        "quantity": 100,
        "time": 150,
        "urgency": 100,
        "coincidence": 150,
        "fairness": 100,
        "kept": 50,
        "place": 50,
    }
)
"""How much each feature of a suggestion counts, unless rules say otherwise."""

DEFAULT_PROJECTS_OPEN = 3
"""How many projects that a member opened may be open, unless rules say otherwise."""
DAY_MS = 24 * HOUR_MS


class CampaignRules(NamedTuple):
    """What the rules say of campaigns.

    authors: the role that begins them; empty: every member. open_ms, collect_ms: the longest time
    until a deadline, and from then to pay. short: "return", "extend" or "go_on", where less than
    the minimum came in. loans: "claim" or "bucket", how a loan is given back.
    """

    authors: str = ""
    open_ms: int = 90 * DAY_MS
    collect_ms: int = 60 * DAY_MS
    short: str = "return"
    loans: str = "claim"


DEFAULT_CAMPAIGNS = CampaignRules()
"""Holds until a document changes it."""


class ReviewRules(NamedTuple):
    """When deals are reviewed. window_ms: how long after a deal is done reviews are written.

    grace_ms: how long after that they are opened; what is not opened by then stays withheld.
    """

    window_ms: int = 15 * 24 * HOUR_MS
    grace_ms: int = 3 * 24 * HOUR_MS


DEFAULT_REVIEWS = ReviewRules()
"""Holds until a document changes it; reviews of a stay on Couchers are written for 15 days."""

NO_CREDIT: Mapping[str, CreditRule] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RuleParams:
    """The values that the fold takes from the ruleset in force.

    membership: how newcomers are admitted. attestations: number of others who must attest an event
    or a claim; common_attestations: the same for what the community receives or gives, when that
    is more. keeper: the role that moves the community's things without common_attestations;
    empty for none. speaks_for_community: the role that offers, needs and agrees for the community;
    empty: every member. units: valid without `unit.define`. admissions: conditions on events.
    credits: the units in which members have a balance. project_opener: the role that opens
    projects; empty: every member. projects_open: how many that one member opened may be open. data:
    how data may be used. promotion: None: nobody promotes offers for a commission. reviews: when
    deals are reviewed. campaigns: who begins them, for how long.
    """

    membership: MembershipRules = DEFAULT_MEMBERSHIP
    attestations: int = 1
    common_attestations: int = 1
    keeper: str = ""
    speaks_for_community: str = ""
    roles: Mapping[str, Role] = field(default_factory=lambda: ROLES)
    factors: tuple[str, ...] = FACTORS
    units: frozenset[str] = frozenset(UNITS)
    admissions: tuple[EventCondition, ...] = ()
    credits: Mapping[str, CreditRule] = field(default_factory=lambda: NO_CREDIT)
    project_opener: str = ""
    projects_open: int = DEFAULT_PROJECTS_OPEN
    data: DataRules = NO_DATA_RULES
    promotion: PromotionRule | None = None
    reviews: ReviewRules = DEFAULT_REVIEWS
    campaigns: CampaignRules = DEFAULT_CAMPAIGNS


DEFAULT_PARAMS = RuleParams()
