"""Offers and needs as members read them: what is left of each, and how it stands.

How it stands follows from records and from the time of the last seal, so all members read the same
at one height.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from commonweal.client.language.quantity import exact, shown_action, shown_unit
from commonweal.client.language.words import N_, Words
from commonweal.client.ledger.rows.contribution_rows import spec_name
from commonweal.client.ledger.words.texts import text_of
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.exchange.offers.intents import IntentRow, intent_row
from commonweal.protocol.ledger.exchange.offers.offers import OfferRow, offer_row
from commonweal.protocol.ledger.exchange.times import sealed_ms
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.resources import ResourceRow, resource_row
from commonweal.protocol.records.record import RecordId

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

OFFER, NEED = "offer", "need"
SORTS = {"offer": OFFER, "request": NEED}
"""What the purpose of a record is called by members."""
PURPOSES = {sort: purpose for purpose, sort in SORTS.items()}

TITLE_CHARS_MAX = 100

OPEN, PARTLY, MET, PAUSED, ENDED = "open", "partly", "met", "paused", "ended"
WITHDRAWN, REPLACED = "withdrawn", "replaced"
STATES = {
    OPEN: N_("open"),
    PARTLY: N_("partly taken"),
    MET: N_("all taken"),
    PAUSED: N_("paused"),
    ENDED: N_("ended"),
    WITHDRAWN: N_("withdrawn"),
    REPLACED: N_("renewed"),
}
"""How an offer or a need stands, and the words for it."""

USED_BY_CUSTODIAN = ("use", "transferCustody")
"""What whoever has a thing may do with it, even where it is not theirs."""


@dataclass(frozen=True, slots=True)
class OfferPart:
    """One of the things that an offer gives, or a need asks for: an intent.

    quantity: all of it; left: what nobody has taken yet; came: what was given of it. is_theirs:
    False for a thing that is no longer that of who offers it.
    """

    intent: RecordId
    title: str
    action: str
    quantity: Decimal
    left: Decimal
    came: Decimal
    unit: str
    minimum: Decimal | None
    what: str | None
    resource: RecordId | None
    resource_name: str | None
    is_theirs: bool


@dataclass(frozen=True, slots=True)
class PricePart:
    """What is asked in return, or given for it. what: of which kind, if it is said."""

    intent: RecordId
    quantity: Decimal
    unit: str
    what: str | None


@dataclass(frozen=True, slots=True)
class ListedOffer:
    """An offer or a need. sort: "offer" or "need"; state: a key of STATES.

    member: who wrote it; agent: who gives or gets, that member or the community. price: nothing for
    what is free; price_units: for how many units of the first part it is, None for all of it. to:
    the members and roles that it is meant for, all when empty. due_ms: by when a need is to be met.
    is_mine: this member may change it. is_to_me: it is meant for them.
    """

    id: RecordId
    sort: str
    state: str
    member: MemberId
    member_name: str
    agent: bytes
    agent_name: str
    title: str
    note: str
    parts: tuple[OfferPart, ...]
    price: tuple[PricePart, ...]
    price_units: Decimal | None
    tags: tuple[str, ...]
    scope: str | None
    to: tuple[str, ...]
    place: str | None
    begin_ms: int | None
    end_ms: int | None
    due_ms: int | None
    is_mine: bool
    is_to_me: bool


class PartStanding(NamedTuple):
    """What the standing of an offer rests on: how one of its intents is."""

    status: str
    is_left: bool
    is_taken: bool
    end_ms: int | None
    provider: bytes | None
    receiver: bytes | None


def listed_offer(view: LedgerView, id: RecordId, row: OfferRow) -> ListedOffer:
    """Return an offer or a need, as it stands at the last seal."""
    intents = intents_of(view, row.publishes)
    sort = SORTS[row.purpose]
    parts = tuple(_part(view, intent, of, sort) for intent, of in intents)
    first = intents[0][1]
    agent = first.provider if sort == OFFER else first.receiver
    assert agent is not None, "an offer has a giver, and a need a receiver"
    note = texts(view, intents[0][0])[1]
    return ListedOffer(
        id=id,
        sort=sort,
        state=offer_standing(row, [of for _id, of in intents], sealed_at(view)),
        member=MemberId(row.member),
        member_name=view.name(row.member),
        agent=agent,
        agent_name=view.name(agent),
        title=title_of(view, row),
        note=note,
        parts=parts,
        price=tuple(_price(view, *pair) for pair in intents_of(view, row.reciprocal)),
        price_units=exact(*first.quantity[:2]) if row.unit_based else None,
        tags=tuple(dict.fromkeys(tag for _id, of in intents for tag in of.tags or ())),
        scope=first.scope,
        to=tuple(to_name(view, other) for other in row.proposed_to or ()),
        place=row.location,
        begin_ms=row.begin if first.begin is None else first.begin,
        end_ms=row.end if first.end is None else first.end,
        due_ms=first.due,
        is_mine=changeable(view)(row.member, agent),
        is_to_me=is_meant_for(view, row, view.me),
    )


def offers_standing(
    view: LedgerView, member: MemberId | None = None
) -> Iterator[tuple[RecordId, OfferRow]]:
    """Yield the offers and needs that are neither withdrawn nor replaced; of a member, or of all.

    Some of them may have ended, or be taken.
    """
    query = "SELECT id FROM offer_row WHERE status = 'open'"
    asked = () if member is None else (member,)
    rows = view.kept.layers.rows(query + (" AND member = ?" if asked else ""), asked)
    for (id,) in rows:
        row = offer_row(view.state, id)
        assert row is not None, "the rows are those of the state"
        yield RecordId(id), row


def intents_of(view: LedgerView, ids: Sequence[bytes]) -> list[tuple[RecordId, IntentRow]]:
    """Return intents that an offer names, in its order."""
    rows = []
    for id in ids:
        row = intent_row(view.state, id)
        assert row is not None, "an offer names what is there"
        rows.append((RecordId(id), row))
    return rows


def offer_standing(row: OfferRow, intents: Sequence[IntentRow], at_ms: int) -> str:
    """Return how an offer stands at a time. intents: those that it publishes, at least one."""
    parts = [
        PartStanding(of.status, of.left.n > 0, of.taken[0] != 0, of.end, of.provider, of.receiver)
        for of in intents
    ]
    return standing(row.status, row.end, parts, at_ms)


def standing(status: str, end_ms: int | None, parts: Sequence[PartStanding], at_ms: int) -> str:
    """Return how an offer stands at a time: a key of STATES. parts: what it publishes.

    It has ended from its end on, and its last part's: what is open of it until then counts.
    """
    if status != OPEN:
        return status
    open_parts = [part for part in parts if part.status in (OPEN, PAUSED)]
    if not open_parts:
        return parts[0].status
    left = [part for part in open_parts if part.is_left]
    if not left:
        return MET
    if has_ended(end_ms, at_ms) or all(has_ended(part.end_ms, at_ms) for part in left):
        return ENDED
    if all(part.status == PAUSED for part in left):
        return PAUSED
    is_taken = len(left) < len(parts) or any(part.is_taken for part in left)
    return PARTLY if is_taken else OPEN


def has_ended(end_ms: int | None, at_ms: int) -> bool:
    """Whether an end is reached; what has none never ends."""
    return end_ms is not None and end_ms <= at_ms


def sealed_at(view: LedgerView) -> int:
    """Return the time (ms since 1970) of the last seal, by which all is judged; 0 before any."""
    return sealed_ms(view.state, view.kept.cut.time_ms)


def texts(view: LedgerView, intent: RecordId) -> tuple[str, str]:
    """Return title and note of an intent; "" where there are none, or they are erased."""
    text = text_of(view.store, intent) or ""
    title, _, note = text.partition("\n")
    return title.strip()[:TITLE_CHARS_MAX], note.strip()


def changeable(view: LedgerView) -> Callable[[bytes, bytes | None], bool]:
    """Return what says whether this member may change an offer, by its author and its agent.

    They may change their own, and the community's where they speak for it. The agent is who gives
    or gets by it.
    """
    from commonweal.protocol.ledger.members.roles import holds

    me, community, speaker = view.me, view.community, view.kept.rules.speaks_for_community
    speaks = bool(speaker) and holds(view.state, me, speaker)
    return lambda author, agent: speaks if speaker and agent == community else author == me


def title_of(view: LedgerView, row: OfferRow) -> str:
    """Return the title of an offer; that of its kind where it is erased."""
    id, first = intents_of(view, row.publishes[:1])[0]
    return texts(view, id)[0] or _name(view, first)


def to_name(view: LedgerView, addressee: bytes | str) -> str:
    """Return the name of a member or role that an offer is meant for."""
    return addressee if isinstance(addressee, str) else view.name(addressee)


def is_meant_for(view: LedgerView, row: OfferRow, member: MemberId) -> bool:
    """Whether an offer is meant for a member: for all, for them, or for a role that they have."""
    from commonweal.protocol.ledger.members.roles import holds

    if not row.proposed_to:
        return True
    return any(
        holds(view.state, member, other) if isinstance(other, str) else other == member
        for other in row.proposed_to
    )


def price_words(offer: ListedOffer, words: Words) -> str:
    """Return what is asked in return, as people read it; "" for nothing."""
    amounts = []
    for part in offer.price:
        amount = f"{part.quantity:f} {shown_unit(part.unit, words)}"
        amounts.append(f"{amount} {part.what}" if part.what else amount)
    return price_text(amounts, offer.parts[0].unit, offer.price_units, words)


def price_text(amounts: Sequence[str], unit: str, per: Decimal | None, words: Words) -> str:
    """Return a price of several amounts as people read it. per: so many units; None for all."""
    price = words(" and ").join(amounts)
    if not price or per is None:
        return price
    shown = shown_unit(unit, words)
    per_units = shown if per == 1 else f"{per:f} {shown}"
    return words("{price} per {unit}").format(price=price, unit=per_units)


def _part(view: LedgerView, id: RecordId, row: IntentRow, sort: str) -> OfferPart:
    title, _note = texts(view, id)
    return OfferPart(
        intent=id,
        title=title or _name(view, row),
        action=row.action,
        quantity=exact(*row.limit[:2]),
        left=exact(*row.left[:2]),
        came=exact(*row.met[:2]),
        unit=row.quantity[2],
        minimum=None if row.minimum is None else exact(*row.minimum[:2]),
        what=spec_name(view, row.spec),
        resource=None if row.resource is None else RecordId(row.resource),
        resource_name=thing_name(view, row.resource),
        is_theirs=sort == NEED or is_theirs(view, row),
    )


def is_theirs(view: LedgerView, row: IntentRow) -> bool:
    """Whether a thing that is offered is that of who offers it, or with them to be used."""
    return is_theirs_in(view.state, row)


def is_theirs_in(state: State, row: IntentRow) -> bool:
    """Whether a thing that is offered is that of who offers it in a state, or with them."""
    resource = None if row.resource is None else resource_row(state, row.resource)
    return resource is None or has_thing(resource, row.provider, row.action)


def has_thing(resource: ResourceRow, agent: bytes | None, action: str) -> bool:
    """Whether an agent has something of a thing of which an action takes."""
    if resource.accountable == agent and resource.accounting:
        return True
    return action in USED_BY_CUSTODIAN and resource.custodian == agent and bool(resource.onhand)


def thing_name(view: LedgerView, resource: bytes | None) -> str | None:
    """Return the name of a thing, or its unit; None without a thing."""
    row = None if resource is None else resource_row(view.state, resource)
    return None if row is None else spec_name(view, row.spec) or row.unit


def _name(view: LedgerView, row: IntentRow) -> str:
    """Return what to call an intent whose title is erased."""
    named = thing_name(view, row.resource) or spec_name(view, row.spec)
    return named or shown_action(row.action, view.words)


def _price(view: LedgerView, id: RecordId, row: IntentRow) -> PricePart:
    title, _note = texts(view, id)
    what = spec_name(view, row.spec) or title or None
    return PricePart(id, exact(*row.quantity[:2]), row.quantity[2], what)
