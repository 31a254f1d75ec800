"""The ruleset: a community's rules in one document, written as TOML, stored canonically.

The canonical form is the document's map in canonical MessagePack; a ruleset's id is its hash.
Defaults are not filled in: keys that a document omits have the defaults of `schema`, so
{"name": ...}, the document of a newly founded community, is a complete ruleset. Text or bytes are
passed in; no file is read. Which ruleset is in force is known to the ledger.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NewType, cast

from commonweal.protocol import codec, keys
from commonweal.protocol.errors import BadRuleset, Malformed
from commonweal.protocol.rules.checks import faults
from commonweal.protocol.rules.class_processes import class_processes
from commonweal.protocol.rules.environment import ENVIRONMENT
from commonweal.protocol.rules.expression import BOOL, INT, CheckedExpression
from commonweal.protocol.rules.expression import check as check_expression
from commonweal.protocol.rules.expression.position import Position
from commonweal.protocol.rules.faults import Problem, unreachable_objections
from commonweal.protocol.rules.portions import Portion
from commonweal.protocol.rules.process import Process, enough_to_stop
from commonweal.protocol.rules.schema import (
    ADMISSION,
    BUCKET,
    BUDGET,
    CONTRIBUTIONS,
    FINALITY,
    POOL,
    ROUND,
    VALUE,
)
from commonweal.protocol.rules.sections.campaigns import campaign_rules
from commonweal.protocol.rules.sections.credit import credit_rules
from commonweal.protocol.rules.sections.data import data_rules
from commonweal.protocol.rules.sections.match import MatchRules, match_rules
from commonweal.protocol.rules.sections.projects import ProjectRules, project_rules
from commonweal.protocol.rules.sections.promotion import promotion_rule
from commonweal.protocol.rules.sections.reports import ReportRules, report_rules
from commonweal.protocol.rules.sections.reviews import WithheldRule, review_rules, withheld_rule
from commonweal.protocol.rules.sections.rounds import GivingRound, giving_round
from commonweal.protocol.rules.table_values import filled, portion_of
from commonweal.protocol.rules.toml_positions import nearest, places
from commonweal.protocol.vocabulary.budget import MIB, Budget, Usage
from commonweal.protocol.vocabulary.currencies import decimals
from commonweal.protocol.vocabulary.rule_params import (
    CampaignRules,
    CreditRule,
    DataRules,
    EventCondition,
    MembershipRules,
    PromotionRule,
    ReviewRules,
    membership_rules,
)

RulesetId = NewType("RulesetId", bytes)
"""The hash of a ruleset's canonical form."""

DOCUMENT_BYTES_MAX = 256 * 1024
TEXT_CHARACTERS_MAX = 256 * 1024

KEY_PARTS_MAX = 16
"""Parts of a dotted key; a longer one is refused first, since parsing takes quadratic time."""

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Bucket:
    """A part of a pool and its receivers; fields as in the document, times in ms."""

    name: str
    share: Portion
    of: str
    to: str
    role: str
    round: str
    actions: tuple[str, ...]
    factor: str
    scope: str
    specification: str
    within_ms: int
    where: CheckedExpression | None
    divide: str
    recent_ms: int
    half_life_ms: int
    claim: str
    points_in: str
    trace: bool
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Pool:
    """Income of one unit and how it is distributed; fields as in the document, times in ms."""

    name: str
    unit: str
    scale: int
    income: CheckedExpression
    every_ms: int
    late: str
    late_ms: int
    late_attestations: int
    commission: tuple[Portion, ...]
    commission_role: str
    commission_ms: int
    buckets: tuple[Bucket, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Ruleset:
    """A checked ruleset; two are equal when their ids are. Times in ms.

    document: the map that it was read from; not to be changed.
    """

    id: RulesetId
    name: str
    document: Mapping[str, Any]
    membership: MembershipRules
    attestations: int
    common_attestations: int
    keeper: str
    speaks_for_community: str
    factors: tuple[str, ...]
    units: tuple[str, ...]
    admissions: tuple[EventCondition, ...]
    values: Mapping[str, CheckedExpression]
    pools: tuple[Pool, ...]
    rounds: tuple[GivingRound, ...]
    credits: Mapping[str, CreditRule]
    data: DataRules
    promotion: PromotionRule | None
    match: MatchRules
    projects: ProjectRules
    reports: ReportRules
    reviews: ReviewRules
    withheld: WithheldRule
    campaigns: CampaignRules
    processes: Mapping[str, Process]
    lazy_covers: tuple[str, ...]
    lazy_decisions: bool
    interval_ms: int
    witnesses: int
    grace_ms: int
    budget: Budget

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ruleset) and self.id == other.id

    def __hash__(self) -> int:
        return int.from_bytes(self.id[:8])

    def to_bytes(self) -> bytes:
        """Return the canonical form."""
        return codec.encode(cast(codec.Value, dict(self.document)))

    def sentence(self, language: str, *path: str | int) -> str:
        """Return the sentence in `language` ("en", "zh") of the rule at `path`; may be empty."""
        part: Any = self.document
        for step in path:
            part = part[step]
        return str(part.get(language, ""))


def check(text: str, electorate: int | None = None) -> list[Problem]:
    """Return the problems of the text of a ruleset, by line; empty when it is valid.

    electorate: number of members who may object in lazy consensus, if it is known.
    """
    if len(text) > TEXT_CHARACTERS_MAX:
        sentence = f"the text has {len(text):,} characters; {TEXT_CHARACTERS_MAX:,} are the most"
        return [Problem(1, 1, sentence, "shorten its sentences")]
    if long := LONG_KEY.search(text):
        line = text.count("\n", 0, long.start()) + 1
        return [Problem(line, 1, f"a key has more than {KEY_PARTS_MAX} parts", "shorten it")]
    try:
        document = tomllib.loads(text, parse_float=_Fraction)
    except tomllib.TOMLDecodeError as error:
        return [_syntax(text, str(error))]
    except (RecursionError, ValueError):
        return [Problem(1, 1, "a value is nested too deep or too long", "shorten it")]
    document_faults = faults(document)
    if not document_faults and electorate is not None:
        document_faults = unreachable_objections(document, enough_to_stop(electorate))
    if not document_faults and _size(document) > DOCUMENT_BYTES_MAX:
        sentence = f"the ruleset has more than {DOCUMENT_BYTES_MAX:,} bytes"
        return [Problem(1, 1, sentence, "shorten its sentences")]
    known = places(text)
    problems = [
        Problem(*nearest(known, fault.path), fault.sentence, fault.hint)
        for fault in document_faults
    ]
    return sorted(problems, key=lambda problem: (problem.line, problem.column))


MEMBERSHIP_PACE_KEYS = ("growth_per_week", "growth_percent", "delay_hours", "founding_circle")
"""Keys of [membership] for the growth of a community and the delay of newcomers."""


def unset_membership_keys(ruleset: Ruleset) -> tuple[str, ...]:
    """Return which of `MEMBERSHIP_PACE_KEYS` a document omits, so that defaults hold."""
    section = ruleset.document.get("membership", {})
    return tuple(key for key in MEMBERSHIP_PACE_KEYS if key not in section)


def read_toml(text: str) -> Ruleset:
    """Return the ruleset in a TOML text. Raises `BadRuleset` with the first problem's place."""
    problems = check(text)
    if problems:
        line, column, sentence, hint = problems[0]
        raise BadRuleset(sentence, hint, Position(line, column))
    return _read(tomllib.loads(text))


def from_map(document: Mapping[str, Any]) -> Ruleset:
    """Return the ruleset of a plain map. Raises `BadRuleset` with the path of the first fault."""
    document_faults = faults(document)
    if document_faults:
        path = ".".join(str(step) for step in document_faults[0].path) or "the document"
        raise BadRuleset(
            f"{path}: {document_faults[0].sentence}", document_faults[0].hint, Position(1, 1)
        )
    if _size(document) > DOCUMENT_BYTES_MAX:
        sentence = f"the ruleset has more than {DOCUMENT_BYTES_MAX:,} bytes"
        raise BadRuleset(sentence, "shorten its sentences", Position(1, 1))
    return _read(document)


def from_bytes(data: bytes) -> Ruleset:
    """Return the ruleset with this canonical form. Raises `Malformed` or `BadRuleset`."""
    if len(data) > DOCUMENT_BYTES_MAX:
        raise Malformed(f"a ruleset of {len(data):,} bytes; {DOCUMENT_BYTES_MAX:,} are the most")
    document = codec.decode(data)
    if type(document) is not dict:
        raise Malformed("a ruleset is a map")
    return from_map(document)


_KEY_PART = r"""(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+"""
LONG_KEY = re.compile(f"(?<![A-Za-z0-9_-])(?:{_KEY_PART}){{{KEY_PARTS_MAX}}}")


class _Fraction(str):
    """A number with a decimal point, as written; no field accepts one."""

    __slots__ = ()


def _syntax(text: str, message: str) -> Problem:
    parts = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", message, re.DOTALL)
    if parts is not None:
        return Problem(int(parts[2]), int(parts[3]), f"no valid TOML: {parts[1]}", "")
    sentence = "no valid TOML: " + message.removesuffix(" (at end of document)")
    return Problem(text.count("\n") + 1, 1, sentence, "look at the end of the text")


def _size(document: Mapping[str, Any]) -> int:
    return len(codec.encode(cast(codec.Value, dict(document))))


def _read(document: Mapping[str, Any]) -> Ruleset:
    """Return the ruleset of a document without faults."""
    canonical = codec.encode(cast(codec.Value, dict(document)))
    contributions = filled(CONTRIBUTIONS, document.get("contributions", {}))
    finality = filled(FINALITY, document.get("finality", {}))
    lazy = document.get("governance", {}).get("lazy", {})
    return Ruleset(
        id=RulesetId(keys.hash32(keys.RULESET, canonical)),
        name=document["name"],
        document=document,
        membership=membership_rules(document.get("membership", {})),
        attestations=contributions["attestations"],
        common_attestations=contributions["common_attestations"],
        keeper=contributions["keeper"],
        speaks_for_community=document.get("exchange", {}).get("speaks_for_community", ""),
        factors=tuple(contributions["factors"]),
        units=tuple(contributions["units"]),
        admissions=tuple(
            _admission(name, filled(ADMISSION, table))
            for name, table in sorted(document.get("admit", {}).items())
        ),
        values={
            name: check_expression(filled(VALUE, table)["points"], ENVIRONMENT, INT)
            for name, table in sorted(document.get("value", {}).items())
        },
        pools=tuple(
            _pool(name, table) for name, table in sorted(document.get("pools", {}).items())
        ),
        rounds=tuple(
            giving_round(name, filled(ROUND, table))
            for name, table in sorted(document.get("rounds", {}).items())
        ),
        credits=credit_rules(document),
        data=data_rules(document),
        promotion=promotion_rule(document),
        match=match_rules(document),
        projects=project_rules(document),
        reports=report_rules(document),
        processes=class_processes(document.get("governance", {})),
        reviews=review_rules(document),
        withheld=withheld_rule(document),
        campaigns=campaign_rules(document),
        lazy_covers=tuple(lazy.get("covers", ())),
        lazy_decisions=lazy.get("decisions", False),
        interval_ms=finality["interval_minutes"] * 60_000,
        witnesses=finality["witnesses"],
        grace_ms=finality["grace_hours"] * HOUR_MS,
        budget=_budget(filled(BUDGET, document.get("budget", {}))),
    )


def _budget(values: dict[str, Any]) -> Budget:
    sizes = (values[name] * MIB for name in ("header_mib", "document_mib", "text_mib"))
    return Budget(Usage(values["records"], *sizes), values["days"])


def _admission(name: str, values: dict[str, Any]) -> EventCondition:
    when = check_expression(values["when"], ENVIRONMENT, BOOL)
    return EventCondition(name, tuple(values["actions"]), when)


def _pool(name: str, table: Mapping[str, Any]) -> Pool:
    values = filled(POOL, table)
    return Pool(
        name=name,
        unit=values["unit"],
        scale=table.get("scale", decimals(values["unit"])),
        income=check_expression(values["income"], ENVIRONMENT, BOOL),
        every_ms=values["every_hours"] * HOUR_MS,
        late=values["late"],
        late_ms=values["late_hours"] * HOUR_MS,
        late_attestations=values["late_attestations"],
        commission=tuple(portion_of(text) for text in values["commission"]),
        commission_role=values["commission_role"],
        commission_ms=values["commission_hours"] * HOUR_MS,
        buckets=tuple(_bucket(filled(BUCKET, bucket)) for bucket in table["buckets"]),
    )


def _bucket(values: dict[str, Any]) -> Bucket:
    where = values["where"]
    within, recent = values.pop("within_hours"), values.pop("recent_hours")
    half_life = values.pop("half_life_hours")
    return Bucket(
        **{
            **values,
            "share": portion_of(values["share"]),
            "actions": tuple(values["actions"]),
            "where": check_expression(where, ENVIRONMENT, BOOL) if where else None,
        },
        within_ms=within * HOUR_MS,
        recent_ms=recent * HOUR_MS,
        half_life_ms=half_life * HOUR_MS,
    )
