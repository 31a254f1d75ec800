"""Resources, units and income: what there is, and what came in from outside."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from os import urandom
from typing import TYPE_CHECKING, Any

from commonweal.client.access import HomeAccess, prefix, wish_of
from commonweal.client.language.plain import fields_of
from commonweal.client.language.quantity import read_quantity, read_scope, read_unit
from commonweal.client.ledger.names.named import find_agent, find_outside, spec_named
from commonweal.client.ledger.rows.contribution_rows import (
    ResourceState,
    event_words,
    resource_state,
)
from commonweal.client.ledger.words.notes import note_body
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.exchange.offers.offers import OFFER, offer_row
from commonweal.protocol.ledger.exchange.promotion.promotions import seller_of
from commonweal.protocol.ledger.members import agents
from commonweal.protocol.ledger.things import quantities
from commonweal.protocol.ledger.things.event_row import OF_RESOURCE
from commonweal.protocol.ledger.things.resources import RESOURCE, ResourceRow
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.vocabulary.identifiers import displayed_name, normal_name

if TYPE_CHECKING:
    from commonweal.client.ledger.forecast import Forecast
    from commonweal.client.ledger.ledger_view import LedgerView


@dataclass(frozen=True, slots=True)
class ResourceHistory(ResourceState):
    """A resource, and every event that changed it, the earliest first."""

    events: tuple[RecordId, ...]


@dataclass(frozen=True, slots=True)
class ThingActs:
    """What this member can do with a thing, as far as it shows whose it is and who has it."""

    lend: bool
    give_back: bool
    give: bool
    use: bool
    lower: bool

    @property
    def any(self) -> bool:
        """Whether there is anything that they can do."""
        return self.lend or self.give_back or self.use


@dataclass(frozen=True, slots=True)
class NewResource:
    """A resource that was brought into the books, and its specification."""

    id: RecordId
    seq: int
    specification: RecordId


@dataclass(frozen=True, slots=True)
class ListedUnit:
    """A unit in which things are counted; who added it, None for the rules."""

    unit: str
    member: MemberId | None
    member_name: str | None


@dataclass(frozen=True, slots=True)
class NewUnit:
    """A unit that was added."""

    id: RecordId
    seq: int
    unit: str


@dataclass(frozen=True, slots=True)
class RecordedIncome:
    """An income that was written down. payer: 16 bytes, an agent outside.

    forecast: which pool of the rules it goes into; None in it where no pool takes it.
    """

    id: RecordId
    seq: int
    payer: bytes
    forecast: Forecast


class Resources(HomeAccess):
    """What the community and its members have."""

    def resources(
        self,
        *,
        name: str | None = None,
        member: str | None = None,
        text: str | None = None,
        there: bool = False,
    ) -> list[ResourceState]:
        """Return what there is, by name, the largest first.

        name: only what has this name. member: an agent; only what is theirs, or is with them.
        text: only what has it in its name, or as the beginning of its id. there: only that of
        which there is something. Raises UnknownId, AmbiguousId.
        """
        owner = find_agent(self.view, member) if member else None
        rows = [
            resource_state(self.view, key[1:], row)
            for key, value in self.view.state.items(RESOURCE)
            for row in (ResourceRow(*value),)
            if owner in (None, row.accountable, row.custodian)
            and (not there or row.accounting or row.onhand)
        ]
        if name is not None:
            rows = [row for row in rows if row.name == displayed_name(name)]
        if text is not None:
            part = displayed_name(text).casefold()
            rows = [
                row
                for row in rows
                if part in (row.name or row.unit).casefold() or row.id.hex().startswith(part)
            ]
        return sorted(rows, key=lambda row: (row.name or "", row.unit, -row.accounting, row.id))

    def resource(self, id: str | bytes) -> ResourceHistory:
        """Return a thing, and what changed it. Raises UnknownId, AmbiguousId."""
        view = self.view
        chosen = view.id_among(prefix(id), RESOURCE)
        state = resource_state(view, chosen, ResourceRow(*view.state.get(RESOURCE + chosen)))
        table = OF_RESOURCE + chosen
        touched = sorted((value[1], key[len(table) :]) for key, value in view.state.items(table))
        events = tuple(RecordId(event) for _clock, event in touched)
        return ResourceHistory(**fields_of(state), events=events)

    def thing_acts(self, id: bytes) -> ThingActs:
        """Return what this member can do with a thing. id: whole."""
        row, me = ResourceRow(*self.view.state.get(RESOURCE + id)), self.view.me
        is_here = row.custodian == me and row.onhand > 0
        is_lent = row.custodian != row.accountable and row.onhand > 0
        is_own = is_here and row.accountable == me
        return ThingActs(
            lend=is_here,
            give_back=is_lent and me in (row.custodian, row.accountable),
            give=is_own,
            use=is_here,
            lower=is_own,
        )

    def event_words(self, id: bytes) -> str:
        """Return a contribution as people read it."""
        return event_words(self.view, id)

    def add_resource(
        self,
        name: str,
        quantity: str | int | Decimal,
        unit: str,
        *,
        factor: str | None = None,
        common: bool = False,
        note: str | None = None,
    ) -> NewResource:
        """Bring a thing into the books, with its specification where none has this name.

        factor: of production. common: it is the community's, and counts once another member
        attests it. Raises UnreadableQuantity, WouldNotCount.
        """
        name, amount = normal_name(name), read_quantity(str(quantity), unit, self.words)
        body, data = note_body(note, words=self.words), {"name": name, "unit": amount["unit"]}
        if factor is not None:
            data["factor"] = factor
        drafts, spec = self.view.drafts(), spec_named(self.view, name)
        known = drafts.add(wish_of("spec.resource", data)) if spec is None else spec
        drafts.add(wish_of("event", self._raised(amount, known, common=common), (), body))
        *specified, written = self._write_drafts(drafts)
        spec = specified[0].id if specified else known
        return NewResource(written.id, written.seq, spec)

    def units(self) -> list[ListedUnit]:
        """Return the units in which things are counted here."""
        view = self.view
        rows = [ListedUnit(unit, None, None) for unit in sorted(view.kept.rules.units)]
        for key, value in view.state.items(quantities.UNIT):
            member = MemberId(value[0])
            rows.append(ListedUnit(key[1:].decode(), member, view.name(member)))
        return rows

    def add_unit(self, name: str) -> NewUnit:
        """Add a unit in which things are counted. Raises UnusableText, WouldNotCount."""
        unit = read_unit(name, self.words)
        written = self._write_one("unit.define", {"unit": unit})
        return NewUnit(written.id, written.seq, unit)

    def income(
        self,
        quantity: str | int | Decimal,
        unit: str,
        *,
        payer: str | None = None,
        earned_by: str | bytes | None = None,
        scope: str | None = None,
        offer: str | bytes | None = None,
        note: str | None = None,
    ) -> RecordedIncome:
        """Write down what came in for the community from outside; another member attests it.

        payer: an agent outside, by name or id. earned_by: the thing or contribution that earned
        it. scope: the project that it came for. offer: what was sold; then it came in for its
        seller, who writes it. Raises
        UnreadableQuantity, UnknownId, AmbiguousId, WouldNotCount.
        """
        view, amount = self.view, read_quantity(str(quantity), unit, self.words)
        giver = find_outside(view, payer) if payer else urandom(agents.OUTSIDE_BYTES)
        data: dict[str, Any] = {
            "action": "transfer",
            "provider": giver,
            "receiver": bytes(view.community),
            "resourceQuantity": amount,
        }
        if offer is not None:
            sold = view.id_among(prefix(offer), OFFER)
            data |= {"offer": bytes(sold), "receiver": _seller(view, sold)}
        treasury = treasury_of(view, str(amount["unit"]))
        if data["receiver"] == view.community and treasury is None:
            data["newInventoriedResource"] = {}
        elif data["receiver"] == view.community:
            data["toResourceInventoriedAs"] = bytes(treasury or b"")
        if scope is not None:
            data["inScopeOf"] = read_scope(scope, self.words)
        if earned_by is not None:
            data["earnedBy"] = bytes(view.held(prefix(earned_by)).id)
        drafts = view.drafts()
        text = note_body(note, words=self.words)
        expected = drafts.forecast(drafts.add(wish_of("event", data, (), text)))
        assert expected is not None, "it passed as a contribution"
        (written,) = self._write_drafts(drafts)
        return RecordedIncome(written.id, written.seq, giver, expected)

    def _raised(self, amount: dict[str, Any], spec: RecordId, *, common: bool) -> dict[str, Any]:
        """Return the event by which there is more of what `spec` describes."""
        event: dict[str, Any] = {
            "action": "raise",
            "provider": bytes(self.view.me),
            "resourceQuantity": amount,
            "resourceConformsTo": bytes(spec),
            "newInventoriedResource": {},
        }
        return event | ({"receiver": bytes(self.view.community)} if common else {})


def _seller(view: LedgerView, offer: RecordId) -> bytes:
    """Return whose offer it is, which is known; for a request, which is refused, this member."""
    row = offer_row(view.state, offer)
    assert row is not None, "it is known"
    return seller_of(view.state, row) or view.me


def treasury_of(view: LedgerView, unit: str) -> RecordId | None:
    """Return the community's own holding of a currency, when it has one."""
    for key, value in view.state.items(RESOURCE):
        row = ResourceRow(*value)
        if row.accountable == view.community and row.spec is None and row.unit == unit:
            return RecordId(key[1:])
    return None
