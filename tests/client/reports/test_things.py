"""Things and needs of a period: idle days, tags without an answer, and how long an answer took."""

from __future__ import annotations

from typing import Any

from commonweal.client.language.words import ENGLISH, words_in
from commonweal.client.reports.report_words import shown_minutes
from commonweal.client.reports.things import things_report
from commonweal.protocol.ledger.sharing.milestones import Milestone, milestone
from commonweal.protocol.records.record import Record
from tests.client.reports.books import Factory, book
from tests.protocol.ledger.council import HOUR
from tests.protocol.ledger.workshop import hours


def needs(shop: Factory, name: str, *tags: str) -> Record:
    """Let somebody publish that they need two hours of work."""
    data = {"action": "work", "receiver": shop.id(name), "effortQuantity": hours(2)}
    need = shop.write(name, "intent", data | {"resourceClassifiedAs": [*tags]})
    shop.write(name, "proposal.offer", {"purpose": "request", "publishes": [need.id]})
    return need


def answers(shop: Factory, name: str, to: str, need: Record) -> None:
    """Let somebody promise what another needs, and both say yes."""
    data: dict[str, Any] = {
        "action": "work",
        "provider": shop.id(name),
        "receiver": shop.id(to),
    }
    data |= {"effortQuantity": hours(2), "satisfies": [need.id], "clause": True}
    clause = shop.write(name, "commitment", data)
    deal = shop.write(name, "agreement", {"stipulates": [clause.id]})
    shop.write(to, "agreement.sign", {"agreement": deal.id, "say": "yes"})


def test_needs_are_counted_by_tag_and_answered_by_deals_in_force() -> None:
    shop = Factory("Jun", "Ana")
    first = needs(shop, "Jun", "bike", "repair")
    needs(shop, "Ana", "repair")
    gone = needs(shop, "Ana", "repair")
    shop.cut()
    begun = shop.history.cut.height
    answers(shop, "Ana", "Jun", first)
    shop.write("Ana", "intent.withdraw", {"intent": gone.id})
    shop.cut(30)
    told = book(shop)
    report = things_report(told.view, told.period())
    assert milestone(told.final, Milestone.ANSWERED, first.id) is not None
    assert (report.needs, report.unmet) == (2, 1)
    assert {row.tag: (row.needs, row.unmet) for row in report.tags} == {
        "repair": (2, 1),
        "bike": (1, 0),
    }
    assert (report.answered, report.median_minutes, report.longest_minutes) == (1, 1800, 1800)
    assert (report.deals, report.rings, report.rings_per_mille) == (1, 0, 0)
    early = things_report(told.view, told.period(None, begun))
    assert (early.needs, early.unmet, early.answered, early.deals) == (2, 2, 0, 0)


def test_a_thing_is_idle_on_the_days_without_a_booking() -> None:
    shop = Factory("Jun")
    had = {"action": "raise", "provider": shop.id("Jun"), "newInventoriedResource": {}}
    bike = shop.write(
        "Jun", "event", had | {"resourceQuantity": {"n": 1, "scale": 0, "unit": "one"}}
    )
    shop.write("Jun", "resource.terms", {"resource": bike.id, "accepts": "ask", "capacity": 1})
    shop.cut()
    shop.write("Jun", "unit.define", {"unit": "cup"})
    shop.cut(24 * 9)
    told = book(shop)
    (use,) = things_report(told.view, told.period()).lent
    assert (use.days, use.booked, use.idle, use.per_mille) == (10, 0, 10, 1000)


def test_an_empty_ledger_has_no_things() -> None:
    told = book(Factory())
    report = things_report(told.view, told.period())
    assert (report.lent, report.tags, report.median_minutes) == ((), (), None)
    assert report.rings_per_mille is None


def test_a_length_of_time_is_told_in_one_unit() -> None:
    told = [shown_minutes(minutes, ENGLISH) for minutes in (1, 119, 120, 47 * 60, 48 * 60)]
    assert told == ["1 minute", "119 minutes", "2 hours", "47 hours", "2 days"]
    assert shown_minutes(120, words_in("zh")) != "2 hours"
    assert HOUR == 60 * 60_000
