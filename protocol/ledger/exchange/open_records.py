"""What of a member is open: their intents and offers, and the agreements that they proposed.

There are limits to it, so that the end of a membership closes all of it at once. State: OPEN_OF
what is open, OPEN_COUNT how much.
"""

from __future__ import annotations

from typing import NamedTuple

from commonweal.protocol.ledger.state.context import Context, Verdict
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table

OPEN_OF, OPEN_COUNT = Table.OPEN_OF.prefix, Table.OPEN_COUNT.prefix

INTENT, OFFER, AGREEMENT = "intent", "offer", "agreement"

OPEN_INTENTS_MAX = 1_000
"""Intents and offers of a member that are not withdrawn, replaced, or met as a whole."""
OPEN_AGREEMENTS_MAX = 200
"""Agreements that a member proposed and that are still asked."""


class OpenCount(NamedTuple):
    """How much of a member is open. intents: intents and offers. agreements: that they proposed."""

    intents: int = 0
    agreements: int = 0


def open_count(state: State, member: bytes) -> OpenCount:
    """Return how much of a member is open."""
    value = state.get(OPEN_COUNT + member)
    return OpenCount() if value is None else OpenCount(*value)


def note(state: State, context: Context, record: bytes, sort: str) -> Verdict:
    """Note that a new record of the author's member is open. sort: INTENT, OFFER or AGREEMENT."""
    count = open_count(state, context.member)
    if sort == AGREEMENT:
        count = count._replace(agreements=count.agreements + 1)
    else:
        count = count._replace(intents=count.intents + 1)
    if count.intents > OPEN_INTENTS_MAX:
        return Reason.TOO_MANY_INTENTS
    if count.agreements > OPEN_AGREEMENTS_MAX:
        return Reason.TOO_MANY_AGREEMENTS
    state.put(OPEN_COUNT + context.member, [*count])
    state.put(OPEN_OF + context.member + record, sort)
    return None


def forget(state: State, member: bytes, record: bytes) -> None:
    """Note that a record of a member is open no more; what was not noted is the community's."""
    key = OPEN_OF + member + record
    sort, count = state.get(key), open_count(state, member)
    if sort is None:
        return
    if sort == AGREEMENT:
        count = count._replace(agreements=count.agreements - 1)
    else:
        count = count._replace(intents=count.intents - 1)
    state.delete(key)
    state.put(OPEN_COUNT + member, [*count])


def open_of(state: State, member: bytes) -> list[tuple[bytes, str]]:
    """Return what of a member is open, by id: the record and its sort."""
    prefix = OPEN_OF + member
    return [(key[len(prefix) :], sort) for key, sort in state.items(prefix)]
