"""The schema of a ruleset document: fields, types, bounds and defaults of each section.

Keys that a document omits have the default here, so {"name": ...} is a complete ruleset; the
default scale of a pool follows from its unit. Checking and reading a document both use this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeAlias

from commonweal.protocol.vocabulary import budget
from commonweal.protocol.vocabulary.actions import ACTIONS
from commonweal.protocol.vocabulary.budget import MIB
from commonweal.protocol.vocabulary.rule_params import (
    DAY_MS,
    DEFAULT_CAMPAIGNS,
    DEFAULT_MEMBERSHIP,
    DEFAULT_PROJECTS_OPEN,
    DEFAULT_REVIEWS,
    FACTORS,
    HOUR_MS,
    MATCH_WEIGHTS,
    UNITS,
)

SENTENCE_CHARACTERS_MAX = 2_000
CHARTER_CHARACTERS_MAX = 20_000
NAMES_MAX = 256
ROLES_MAX = 64
ADMISSIONS_MAX = 16
"""Conditions on events; each is evaluated for each event."""

POOLS_MAX = 16
BUCKETS_MAX = 32
ROUNDS_MAX = 8
POINTS_MAX = 1_000_000
"""Points that a member gives in one round."""
CREDITS_MAX = 8
"""Units in which members have a balance with each other."""
CREDIT_MAX = 1_000_000_000
"""The greatest limit of a balance, in whole units."""
COMMISSION_DEPTH_MAX = 3
HOURS_MAX = 24 * 366 * 100
DECIDING_HOURS_MAX = 24 * 366
"""Longest vote or trial: no other rules can be adopted during a trial."""
PEOPLE_MAX = 1_000
PROJECTS_OPEN_MAX = 20
"""The most projects that a member who opened them may have open, whatever rules say."""
REVIEW_HOURS_MAX = 24 * 366
"""Longest time in which a deal is reviewed, and in which reviews are opened."""

FieldType: TypeAlias = Literal[
    "name", "text", "count", "flag", "portion", "names", "portions", "rule", "choice", "choices"
]


class Field(NamedTuple):
    """One key. low, high: bounds of a number; high: also the most characters or items.

    A field that is `required` has no default and must be in every table of its section.
    """

    sort: FieldType
    default: Any = None
    low: int = 0
    high: int = 0
    choices: tuple[str, ...] = ()
    required: bool = False


Fields: TypeAlias = Mapping[str, Field]

_NAME_MAX = 64
_SENTENCES: Fields = {
    "en": Field("text", "", high=SENTENCE_CHARACTERS_MAX),
    "zh": Field("text", "", high=SENTENCE_CHARACTERS_MAX),
}


def _name(default: str | None = "", required: bool = False) -> Field:
    return Field("name", default, high=_NAME_MAX, required=required)


def _names(*default: str) -> Field:
    return Field("names", default, high=NAMES_MAX)


def _hours(default: int, low: int = 0, high: int = HOURS_MAX) -> Field:
    return Field("count", default, low, high)


def _choice(*choices: str) -> Field:
    return Field("choice", choices[0], choices=choices)


_RULE = Field("rule", "", high=4_096)

CHARTER: Fields = {
    "en": Field("text", "", high=CHARTER_CHARACTERS_MAX),
    "zh": Field("text", "", high=CHARTER_CHARACTERS_MAX),
}
MEMBERSHIP: Fields = {
    "vouches": Field("count", 0, 0, PEOPLE_MAX),
    "growth_per_week": Field("count", DEFAULT_MEMBERSHIP.growth_per_week, 0, PEOPLE_MAX),
    "growth_percent": Field("count", DEFAULT_MEMBERSHIP.growth_percent, 0, 100),
    "delay_hours": _hours(DEFAULT_MEMBERSHIP.delay_ms // HOUR_MS, high=DECIDING_HOURS_MAX),
    "founding_circle": Field("count", DEFAULT_MEMBERSHIP.founding_circle, 0, PEOPLE_MAX),
    **_SENTENCES,
}
ROLE: Fields = {
    "endorsements": Field("count", 0, 0, PEOPLE_MAX),
    "after": _names(),
    "duties": Field("text", "", high=SENTENCE_CHARACTERS_MAX),
    "benefits": Field("text", "", high=SENTENCE_CHARACTERS_MAX),
    **_SENTENCES,
}
CONTRIBUTIONS: Fields = {
    "factors": _names(*FACTORS),
    "units": _names(*UNITS),
    "attestations": Field("count", 1, 1, PEOPLE_MAX),
    "common_attestations": Field("count", 1, 1, PEOPLE_MAX),
    "keeper": _name(),
    **_SENTENCES,
}
EXCHANGE: Fields = {"speaks_for_community": _name(), **_SENTENCES}
CONSENT_DAYS_MAX = 366 * 100
DATA: Fields = {
    "purposes": _names(),
    "longest_days": Field("count", 0, 0, CONSENT_DAYS_MAX),
    "jurisdiction": Field("name", "", high=32),
    **_SENTENCES,
}
"""For what, and how long, members may consent to uses of their data, and under which law."""

MATCH_WEIGHT_MAX = 1_000
MATCH: Fields = {
    **{
        feature: Field("count", weight, 0, MATCH_WEIGHT_MAX)
        for feature, weight in MATCH_WEIGHTS.items()
    },
    "ring_members": Field("count", 3, 2, 4),
    **_SENTENCES,
}
"""What suggestions count, in parts of their sum, and how long a ring is at most."""

REPORTS: Fields = {
    "core": _names(),
    "givers": Field("count", 2, 1, PEOPLE_MAX),
    "largest": Field("portion", "1/2"),
    **_SENTENCES,
}
"""When a factor is distributed, and which roles are the core."""
CAMPAIGN_DAYS_MAX = 366
CAMPAIGNS: Fields = {
    "authors": _name(),
    "days_max": Field("count", DEFAULT_CAMPAIGNS.open_ms // DAY_MS, 1, CAMPAIGN_DAYS_MAX),
    "collect_days_max": Field(
        "count", DEFAULT_CAMPAIGNS.collect_ms // DAY_MS, 1, CAMPAIGN_DAYS_MAX
    ),
    "short": _choice("return", "extend", "go_on"),
    "loans": _choice("claim", "bucket"),
    **_SENTENCES,
}
"""Sums that members raise together; days until the deadline, and from then to pay."""

ADMISSION: Fields = {
    "actions": Field("choices", (), high=len(ACTIONS), choices=tuple(ACTIONS)),
    "when": _RULE._replace(required=True),
    **_SENTENCES,
}
VALUE: Fields = {"points": _RULE._replace(required=True), **_SENTENCES}
POOL: Fields = {
    "unit": _name(required=True),
    "scale": Field("count", None, 0, 9),
    "income": Field("rule", "event.action == 'transfer' && event.to_community", high=4_096),
    "every_hours": _hours(0),
    "late": _choice("next_epoch", "catch_up", "needs_attest_if_older"),
    "late_hours": _hours(24 * 30),
    "late_attestations": Field("count", 2, 0, PEOPLE_MAX),
    "commission": Field("portions", (), high=COMMISSION_DEPTH_MAX),
    "commission_role": _name(),
    "commission_hours": _hours(24 * 366),
    **_SENTENCES,
}
BUCKET: Fields = {
    "name": _name(required=True),
    "share": Field("portion", None, required=True),
    "of": _choice("whole", "remainder"),
    "to": _choice("contributors", "role", "community", "round", "data"),
    "role": _name(),
    "round": _name(),
    "actions": Field("choices", (), high=len(ACTIONS), choices=tuple(ACTIONS)),
    "factor": _name(),
    "scope": _name(),
    "specification": _name(),
    "within_hours": _hours(0),
    "where": _RULE,
    "divide": _choice("proportional", "recent", "half_life", "balanced", "equal"),
    "recent_hours": _hours(24 * 90, 1),
    "half_life_hours": _hours(24 * 90, 1),
    "claim": _choice("once", "debt", "equity"),
    "points_in": _choice("smallest", "thousandths", "whole"),
    "trace": Field("flag", False),
    **_SENTENCES,
}
ROUND: Fields = {
    "points": Field("count", 100, 1, POINTS_MAX),
    "most": Field("count", 0, 0, POINTS_MAX),
    "every_hours": _hours(24 * 30, 1),
    "open_hours": _hours(24 * 7, 1),
    "givers": _name(),
    "receivers": _name(),
    **_SENTENCES,
}
PROCESS: Fields = {
    "threshold": Field("portion", ">1/2"),
    "min_yes": Field("count", 0, 0, PEOPLE_MAX),
    "quorum": Field("portion", "0%"),
    "period_hours": _hours(24 * 7, high=DECIDING_HOURS_MAX),
    "indifferent": Field("flag", False),
    "early": Field("flag", True),
    "early_failure": Field("flag", False),
    "blocks": Field("count", 0, 0, PEOPLE_MAX),
    "voters": _name(),
    "trial_hours": _hours(0, high=DECIDING_HOURS_MAX),
    **_SENTENCES,
}
LAZY: Fields = {
    **PROCESS,
    "objections": Field("count", 1, 1, PEOPLE_MAX),
    "covers": Field("choices", (), high=8, choices=("charter", "roles", "contributions", "value")),
    "decisions": Field("flag", False),
}
FINALITY: Fields = {
    "interval_minutes": Field("count", 1, 1, 60 * 24 * 366),
    "witnesses": Field("count", 7, 1, 100),
    "grace_hours": _hours(24),
    **_SENTENCES,
}

_MOST, _DAILY = budget.BUDGET_MAX, budget.DEFAULT_BUDGET.daily
BUDGET: Fields = {
    "records": Field("count", _DAILY.records, budget.BUDGET_MIN.daily.records, _MOST.daily.records),
    **{
        name: Field("count", usual // MIB, least // MIB, most // MIB)
        for name, usual, least, most in zip(
            ("header_mib", "document_mib", "text_mib"),
            _DAILY[1:],
            budget.BUDGET_MIN.daily[1:],
            _MOST.daily[1:],
            strict=True,
        )
    },
    "days": Field("count", budget.DEFAULT_BUDGET.days, budget.BUDGET_MIN.days, _MOST.days),
    **_SENTENCES,
}
"""Data of one member that every node stores: per day, and the number of days in total."""

CREDIT: Fields = {
    "scale": Field("count", None, 0, 9),
    "floor": Field("count", None, -CREDIT_MAX, 0, required=True),
    "ceiling": Field("count", None, 0, CREDIT_MAX, required=True),
    "soft_floor": Field("count", None, -CREDIT_MAX, 0),
    "soft_ceiling": Field("count", None, 0, CREDIT_MAX),
    "grows": _choice("none", "by_received"),
    "grows_to": Field("count", None, -CREDIT_MAX, 0),
    **_SENTENCES,
}
"""The balances of members in a unit, in whole units; the floors are negative or 0."""

PROJECTS: Fields = {
    "opener": _name(),
    "open_per_member": Field("count", DEFAULT_PROJECTS_OPEN, 0, PROJECTS_OPEN_MAX),
    "settled_hours": _hours(0),
    "threshold": Field("portion", ">1/2"),
    "period_hours": _hours(24 * 3, high=DECIDING_HOURS_MAX),
    **_SENTENCES,
}
"""Who opens projects, how many, who shares in equal parts, and how their members close one."""
REVIEWS: Fields = {
    "window_hours": _hours(DEFAULT_REVIEWS.window_ms // HOUR_MS, 1, REVIEW_HOURS_MAX),
    "grace_hours": _hours(DEFAULT_REVIEWS.grace_ms // HOUR_MS, 1, REVIEW_HOURS_MAX),
    "withheld_promise": _choice("broken", "nothing"),
    "withheld_stars": _choice("nothing", "one"),
    **_SENTENCES,
}
"""When deals are reviewed, and what a review that is never opened counts for its writer."""

PROMOTION: Fields = {
    "rate_max": Field("portion", "10%"),
    "window_hours_max": _hours(24 * 30, 1, 24 * 366),
    "role": _name(),
    **_SENTENCES,
}
"""How offers may be promoted for a commission; without the section, they may not."""

CLASSES = ("ordinary", "constitution", "membership", "lazy")
"""The classes of change; each has a process."""

SECTIONS: Mapping[str, Fields] = MappingProxyType(
    {
        "charter": CHARTER,
        "membership": MEMBERSHIP,
        "contributions": CONTRIBUTIONS,
        "exchange": EXCHANGE,
        "data": DATA,
        "match": MATCH,
        "promotion": PROMOTION,
        "campaigns": CAMPAIGNS,
        "finality": FINALITY,
        "reports": REPORTS,
        "budget": BUDGET,
        "projects": PROJECTS,
        "reviews": REVIEWS,
    }
)
"""Sections with one table."""

TABLES: Mapping[str, tuple[Fields, int]] = MappingProxyType(
    {
        "roles": (ROLE, ROLES_MAX),
        "admit": (ADMISSION, ADMISSIONS_MAX),
        "value": (VALUE, len(ACTIONS)),
        "pools": (POOL, POOLS_MAX),
        "rounds": (ROUND, ROUNDS_MAX),
        "credit": (CREDIT, CREDITS_MAX),
        "governance": (PROCESS, len(CLASSES)),
    }
)
"""Sections with one table per name, and the most tables of each."""

TOP = ("name", *SECTIONS, *TABLES)
