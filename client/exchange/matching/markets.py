"""The market as matching reads it: open offers and needs, and what is known of their members.

From the final state all nodes read the same. Never decides what suits: `protocol.matching` does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from commonweal.client.exchange.offer_rows import is_theirs_in
from commonweal.client.exchange.reliability import kept_promises
from commonweal.protocol.ledger.contributions.attestation import DISPUTE
from commonweal.protocol.ledger.exchange import credit
from commonweal.protocol.ledger.exchange.commitments import COMMITMENT, CommitmentRow
from commonweal.protocol.ledger.exchange.offers import intents
from commonweal.protocol.ledger.exchange.offers.intents import IntentRow, intent_row
from commonweal.protocol.ledger.exchange.offers.offers import GIVE, OFFER, OfferRow
from commonweal.protocol.ledger.exchange.times import sealed_ms
from commonweal.protocol.ledger.members import agents, membership, roles
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.event_row import event_row
from commonweal.protocol.ledger.things.quantities import SCALE_MAX
from commonweal.protocol.matching.market import Intent, MarketMember, MarketState, Price, Weights

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

ID_BYTES = 32
HOUR = "hour"


class OpenIntent(NamedTuple):
    """An intent that can be taken, and the newest open offer that publishes it."""

    id: bytes
    row: IntentRow
    offer_id: bytes
    offer: OfferRow


def market_of(view: LedgerView, state: State) -> MarketState:
    """Return the market in a state: `view.final`, or `view.state` with what is not sealed yet."""
    now_ms = sealed_ms(state, view.kept.cut.time_ms)
    audiences = _Audiences(state)
    offers: list[Intent] = []
    needs: list[Intent] = []
    for published in open_intents(state, now_ms):
        side = offers if published.offer.purpose == GIVE else needs
        side.append(_intent(state, published, audiences))
    match = view.kept.ruleset.match
    return MarketState(
        seal=view.kept.last.seal,
        now_ms=now_ms,
        offers=tuple(offers),
        needs=tuple(needs),
        members=_members(view, state, now_ms),
        disputes=frozenset(_disputes(state)),
        weights=Weights(**match.weights),
    )


def open_intents(state: State, now_ms: int) -> Iterator[OpenIntent]:
    """Yield what is published and can be taken at a time, each once; things left behind are not."""
    newest: dict[bytes, tuple[int, bytes, OfferRow]] = {}
    for key, value in state.items(OFFER):
        row, id = OfferRow(*value), key[len(OFFER) :]
        if row.status != intents.OPEN or (row.end is not None and row.end <= now_ms):
            continue
        for intent in row.publishes:
            known = newest.get(intent)
            if known is None or (row.clock, id) > known[:2]:
                newest[intent] = row.clock, id, row
    for intent, (_clock, id, offer) in newest.items():
        published = intent_row(state, intent)
        assert published is not None, "an offer names what is there"
        if (
            published.left.n
            and intents.is_open(state, published, now_ms)
            and _is_there(state, offer, published)
        ):
            yield OpenIntent(intent, published, id, offer)


def parts(n: int, scale: int) -> int:
    """Return a quantity in the parts in which matching counts."""
    amount: int = n * 10 ** (SCALE_MAX - scale)
    return amount


def owner(offer: OfferRow, row: IntentRow) -> bytes:
    """Return who gives or gets by an intent: a member, or the community."""
    side = row.provider if offer.purpose == GIVE else row.receiver
    assert side is not None, "an offer has a giver, and a need a receiver"
    return side


def _is_there(state: State, offer: OfferRow, row: IntentRow) -> bool:
    return offer.purpose != GIVE or is_theirs_in(state, row)


def _intent(state: State, published: OpenIntent, audiences: _Audiences) -> Intent:
    row, offer = published.row, published.offer
    begins = [begin for begin in (row.begin, offer.begin) if begin is not None]
    ends = [end for end in (row.end, offer.end) if end is not None]
    left = row.left
    return Intent(
        id=published.id,
        member=owner(offer, row),
        clock=row.clock,
        action=row.action,
        unit=left.unit,
        left=parts(left.n, left.scale),
        minimum=parts(*row.minimum[:2]) if row.minimum else 0,
        spec=row.spec or b"",
        tags=frozenset(row.tags or ()),
        resource=row.resource or b"",
        begin_ms=max(begins, default=None),
        end_ms=min(ends, default=None),
        due_ms=row.due,
        scope=(row.scope or "").encode(),
        place=(offer.location or "").encode(),
        proposed_to=audiences.members(offer),
        prices=tuple(_prices(state, published)),
    )


def _prices(state: State, published: OpenIntent) -> Iterator[Price]:
    """Yield what is given in return: for all of it, or, of an offer by the unit, for one unit."""
    for id in published.offer.reciprocal:
        row = intent_row(state, id)
        assert row is not None, "an offer names what is there"
        n, scale, unit = row.quantity
        amount = parts(n, scale)
        if published.offer.unit_based:
            one_unit = parts(*published.row.quantity[:2])
            amount = -(-amount * 10**SCALE_MAX // one_unit)
        yield Price(unit, amount, published.offer.unit_based)


class _Audiences:
    """The members that offers are meant for."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._of_role: dict[str, frozenset[bytes]] = {}

    def members(self, offer: OfferRow) -> frozenset[bytes] | None:
        """Return the members that an offer is meant for; None: everybody."""
        if not offer.proposed_to:
            return None
        named = frozenset(other for other in offer.proposed_to if isinstance(other, bytes))
        held = [self._holders(role) for role in offer.proposed_to if isinstance(role, str)]
        return named.union(*held)

    def _holders(self, role: str) -> frozenset[bytes]:
        if role not in self._of_role:
            everybody = membership.members(self._state)
            self._of_role[role] = frozenset(
                member.id for member in everybody if roles.holds(self._state, member.id, role)
            )
        return self._of_role[role]


def _members(view: LedgerView, state: State, now_ms: int) -> dict[bytes, MarketMember]:
    """Return what is known of all members."""
    rules = view.kept.rules.credits
    promises = kept_promises(state, now_ms, view.kept.ruleset.withheld)
    deals = {} if rules else _deals(state)
    known: dict[bytes, MarketMember] = {}
    for member in (entry.id for entry in membership.members(state)):
        rows = {unit: credit.balance_row(state, unit, member) for unit in rules}
        headroom = {
            unit: max(0, parts(row.n - credit.lowest(rules[unit], row), row.scale))
            for unit, row in rows.items()
        }
        given, received = deals.get(member, (0, 0))
        if rows:
            row = rows[HOUR if HOUR in rows else min(rows)]
            given, received = row.received, max(0, row.received - row.n)
        kept = promises.get(member)
        known[member] = MarketMember(
            given,
            received,
            kept.kept if kept else 0,
            kept.promised if kept else 0,
            headroom,
        )
    return known


def _deals(state: State) -> dict[bytes, tuple[int, int]]:
    """Return how many promises each member kept, and how many were kept to them."""
    counted: dict[bytes, tuple[int, int]] = {}
    for _key, value in state.items(COMMITMENT):
        row = CommitmentRow(*value)
        if row.open.n or row.receiver is None:
            continue
        gave, got = counted.get(row.provider, (0, 0))
        counted[row.provider] = gave + 1, got
        gave, got = counted.get(row.receiver, (0, 0))
        counted[row.receiver] = gave, got + 1
    return counted


def _disputes(state: State) -> Iterator[tuple[bytes, bytes]]:
    """Yield who disputes what another one says to have given, the smaller id first."""
    for key, _record in state.items(DISPUTE):
        event, member = key[len(DISPUTE) : len(DISPUTE) + ID_BYTES], key[len(DISPUTE) + ID_BYTES :]
        row = event_row(state, event)
        assert row is not None, "what is disputed is known"
        other = agents.person(state, row.provider)
        yield min(member, other), max(member, other)
