"""Swaps of things of one kind: who would rather have which thing, and who swaps.

A wish is an offer of one thing for one other thing of the same specification. Several wishes for
one thing are ranked in the order in which they were written. Nobody swaps before all in the
circle have said yes to it as a deal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from commonweal.client.access import wish_of
from commonweal.client.exchange.deals.deals import Deals
from commonweal.client.exchange.deals.rows import NewDeal
from commonweal.client.exchange.matching.rows import ListedSwap, NewSwapWishes, SwapFlow, SwapList
from commonweal.client.exchange.offer_rows import is_theirs_in, sealed_at, thing_name
from commonweal.client.ledger.names.named import find_resource, owned_by
from commonweal.client.ledger.words.notes import ID_DIGITS
from commonweal.protocol.errors import UsageError
from commonweal.protocol.ledger.exchange.deals.agreements import CLAUSES_MAX
from commonweal.protocol.ledger.exchange.offers import intents
from commonweal.protocol.ledger.exchange.offers.intents import IntentRow, intent_row
from commonweal.protocol.ledger.exchange.offers.offers import GIVE, OFFER, OfferRow
from commonweal.protocol.ledger.exchange.times import sealed_ms
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.resources import resource_row
from commonweal.protocol.matching.swaps import WISHES_MAX, top_trading_cycles
from commonweal.protocol.records.record import RecordId


class SwapWish(NamedTuple):
    """A thing that its owner would give for another one. gives, takes: ids of the two intents."""

    clock: int
    offer: bytes
    resource: bytes
    wanted: bytes
    owner: bytes
    spec: bytes
    gives: bytes
    takes: bytes


class Swaps(Deals):
    """Swaps of things, each for another one of its kind."""

    def wish_swap(self, named: str, wanted: Sequence[str]) -> NewSwapWishes:
        """Say that this member would give a thing for any of others, the best first.

        named, wanted: names or ids of things. Raises UnknownId, AmbiguousId, UsageError,
        WouldNotCount.
        """
        view = self.view
        if not 1 <= len(wanted) <= WISHES_MAX:
            raise UsageError(self.words("name 1 to {most} things").format(most=WISHES_MAX))
        mine = find_resource(view, named, *owned_by(view.me))
        others = [find_resource(view, name) for name in wanted]
        kinds = {self._kind(id) for id in (mine, *others)}
        if len(kinds) > 1 or None in kinds:
            raise UsageError(self.words("only things of one kind are swapped"))
        if mine in others:
            raise UsageError(self.words("this thing is yours already"))
        drafts = view.drafts()
        gives = drafts.add(wish_of("intent", self._moved(mine, "provider"), [mine]))
        for other in others:
            takes = drafts.add(wish_of("intent", self._moved(other, "receiver"), [other]))
            data = {"purpose": GIVE, "publishes": [bytes(gives)], "reciprocal": [bytes(takes)]}
            drafts.add(wish_of("proposal.offer", data))
        written = self._write_drafts(drafts)
        return NewSwapWishes(mine, tuple(record.id for record in written[2::2]))

    def swaps(self) -> SwapList:
        """Return the swaps of all wishes, by top trading cycles for each kind of thing."""
        view = self.view
        wishes = swap_wishes(view.final, sealed_ms(view.final, view.kept.cut.time_ms))
        listed: list[ListedSwap] = []
        for cycle in swap_cycles(wishes):
            flows = []
            for had, gets in zip(cycle, (*cycle[1:], cycle[0]), strict=True):
                wish = next(wish for wish in wishes if (wish.resource, wish.wanted) == (had, gets))
                given = next(wish for wish in wishes if wish.resource == gets)
                flows.append(
                    SwapFlow(
                        RecordId(gets),
                        thing_name(view, gets) or "",
                        given.owner,
                        view.name(given.owner),
                        wish.owner,
                        view.name(wish.owner),
                        RecordId(given.gives),
                        RecordId(wish.takes),
                    )
                )
            named = " ".join(f"--flow {_short(flow.offer)} {_short(flow.need)}" for flow in flows)
            command = f"weal deal propose {named}" if len(flows) <= CLAUSES_MAX else ""
            listed.append(ListedSwap(len(listed) + 1, tuple(flows), command))
        return SwapList(view.kept.cut.height, sealed_at(view) or None, tuple(listed))

    def propose_swap(
        self, number: int, *, answer_by: str | None = None, note: str | None = None
    ) -> NewDeal:
        """Propose a swap of the list as one deal. Raises UsageError, and as `propose_flows`."""
        listed = self.swaps().swaps
        if not 1 <= number <= len(listed) or not listed[number - 1].command:
            raise UsageError(self.words("there is no swap {n}").format(n=number))
        flows = [(flow.offer, flow.need) for flow in listed[number - 1].flows]
        return self.propose_flows(flows, answer_by=answer_by, note=note)

    def _kind(self, resource: RecordId) -> bytes | None:
        row = resource_row(self.view.state, resource)
        return None if row is None else row.spec

    def _moved(self, resource: RecordId, side: str) -> dict[str, Any]:
        """Return the intent that all of a thing goes from or to this member."""
        row = resource_row(self.view.state, resource)
        assert row is not None, "it was found"
        quantity = {"n": row.accounting, "scale": row.scale, "unit": row.unit}
        return {
            "action": "transfer",
            side: bytes(self.view.me),
            "resourceQuantity": quantity,
            "resourceInventoriedAs": bytes(resource),
        }


def swap_wishes(state: State, now_ms: int) -> list[SwapWish]:
    """Return the wishes that are open at a time, in the order in which they were written."""
    wishes = []
    for key, value in state.items(OFFER):
        row, id = OfferRow(*value), key[len(OFFER) :]
        has_ended = row.end is not None and row.end <= now_ms
        if row.status != intents.OPEN or has_ended or row.purpose != GIVE or row.proposed_to:
            continue
        if len(row.publishes) == len(row.reciprocal) == 1:
            wish = _wish(state, id, row, now_ms)
            if wish is not None:
                wishes.append(wish)
    return sorted(wishes)


def swap_cycles(wishes: Sequence[SwapWish]) -> list[tuple[bytes, ...]]:
    """Return who swaps what: in each cycle who had a thing gets the next one."""
    owners = {wish.resource: wish.owner for wish in wishes}
    of_kind: dict[bytes, dict[bytes, list[bytes]]] = {}
    for wish in wishes:
        ranked = of_kind.setdefault(wish.spec, {}).setdefault(wish.resource, [])
        if owners.get(wish.wanted) != wish.owner:
            ranked.append(wish.wanted)
    return [cycle for spec in sorted(of_kind) for cycle in top_trading_cycles(of_kind[spec])]


def _wish(state: State, id: bytes, offer: OfferRow, now_ms: int) -> SwapWish | None:
    gives, takes = (intent_row(state, intent) for intent in (*offer.publishes, *offer.reciprocal))
    assert gives is not None and takes is not None, "an offer names what is there"
    if gives.resource is None or takes.resource is None or gives.provider is None:
        return None
    is_open = all(_is_open(state, row, now_ms) for row in (gives, takes))
    mine, wanted = (resource_row(state, row.resource) for row in (gives, takes) if row.resource)
    if mine is None or wanted is None or mine.spec is None or mine.spec != wanted.spec:
        return None
    if not is_open or not is_theirs_in(state, gives):
        return None
    return SwapWish(
        *(offer.clock, id, gives.resource, takes.resource, gives.provider, mine.spec),
        *(offer.publishes[0], offer.reciprocal[0]),
    )


def _is_open(state: State, row: IntentRow, now_ms: int) -> bool:
    return bool(row.left.n) and intents.is_open(state, row, now_ms)


def _short(id: bytes) -> str:
    return id.hex()[:ID_DIGITS]
