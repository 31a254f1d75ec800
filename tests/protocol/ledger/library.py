"""A library of things in the village: who lends and borrows them, and seals at given times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from commonweal.protocol.ledger.exchange.commitments import CommitmentRow, commitment_row
from commonweal.protocol.ledger.exchange.deals.agreement_row import AgreementRow, agreement_row
from commonweal.protocol.ledger.exchange.lending.booking_row import BookingRow, booking_row
from commonweal.protocol.ledger.exchange.lending.calendar_slots import DAY_MS
from commonweal.protocol.ledger.fold.fold import Ledger
from commonweal.protocol.ledger.state.advance import BEFORE_ALL, CutHeader
from commonweal.protocol.ledger.state.context import Verdict
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.resources import ResourceRow, resource_row
from commonweal.protocol.records.record import Record
from commonweal.protocol.vocabulary.rule_params import DEFAULT_PARAMS, RuleParams
from tests.protocol.ledger.bakery import Bakery, amount, between
from tests.protocol.ledger.scenes import quantity
from tests.protocol.ledger.village import Pen, seed

HOUR_MS = DAY_MS // 24
MINUTE_MS = HOUR_MS // 60
START = 20_000 * DAY_MS
"""When the first seal is: 2024-10-04 00:00 UTC, a Friday."""


def at(day: int, hour: int = 0, minute: int = 0) -> int:
    """Return a time (ms), so many days, hours and minutes after the first seal."""
    return START + day * DAY_MS + hour * HOUR_MS + minute * MINUTE_MS


class Library(Bakery):
    """Jun lends a bike; Lin and Ana borrow it; Mei founded the village. Sealed once, at START."""

    def __init__(self, rules: RuleParams = DEFAULT_PARAMS) -> None:
        super().__init__()
        self.ana = self.join("Ana")
        self.rules = rules
        self.bike = self.make(self.jun, self.book, 1)
        self.sealed: list[tuple[Ledger, list[Record]]] = []
        self.header = BEFORE_ALL
        self.seal(START)

    def seal(self, time_ms: int, *arrival: Record, root: bytes = b"") -> None:
        """Seal all that was written since the last seal.

        arrival: records of it that arrive first, in this order. root: of the cut, which orders
        records of one clock.
        """
        ledger, records = self._ledger(arrival, time_ms, root), self._open_records()
        ledger.fold()
        self.sealed.append((ledger, records))
        clock = max(record.clock for record in self.records)
        self.header = CutHeader(len(self.sealed), time_ms, clock, seed("seal", len(self.sealed)))

    def open(self, *arrival: Record) -> Ledger:
        """Return what is folded above the last seal."""
        return self._ledger(arrival, 0, b"")

    @property
    def state(self) -> State:
        """The state of everything written, sealed or not."""
        return self.open().state

    def verdict(self, record: Record) -> Verdict:
        """Return what the ledger that folded a record says of it."""
        for ledger, records in self.sealed:
            if record in records:
                return ledger.verdict(record.id)
        return self.open().verdict(record.id)

    def resource(self, record: Record) -> ResourceRow:
        """Return the resource that an event began."""
        row = resource_row(self.state, record.id)
        assert row is not None
        return row

    def terms(self, thing: Record | None = None, pen: Pen | None = None, **said: Any) -> Record:
        """Set the terms of the bike, or another thing; who has it is asked, unless said."""
        resource = self.bike if thing is None else thing
        data = {"resource": resource.id, "accepts": "ask"} | said
        return (pen or self.jun).write("resource.terms", data, [resource, *self._last()])

    def block(
        self, begin: int, end: int | None = None, sort: str = "repair", pen: Pen | None = None
    ) -> Record:
        """Block the bike."""
        data = {"resource": self.bike.id, "sort": sort, "begin": begin}
        data |= {} if end is None else {"end": end}
        return (pen or self.jun).write("resource.block", data, [self.bike, *self._last()])

    def clause(self, pen: Pen, begin: int, end: int, **over: Any) -> Record:
        """Write the clause by which the author would have the bike of Jun for a time."""
        data = {
            "action": "transferCustody",
            "provider": self.jun.owner.id,
            "receiver": pen.owner.id,
            "resourceInventoriedAs": self.bike.id,
            "hasBeginning": begin,
            "hasEnd": end,
            "clause": True,
        }
        data |= {} if "effortQuantity" in over else amount(1, "one")
        return pen.write("commitment", data | over, [self.bike, *self._last()])

    def agreement(self, pen: Pen, *clauses: Record, back: Sequence[Record] = ()) -> Record:
        """Write an agreement of these clauses, and of those in return."""
        data: dict[str, Any] = {"stipulates": [clause.id for clause in clauses]}
        data |= {"stipulatesReciprocal": [clause.id for clause in back]} if back else {}
        return pen.write("agreement", data, [*clauses, *back])

    def ask(self, pen: Pen, begin: int, end: int, **over: Any) -> Booking:
        """Ask for the bike from `begin` to `end`."""
        clause = self.clause(pen, begin, end, **over)
        return Booking(self, clause, self.agreement(pen, clause))

    def booked(self, pen: Pen, begin: int, end: int, **over: Any) -> Booking:
        """Ask for the bike, and let Jun accept."""
        booking = self.ask(pen, begin, end, **over)
        booking.say(self.jun)
        return booking

    def pay_clause(self, pen: Pen, n: int, unit: str = "coin", **over: Any) -> Record:
        """Write the clause by which the author gives Jun so much for what they book."""
        sides = {"provider": pen.owner.id, "receiver": self.jun.owner.id}
        data = {"action": "transfer", "clause": True} | sides | amount(n, unit) | over
        return pen.write("commitment", data, self._last())

    def fee(self, n: int, per_ms: int, unit: str = "coin") -> dict[str, Any]:
        """Return a fee as terms state it."""
        return {"quantity": quantity(n, unit), "per_ms": per_ms}

    def _last(self) -> list[Record]:
        """Return what was written last, so that what is written next stands after it."""
        return self.records[-1:]

    def _open_records(self) -> list[Record]:
        known = {record.id for _, records in self.sealed for record in records}
        return [record for record in self.records if record.id not in known]

    def _ledger(self, arrival: Sequence[Record], time_ms: int, root: bytes) -> Ledger:
        base = self.sealed[-1][0].state if self.sealed else None
        ledger = Ledger(self.community, base, self.header, self.rules, order=root, time_ms=time_ms)
        for record in arrival:
            ledger.add([record])
            ledger.fold()
        ledger.add(self._open_records())
        return ledger


class Booking:
    """A booking of the bike: its clause and its agreement."""

    def __init__(self, library: Library, clause: Record, agreement: Record) -> None:
        self.library, self.clause, self.agreement = library, clause, agreement
        self.borrower = next(
            pen
            for pen in (library.mei, library.jun, library.lin, library.ana)
            if pen.owner.id == clause.data["receiver"]
        )

    def say(self, pen: Pen, say: str = "yes", *, speaks: bool = False) -> Record:
        """Answer it. speaks: for the community."""
        data = {"agreement": self.agreement.id, "say": say}
        data |= {"for": self.library.community} if speaks else {}
        deps = [self.agreement, *self.library.records[-1:]]
        return pen.write("agreement.sign", data, deps)

    def end(self, pen: Pen, why: str = "given up") -> Record:
        """End it for one party."""
        deps = [self.agreement, *self.library.records[-1:]]
        return pen.write("agreement.end", {"agreement": self.agreement.id, "why": why}, deps)

    def hand_out(self, pen: Pen | None = None) -> Record:
        """Let Jun hand the bike out for it."""
        library = self.library
        data = between(library.bike, None, self.borrower) | amount(1, "one")
        data |= {"fulfills": self.clause.id}
        deps = [library.bike, self.clause, self.agreement, *library.records[-1:]]
        return library.event(pen or library.jun, "transferCustody", data, *deps)

    def hand_back(
        self, out: Record, pen: Pen | None = None, claimed_at: int = 0, **over: Any
    ) -> Record:
        """Let the borrower, or another, hand the bike back to Jun."""
        library = self.library
        writer = pen or self.borrower
        data = {"action": "transferCustody", "provider": self.borrower.owner.id}
        data |= between(out, library.bike, library.jun) | amount(1, "one") | over
        deps = [library.book, out, library.bike, *library.records[-1:]]
        return writer.write("event", data, deps, claimed_at=claimed_at)

    @property
    def status(self) -> str:
        """The status of its agreement."""
        return self._agreement().status

    @property
    def cause(self) -> bytes | None:
        """What it was lost to, or why it is void."""
        return self._agreement().cause

    @property
    def row(self) -> BookingRow:
        """Its row in the state."""
        row = booking_row(self.library.state, self.clause.id)
        assert row is not None
        return row

    @property
    def commitment(self) -> CommitmentRow:
        """Its commitment in the state."""
        row = commitment_row(self.library.state, self.clause.id)
        assert row is not None
        return row

    def _agreement(self) -> AgreementRow:
        row = agreement_row(self.library.state, self.agreement.id)
        assert row is not None
        return row
