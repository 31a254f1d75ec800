"""Terms of things: who may book a thing, for how long, how many at once, and when it is not there.

A thing that has no terms is not booked: `set_terms` begins it. What is not said stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from commonweal.client.access import HomeAccess, prefix
from commonweal.client.exchange.lending.rows import LentThing, NewTerms, ThingBlock, ThingFee
from commonweal.client.exchange.lending.states import thing_name
from commonweal.client.exchange.lending.terms_words import terms_words
from commonweal.client.home.submit import now_ms
from commonweal.client.language.local_time.zones import at
from commonweal.client.language.quantity import exact, read_quantity
from commonweal.client.ledger.names.named import find_resource, spec_named
from commonweal.client.ledger.words.notes import note_body
from commonweal.client.ledger.words.texts import text_of
from commonweal.protocol.errors import UsageError, WouldNotCount
from commonweal.protocol.ledger.exchange.lending import blocks
from commonweal.protocol.ledger.exchange.lending.quotas import MINUTE_MS
from commonweal.protocol.ledger.exchange.lending.terms import (
    ASK,
    TERMS,
    TermsRow,
    may_manage,
    roles_accepted,
    terms_row,
    thing_of,
    thing_row,
)
from commonweal.protocol.ledger.state.context import Context
from commonweal.protocol.ledger.things.resources import ResourceRow, resource_row
from commonweal.protocol.records.record import RecordId

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

MINUTE = timedelta(minutes=1)

Fee = tuple[str | int | Decimal, str, int]
"""A fee as it is said: quantity, unit, and the ms of which each started one costs it."""


class ThingTerms(HomeAccess):
    """On which terms things are lent."""

    def lent_things(self) -> list[LentThing]:
        """Return the things that can be booked, by name."""
        view = self.view
        listed = [lent_thing(view, key[len(TERMS) :]) for key, _ in view.state.items(TERMS)]
        return sorted(listed, key=lambda row: (row.name, row.id))

    def lent_thing(self, resource: str | bytes) -> LentThing:
        """Return the terms of a thing. Raises UnknownId, AmbiguousId, UsageError without terms."""
        return lent_thing(self.view, find_lent(self.view, prefix(resource)))

    def set_terms(
        self,
        named: str | bytes,
        *,
        accepts: Sequence[str] | None = None,
        capacity: int | None = None,
        min_ms: int | None = None,
        max_ms: int | None = None,
        buffer_ms: int | None = None,
        ahead_ms: int | None = None,
        fee: Fee | None = None,
        late_fee: Fee | None = None,
        days: tuple[int, str | int] | None = None,
        without: Sequence[str] = (),
    ) -> NewTerms:
        """Say on which terms a thing is lent; what is not said stays, or has no limit.

        named: the thing, by its id or name. accepts: roles that need no second yes; empty: each
        booking is asked. days: how many, in a "week", a "month" or a number of days. without: of
        fee, late_fee and days, what goes. Days begin at midnight where this machine is now. Raises
        UnknownId, AmbiguousId, UnreadableQuantity, WouldNotCount.
        """
        view = self.view
        resource = find_resource(view, prefix(named), self._is_mine)
        known = terms_row(view.state, thing_of(view.state, resource))
        data: dict[str, Any] = {} if known is None else _said(_shown(view, known, resource))
        numbers = {"capacity": capacity, "min_ms": min_ms, "max_ms": max_ms}
        numbers |= {"buffer_ms": buffer_ms, "ahead_ms": ahead_ms}
        data |= {name: value for name, value in numbers.items() if value is not None}
        if accepts is not None or known is None:
            data["accepts"] = sorted(dict.fromkeys(accepts or ())) or ASK
        for name, said in (("fee", fee), ("late_fee", late_fee)):
            if said is not None:
                quantity = read_quantity(str(said[0]), said[1], self.words)
                data[name] = {"quantity": quantity, "per_ms": said[2]}
        if days is not None:
            data["days_max"], data["per"] = days
        for name in without:
            for key in ("days_max", "per") if name == "days" else (name,):
                data.pop(key, None)
        data["utc_offset_minutes"] = _offset_minutes()
        data["resource"] = bytes(resource)
        if known is not None:
            data["replaces"] = known.record
        return self._write_terms("resource.terms", data, resource)

    def block_thing(
        self,
        named: str | bytes,
        begin_ms: int,
        end_ms: int | None = None,
        *,
        hint: bool = False,
        note: str | None = None,
    ) -> NewTerms:
        """Say that a thing is out of use, or show a hint, from a time on; end: None for not known.

        Bookings that were accepted stay: who has them is told. Raises UnknownId, AmbiguousId,
        UsageError, UnusableText, WouldNotCount.
        """
        resource = find_lent(self.view, prefix(named))
        sort = blocks.HINT if hint else blocks.REPAIR
        data: dict[str, Any] = {"resource": bytes(resource), "sort": sort, "begin": begin_ms}
        data |= {} if end_ms is None else {"end": end_ms}
        return self._write_terms("resource.block", data, resource, note)

    def lift_block(self, block: str | bytes) -> NewTerms:
        """Take a block back: the thing can be booked again. Raises UnknownId, WouldNotCount."""
        text = prefix(block)
        for key, _ in self.view.state.items(TERMS):
            thing_id = RecordId(key[len(TERMS) :])
            for known in blocks.blocks_of(self.view.state, thing_id):
                if known.record.hex().startswith(text):
                    data = {"resource": bytes(thing_id), "sort": blocks.LIFTED}
                    return self._write_terms(
                        "resource.block", data | {"replaces": known.record}, thing_id
                    )
        raise UsageError(self.words("no block begins with {id}").format(id=text[:16]))

    def _write_terms(
        self, kind: str, data: dict[str, Any], resource: RecordId, note: str | None = None
    ) -> NewTerms:
        view = self.view
        if may_manage(view.state, _as_me(view), resource) is not None:
            row = resource_row(view.state, _home(view, resource))
            holder = view.name(None if row is None else row.custodian)
            text = self.words("only {name}, who has it, says on which terms it is lent")
            raise WouldNotCount(text.format(name=holder))
        name = thing_name(view, thing_of(view.state, resource))
        thing_id = RecordId(thing_of(view.state, resource))
        written = self._write_one(kind, data, (), note_body(note, words=self.words))
        return NewTerms(written.id, written.seq, thing_id, name)

    def _is_mine(self, row: ResourceRow) -> bool:
        return self.view.me in (row.custodian, row.accountable)


def find_lent(view: LedgerView, text: str) -> RecordId:
    """Return the thing that can be booked whose id or name this is, wherever it is now.

    Raises UnknownId, AmbiguousId, UsageError when it has no terms.
    """
    lent = {key[len(TERMS) :] for key, _ in view.state.items(TERMS)}
    spec = spec_named(view, text)
    called = [] if spec is None else [id for id in lent if _spec(view, id) == spec]
    if len(called) == 1:
        return RecordId(called[0])
    resource = find_resource(view, text, lambda row: _is_among(view, row, lent))
    thing_id = thing_of(view.state, resource)
    if thing_id not in lent:
        said = view.words("{name} is not lent yet: who has it says weal thing terms {id}")
        name = thing_name(view, resource)
        raise UsageError(said.format(name=name, id=resource.hex()[:8]))
    return RecordId(thing_id)


def lent_thing(view: LedgerView, thing_id: bytes) -> LentThing:
    """Return a thing that has terms."""
    row, where = terms_row(view.state, thing_id), thing_row(view.state, thing_id)
    assert row is not None and where is not None, "it has terms"
    home = resource_row(view.state, where.at)
    assert home is not None, "it is somewhere"
    row = _shown(view, row, thing_id)
    fee, late_fee = (_fee(said) for said in (row.fee, row.late_fee))
    return LentThing(
        id=RecordId(thing_id),
        resource=RecordId(where.at),
        name=thing_name(view, thing_id),
        lender=home.custodian,
        lender_name=view.name(home.custodian),
        terms=RecordId(row.record),
        accepts=tuple(row.accepts),
        capacity=row.capacity,
        min_minutes=row.min_ms // MINUTE_MS,
        max_minutes=row.max_ms // MINUTE_MS,
        buffer_minutes=row.buffer_ms // MINUTE_MS,
        ahead_minutes=row.ahead_ms // MINUTE_MS,
        fee=fee,
        late_fee=late_fee,
        days_max=row.days_max,
        per=row.per,
        utc_offset_minutes=row.utc_offset_minutes,
        blocks=tuple(_blocks(view, thing_id)),
        words=terms_words(row, view.words),
        yours=may_manage(view.state, _as_me(view), RecordId(thing_id)) is None,
    )


def _shown(view: LedgerView, row: TermsRow, resource: bytes) -> TermsRow:
    """Return terms with the roles that need no second yes now: none for who did not write them."""
    thing_id = thing_of(view.state, resource)
    return row._replace(accepts=roles_accepted(view.state, view.community, thing_id))


def _blocks(view: LedgerView, thing_id: bytes) -> list[ThingBlock]:
    now = now_ms()
    return [
        ThingBlock(
            RecordId(block.record),
            block.sort,
            block.begin,
            block.end,
            text_of(view.store, RecordId(block.record)),
        )
        for block in blocks.blocks_of(view.state, thing_id)
        if block.end is None or block.end > now
    ]


def _fee(said: list[Any] | None) -> ThingFee | None:
    if said is None:
        return None
    (n, scale, unit), per_ms = said
    return ThingFee(exact(n, scale), unit, per_ms // MINUTE_MS)


def _said(row: TermsRow) -> dict[str, Any]:
    """Return the terms in force as a record says them."""
    data: dict[str, Any] = {
        "accepts": row.accepts or ASK,
        "capacity": row.capacity,
        "min_ms": row.min_ms,
        "max_ms": row.max_ms,
        "buffer_ms": row.buffer_ms,
        "ahead_ms": row.ahead_ms,
    }
    for name, fee in (("fee", row.fee), ("late_fee", row.late_fee)):
        if fee is not None:
            (n, scale, unit), per_ms = fee
            quantity = {"n": n, "scale": scale, "unit": unit}
            data[name] = {"quantity": quantity, "per_ms": per_ms}
    if row.days_max is not None:
        data |= {"days_max": row.days_max, "per": row.per}
    return data


def _home(view: LedgerView, resource: bytes) -> bytes:
    row = thing_row(view.state, thing_of(view.state, resource))
    return resource if row is None else row.at


def _as_me(view: LedgerView) -> Context:
    """Return the context of what this member would write now."""
    kept = view.kept
    return Context(kept.community, kept.cut, kept.rules, view.me)


def _spec(view: LedgerView, thing_id: bytes) -> bytes | None:
    home = resource_row(view.state, _home(view, thing_id))
    return None if home is None else home.spec


def _is_among(view: LedgerView, row: ResourceRow, lent: set[bytes]) -> bool:
    """Whether a resource of this row is a thing that is lent, at home."""
    homes = (thing_row(view.state, thing_id) for thing_id in lent)
    return any(home is not None and resource_row(view.state, home.at) == row for home in homes)


def _offset_minutes() -> int:
    """Return the minutes from UTC of this machine's time now."""
    offset = at(now_ms()).utcoffset()
    return 0 if offset is None else offset // MINUTE
