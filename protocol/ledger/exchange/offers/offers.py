"""Offers: intents that are published together, with what is wanted for them.

Records:
  proposal.offer     purpose: offer or request; publishes: 1 to 16 intents; reciprocal: up to 16
                     intents, wanted in return; unitBased: whether what is wanted in return is for
                     each quantity that an intent names; hasBeginning, hasEnd: ms; proposedTo: up to
                     16 members or roles, nobody else is meant; eligibleLocation; replaces: an offer
  proposal.withdraw  offer; its intents stay as they are
All intents are of the author's member, or all of the community for which they may speak. An offer
binds nobody; commitments name intents, never offers. State: o offers.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeGuard

from commonweal.protocol.ledger.exchange import open_records
from commonweal.protocol.ledger.exchange.offers import flow_fields, intents
from commonweal.protocol.ledger.exchange.offers.intents import OPEN, PAUSED, REPLACED, WITHDRAWN
from commonweal.protocol.ledger.members import agents
from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.records.record import Record
from commonweal.protocol.vocabulary.identifiers import CODE_CHARACTERS_MAX, is_name

OFFER = Table.PLAN_OFFER.prefix

GIVE, ASK = "offer", "request"
"""The purposes: what is published is given, or wanted."""

INTENTS_MAX = 16
"""Intents that an offer publishes, and as many in return."""
PROPOSED_TO_MAX = 16


class OfferRow(NamedTuple):
    """An offer in the state. begin, end: ms since 1970. by: what closed it."""

    member: bytes
    clock: int
    purpose: str
    publishes: list[bytes]
    reciprocal: list[bytes]
    unit_based: bool
    begin: int | None
    end: int | None
    proposed_to: list[bytes | str]
    location: str | None
    status: str
    by: bytes | None


def offer_row(state: State, offer: bytes) -> OfferRow | None:
    """Return an offer; None when there is none of this id."""
    value = state.get(OFFER + offer)
    return None if value is None else OfferRow(*value)


def offer(state: State, record: Record, context: Context) -> Verdict:
    """Publish intents together."""
    data = record.data
    purpose, unit_based = data.get("purpose"), data.get("unitBased", False)
    publishes, reciprocal = data.get("publishes"), data.get("reciprocal", [])
    proposed_to, location = data.get("proposedTo", []), data.get("eligibleLocation")
    begin, end = data.get("hasBeginning"), data.get("hasEnd")
    if purpose not in (GIVE, ASK) or type(unit_based) is not bool:
        return Reason.SHAPE
    if not is_list_of_ids(publishes, INTENTS_MAX, 1) or not is_list_of_ids(reciprocal, INTENTS_MAX):
        return Reason.SHAPE
    if not {*publishes}.isdisjoint(reciprocal) or not flow_fields.is_span(begin, end):
        return Reason.SHAPE
    if location is not None and not is_name(location, CODE_CHARACTERS_MAX):
        return Reason.SHAPE
    refused = _audience(state, context, proposed_to)
    of_community: list[bool] = []
    for number, intent in enumerate([*publishes, *reciprocal]):
        gives = (purpose == GIVE) is (number < len(publishes))
        refused = refused or _fits(state, context, intent, gives, of_community)
    if refused is None and data.get("replaces") is not None:
        refused = _close(state, record, context, data["replaces"], REPLACED)
    if refused is None and not of_community[0]:
        refused = open_records.note(state, context, record.id, open_records.OFFER)
    if refused is not None:
        return refused
    row = OfferRow(
        context.member,
        record.clock,
        purpose,
        publishes,
        reciprocal,
        unit_based,
        begin,
        end,
        proposed_to,
        location,
        OPEN,
        None,
    )
    state.put(OFFER + record.id, [*row])
    return None


def withdraw(state: State, record: Record, context: Context) -> Verdict:
    """Withdraw an offer for good."""
    return _close(state, record, context, record.data.get("offer"), WITHDRAWN)


def close(state: State, offer: bytes, status: str, by: bytes) -> None:
    """Close an offer. status, by: as for `intents.close`."""
    row = offer_row(state, offer)
    assert row is not None, "the offer is known"
    state.put(OFFER + offer, [*row._replace(status=status, by=by)])
    open_records.forget(state, row.member, offer)


def is_list_of_ids(value: Any, most: int, least: int = 0) -> TypeGuard[list[bytes]]:
    """Return whether a value is a list of different ids, from `least` to `most` of them."""
    return (
        type(value) is list
        and least <= len(value) <= most
        and all(is_bytes(id) for id in value)
        and len(set(value)) == len(value)
    )


def _audience(state: State, context: Context, proposed_to: Any) -> Verdict:
    """Return why an offer cannot be proposed to these; otherwise None."""
    if type(proposed_to) is not list or len(proposed_to) > PROPOSED_TO_MAX:
        return Reason.SHAPE
    for number, named in enumerate(proposed_to):
        if named in proposed_to[:number] or not (is_bytes(named) or is_name(named)):
            return Reason.SHAPE
        if is_bytes(named) and not agents.is_known(named, state, context):
            return Reason.UNKNOWN_AGENT
        if not is_bytes(named) and named not in context.rules.roles:
            return Reason.UNKNOWN_ROLE
    return None


def _fits(
    state: State, context: Context, intent: bytes, gives: bool, of_community: list[bool]
) -> Verdict:
    """Return why an intent cannot be published with those before it.

    gives: its own side is the provider. of_community: whether each before it is the community's.
    """
    row = intents.intent_row(state, intent)
    if row is None:
        return Reason.UNKNOWN_PLAN
    if not intents.may_manage(state, context, row):
        return Reason.NOT_YOURS
    if row.status not in (OPEN, PAUSED):
        return Reason.NOT_OPEN
    of_community.append(row.is_of_community)
    owner = context.community if row.is_of_community else row.member
    is_own_side = owner == (row.provider if gives else row.receiver)
    is_one_owner = row.is_of_community == of_community[0]
    return None if is_own_side and is_one_owner else Reason.DOES_NOT_FIT


def _close(state: State, record: Record, context: Context, closed: Any, status: str) -> Verdict:
    """Close an offer that the author may manage. status: WITHDRAWN or REPLACED."""
    if not is_bytes(closed):
        return Reason.SHAPE
    row = offer_row(state, closed)
    if row is None:
        return Reason.UNKNOWN_PLAN
    first = intents.intent_row(state, row.publishes[0])
    assert first is not None, "what is published is known"
    if not intents.may_manage(state, context, first):
        return Reason.NOT_YOURS
    if row.status != OPEN:
        return Reason.NOT_OPEN
    close(state, closed, status, record.id)
    return None
