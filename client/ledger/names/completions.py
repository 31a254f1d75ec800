"""What a word that is being typed may become: names of members, units, things, and ids.

From what the last fold left, so it takes milliseconds, and lacks what came since.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from itertools import islice

from commonweal.client.language.quantity import ACTIONS, UNITS
from commonweal.client.ledger.names.directory import PREFIX_DIGITS_MIN
from commonweal.protocol.errors import BadSetting
from commonweal.protocol.ledger.exchange.offers import intents
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.vocabulary.rule_params import FACTORS
from commonweal.storage.home.home import Home
from commonweal.storage.home.tokens import TokenFile
from commonweal.storage.ledger.last_fold import LastFold

COMPLETIONS_MAX = 100
ID_DIGITS = 12


class Subject(Enum):
    """What a word of a command names."""

    MEMBER = "member"
    AGENT = "agent"
    ACTION = "action"
    UNIT = "unit"
    FACTOR = "factor"
    RESOURCE = "resource"
    THING_KIND = "kind of a thing"
    PROCESS = "process"
    PROCESS_KIND = "kind of a process"
    EVENT = "event"
    CLAIM = "claim"
    OFFER = "offer"
    TAG = "tag"
    DEAL = "deal"
    OFFERED = "offer, need or intent"
    CAMPAIGN = "campaign"
    PROMISE = "promise"
    API_TOKEN = "token"  # noqa: S105  what it names


def completions(home: Home, subject: Subject, begun: str) -> list[str]:
    """Return what `begun` may become, at most COMPLETIONS_MAX words, names before ids."""
    if subject is Subject.API_TOKEN:
        return _tokens(home, begun)
    fitting = (word for word in _words(LastFold(home.state), subject, begun) if word)
    return list(islice(dict.fromkeys(fitting), COMPLETIONS_MAX))


def _tokens(home: Home, begun: str) -> list[str]:
    """Return the ids of tokens; none where their file cannot be used."""
    try:
        kept = TokenFile(home).tokens()
    except BadSetting:
        return []
    return [token.id for token in kept if token.id.startswith(begun)][:COMPLETIONS_MAX]


def _words(fold: LastFold, subject: Subject, begun: str) -> Iterator[str]:
    match subject:
        case Subject.MEMBER:
            yield from _names(fold.member_names(), begun)
        case Subject.AGENT:
            yield from _names([*fold.member_names(), "community", "社群"], begun)
            yield from _ids(fold, Table.AGENT_NAME, begun)
        case Subject.ACTION:
            yield from _names(_all_names(ACTIONS.items(), begun), begun)
        case Subject.UNIT:
            yield from _names(_all_names(UNITS.items(), begun), begun)
            defined = (key.decode("utf-8", "replace") for key, _ in fold.table(Table.UNIT.prefix))
            yield from _names(defined, begun)
        case Subject.FACTOR:
            yield from _names(FACTORS, begun)
        case Subject.THING_KIND:
            yield from _named(fold, Table.SPEC, begun)
        case Subject.PROCESS_KIND:
            yield from _named(fold, Table.PROCESS_SPEC, begun)
        case Subject.RESOURCE:
            yield from _named(fold, Table.SPEC, begun)
            yield from _ids(fold, Table.RESOURCE, begun)
        case Subject.PROCESS:
            yield from _named(fold, Table.PROCESS_SPEC, begun)
            yield from _names((row[1] for _, row in fold.table(Table.PROCESS.prefix)), begun)
            yield from _ids(fold, Table.PROCESS, begun)
        case Subject.EVENT if _is_id(begun):
            yield from (id.hex()[:ID_DIGITS] for id in fold.event_ids(begun.lower()))
        case Subject.CLAIM:
            yield from _ids(fold, Table.CLAIM, begun)
        case Subject.OFFER:
            yield from _ids(fold, Table.PLAN_OFFER, begun)
        case Subject.TAG:
            rows = (intents.IntentRow(*row) for _, row in fold.table(Table.INTENT.prefix))
            yield from _names((tag for row in rows for tag in row.tags), begun)
        case Subject.DEAL:
            yield from _ids(fold, Table.AGREEMENT, begun)
        case Subject.OFFERED:
            yield from _ids(fold, Table.PLAN_OFFER, begun)
            yield from _ids(fold, Table.INTENT, begun)
        case Subject.CAMPAIGN:
            yield from _ids(fold, Table.CAMPAIGN, begun)
        case Subject.PROMISE:
            yield from _ids(fold, Table.COMMITMENT, begun)


def _all_names(names: Iterable[tuple[str, tuple[str, ...]]], begun: str) -> Iterator[str]:
    """Yield the first name of each, and the others once something is typed."""
    for first, others in names:
        yield first
        if begun:
            yield from others


def _names(names: Iterable[str | None], begun: str) -> Iterator[str]:
    fitting = (name for name in names if name and name.lower().startswith(begun.lower()))
    yield from sorted(fitting)


def _named(fold: LastFold, table: Table, begun: str) -> Iterator[str]:
    yield from _names((row[0] for _, row in fold.table(table.prefix)), begun)


def _ids(fold: LastFold, table: Table, begun: str) -> Iterator[str]:
    if _is_id(begun):
        for key, _ in fold.table(table.prefix, begun.lower()):
            yield key.hex()[:ID_DIGITS]


def _is_id(begun: str) -> bool:
    digits = begun.lower()
    return len(digits) >= PREFIX_DIGITS_MIN and not digits.strip("0123456789abcdef")
