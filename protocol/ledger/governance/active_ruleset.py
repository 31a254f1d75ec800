"""The active ruleset: which document is in force, and what the fold reads of it.

Before the first adoption it is the document of the founding record. State: L which one is in force,
since when and until when; J documents by id; N every adoption.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from commonweal.protocol.errors import CommonwealError
from commonweal.protocol.ledger.members.registry import FOUNDING
from commonweal.protocol.ledger.members.roles import WITNESS
from commonweal.protocol.ledger.state.context import NO_DOCUMENTS
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.rules.document import Ruleset, RulesetId, from_bytes, from_map
from commonweal.protocol.vocabulary.rule_params import ROLES, Role, RuleParams

STANDING, DOCUMENT = Table.STANDING.prefix, Table.DOCUMENT.prefix
ADOPTED = Table.ADOPTED.prefix

RULESETS_KEPT_MAX = 32
"""How many decoded rulesets are cached; more are decoded again."""


class ActiveRulesetRow(NamedTuple):
    """What is in force: by which proposal, since which height and time (ms).

    until_ms: when it ends by itself, 0 for never. before: what is in force again after it.
    """

    ruleset: RulesetId
    proposal: bytes
    height: int
    since_ms: int
    until_ms: int
    before: RulesetId


UNREADABLE = from_map({"name": "community"})
"""In force where the founding document is no ruleset: every default."""


def active_row(state: State) -> ActiveRulesetRow | None:
    """Return the last adoption; None while the founding document is in force."""
    value = state.get(STANDING)
    return None if value is None else ActiveRulesetRow(*value)


def current(state: State, documents: Mapping[bytes, bytes] = NO_DOCUMENTS) -> Ruleset:
    """Return the ruleset in force in a state.

    documents: permanent bodies that are held, by hash, for the founding document.
    """
    row = active_row(state)
    return founding(state, documents) if row is None else by_id(state, documents, row.ruleset)


def by_id(state: State, documents: Mapping[bytes, bytes], ruleset: RulesetId) -> Ruleset:
    """Return a ruleset that was proposed; otherwise the founding one."""
    data = state.get(DOCUMENT + ruleset)
    return founding(state, documents) if data is None else read(data)


def fallback(state: State, documents: Mapping[bytes, bytes] = NO_DOCUMENTS) -> Ruleset | None:
    """Return the ruleset that follows when the one in force ends by itself; None if it does not."""
    row = active_row(state)
    return by_id(state, documents, row.before) if row is not None and row.until_ms else None


def founding(state: State, documents: Mapping[bytes, bytes]) -> Ruleset:
    """Return the ruleset of the founding record; the defaults where that is none."""
    value = state.get(FOUNDING)
    data = None if value is None else documents.get(value[2])
    if data is None:
        return UNREADABLE
    try:
        return read(data)
    except CommonwealError:
        return UNREADABLE


@lru_cache(maxsize=RULESETS_KEPT_MAX)
def read(data: bytes) -> Ruleset:
    """Return the ruleset of a canonical document. Raises `Malformed` or `BadRuleset`."""
    return from_bytes(data)


def history(state: State) -> list[tuple[int, RulesetId, bytes]]:
    """Return (height, ruleset, proposal) of every adoption, the earliest first."""
    return [
        (int.from_bytes(key[1:9]), RulesetId(value[0]), key[9:])
        for key, value in state.items(ADOPTED)
    ]


def rules_at(
    state: State, documents: Mapping[bytes, bytes], height: int, time_ms: int
) -> RuleParams:
    """Return the rules for a record whose author knew the seal of `height`, judged at `time_ms`.

    The rules in force at that height, while those in force now still grant it; then the latter.
    """
    now = current(state, documents)
    known: RulesetId | None = None
    for key, (ruleset, since_ms) in state.items(ADOPTED):
        if int.from_bytes(key[1:9]) > height:
            if time_ms - since_ms > now.grace_ms:
                return rules_of(now)
            then = founding(state, documents) if known is None else by_id(state, documents, known)
            return rules_of(then)
        known = RulesetId(ruleset)
    return rules_of(now)


@lru_cache(maxsize=RULESETS_KEPT_MAX)
def _rules_of(canonical: bytes) -> RuleParams:
    ruleset = read(canonical)
    roles = {
        name: Role(
            endorsements=table.get("endorsements", 0),
            after=tuple(table.get("after", ())),
            duties=table.get("duties", ""),
            benefits=table.get("benefits", ""),
        )
        for name, table in ruleset.document.get("roles", {}).items()
    }
    return RuleParams(
        membership=ruleset.membership,
        attestations=ruleset.attestations,
        common_attestations=ruleset.common_attestations,
        keeper=ruleset.keeper,
        speaks_for_community=ruleset.speaks_for_community,
        roles=MappingProxyType({WITNESS: Role(), **roles}) if roles else ROLES,
        factors=ruleset.factors,
        units=frozenset(ruleset.units),
        admissions=ruleset.admissions,
        credits=MappingProxyType(dict(ruleset.credits)),
        project_opener=ruleset.projects.opener,
        projects_open=ruleset.projects.open_per_member,
        data=ruleset.data,
        promotion=ruleset.promotion,
        reviews=ruleset.reviews,
        campaigns=ruleset.campaigns,
    )


def rules_of(ruleset: Ruleset) -> RuleParams:
    """Return what the fold reads of a ruleset."""
    return _rules_of(ruleset.to_bytes())
