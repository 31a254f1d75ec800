"""Books for tests of reports: a workshop whose seals a home keeps, and what both readers say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from commonweal.client.language.quantity import exact
from commonweal.client.language.words import ENGLISH
from commonweal.client.ledger.ledger_view import LedgerView
from commonweal.client.reports.factors import FactorsReport, factors_report
from commonweal.client.reports.funnel import FunnelReport, funnel_report
from commonweal.client.reports.seal_periods import SealPeriod, seal_period
from commonweal.protocol.records.record import Record
from commonweal.protocol.seal.cut import delta_to_bytes
from commonweal.protocol.seal.formats import sealed_to_bytes
from commonweal.storage.ledger.ledger import LedgerState
from tests.protocol.ledger.workshop import Workshop, hours, paying
from tests.second_reader import reports
from tests.second_reader.context import Context, in_force
from tests.second_reader.fold import Reader
from tests.second_reader.records import Record as ReadRecord
from tests.storage.ledger.test_ledger import Home

KNOWLEDGE, LABOUR = "knowledge", "labour"


@dataclass
class Book:
    """What a home has of a workshop, as far as a `LedgerView` is asked for by reports."""

    shop: Workshop
    kept: LedgerState
    words: Any = ENGLISH

    @property
    def final(self) -> Any:
        """The state at the last cut."""
        return self.kept.final

    @property
    def state(self) -> Any:
        """The same: reports read what is final."""
        return self.kept.final

    def name(self, agent: bytes) -> str:
        """Return the name of a member; of others the beginning of their id."""
        names = {pen.owner.id: name for name, pen in self.shop.pens.items()}
        return cast("dict[bytes, str]", names).get(agent, agent.hex()[:8])

    @property
    def view(self) -> LedgerView:
        """This, as reports take it."""
        return cast("LedgerView", self)

    def period(self, first: int | None = None, last: int | None = None) -> SealPeriod:
        """Return a period of seals."""
        return seal_period(self.view, first, last)

    def factors(self, first: int | None = None, last: int | None = None) -> FactorsReport:
        """Return the report of factors."""
        return factors_report(self.view, self.period(first, last), self.kept.ruleset.reports)

    def funnel(self, first: int | None = None, last: int | None = None) -> FunnelReport:
        """Return the funnel."""
        return funnel_report(self.view, self.period(first, last))


def book(shop: Workshop) -> Book:
    """Return what a home keeps of a workshop's records and seals."""
    home = Home(shop.community, shop.documents)
    home.hold(shop.records)
    home.seal(shop)
    for author, records in [*home.logs.items()]:
        home.arrive(author, len(records))
    return Book(shop, home.state)


def read_again(shop: Workshop) -> Context:
    """Return what the second reader comes to, from the records and seals alone."""
    wires = [record.wire for record in shop.records]
    documents = dict(shop.documents)
    reader = Reader(shop.community, [ReadRecord.read(wire) for wire in wires], documents)
    for sealed, delta in shop.sealed:
        reader.read(sealed_to_bytes(sealed), delta_to_bytes(delta))
    rules = in_force(reader.state, documents)
    return Context(
        *(reader.state, shop.community, reader.height, 0, reader.last, 0, rules),
        *(documents, reader.records),
    )


def compare(book: Book, again: Context, first: int, last: int) -> None:
    """Assert that both readers come to the same figures."""
    told = book.factors(first, last)
    assert {row.factor: _figures(row) for row in told.factors} == reports.factors(
        again, again.rules, first, last
    )
    sums = {(row.unit, row.income) for row in told.income}
    came = reports.income(again, first, last)
    assert sums == {(unit, exact(n, scale)) for (unit, scale), n in came.items()}
    funnel = book.funnel(first, last)
    steps = [(step.count, step.per_mille) for step in funnel.steps]
    assert steps == reports.funnel(again, first, last)
    months = {cohort.month: cohort.admitted for cohort in funnel.cohorts}
    assert months == reports.cohorts(again, first, last)


def _figures(row: Any) -> dict[str, Any]:
    return {
        "points": row.points,
        "events": row.events,
        "givers": row.givers,
        "largest": (row.largest, row.largest_per_mille),
        "beyond core": (row.beyond_core, row.beyond_core_per_mille),
        "since": row.since,
    }


class Factory(Workshop):
    """A workshop that names factors, and corrects what it said."""

    def __init__(self, *names: str, **over: Any) -> None:
        super().__init__({**paying(), **over}, *names)

    def give(self, name: str, n: int, by: str, factor: str = LABOUR) -> Record:
        """Record work of a factor, attested by somebody."""
        return self.work(name, n, by, factor=factor)

    def correct(self, done: Record, name: str, more: int, by: str, number: int = 1) -> Record:
        """Say that work was so much more or less, and let it be attested again."""
        data = {"action": "work", "corrects": done.id, "effortQuantity": hours(more)}
        written = self.write(name, "event", data)
        said = {"event": done.id, "say": "yes", "corrections": number}
        self.write(by, "attest", said)
        return written
