"""Promises of a period: counted by the database as `reliability` counts them one by one."""

from __future__ import annotations

from typing import Any

from commonweal.client.exchange.reliability import kept_promises
from commonweal.client.reports.kept import kept_report
from tests.client.reports.books import Book, Factory, book
from tests.protocol.ledger.workshop import hours


def promised(shop: Factory, name: str, due: int | None, *, kept: bool) -> None:
    """Let somebody promise the community two hours of work, and keep it or not."""
    data: dict[str, Any] = {
        "action": "work",
        "provider": shop.id(name),
        "receiver": shop.community,
        "effortQuantity": hours(2),
    }
    if due is not None:
        data["due"] = due
    promise = shop.write(name, "commitment", data)
    if kept:
        shop.work(name, 2, "Mei", fulfills=promise.id, receiver=shop.community)


def counts(
    told: Book, first: int | None = None, last: int | None = None
) -> dict[str, tuple[int, int]]:
    report = kept_report(told.view, told.period(first, last))
    assert report.promised == sum(row.promised for row in report.members)
    return {row.member_name: (row.promised, row.kept) for row in report.members}


def test_a_promise_is_kept_or_late_and_the_client_counts_the_same() -> None:
    shop = Factory("Jun", "Ana")
    promised(shop, "Jun", shop.now_ms + 1, kept=True)
    promised(shop, "Jun", shop.now_ms + 2, kept=False)
    promised(shop, "Jun", shop.now_ms + 10**10, kept=False)
    promised(shop, "Ana", None, kept=True)
    promised(shop, "Ana", None, kept=False)
    shop.cut()
    told = book(shop)
    assert counts(told) == {"Jun": (2, 1), "Ana": (1, 1)}
    judged = kept_promises(told.final, told.kept.cut.time_ms, told.kept.ruleset.withheld)
    assert {told.name(id): (row.promised, row.kept) for id, row in judged.items()} == counts(told)
    (jun, ana) = kept_report(told.view, told.period()).members
    assert (jun.per_mille, ana.per_mille, jun.is_member) == (500, 1000, True)


def test_what_is_not_sealed_changes_no_count() -> None:
    shop = Factory("Jun")
    promised(shop, "Jun", shop.now_ms + 1, kept=False)
    shop.cut()
    before = counts(book(shop))
    (id,) = (one.id for one in shop.records if one.kind == "commitment")
    shop.work("Jun", 2, "Mei", fulfills=id, receiver=shop.community)
    assert counts(book(shop)) == before == {"Jun": (1, 0)}
    shop.cut()
    assert counts(book(shop)) == {"Jun": (1, 1)}


def test_a_period_has_the_promises_that_were_due_in_it() -> None:
    shop = Factory("Jun", "Ana")
    promised(shop, "Jun", shop.now_ms + 1, kept=True)
    shop.cut()
    promised(shop, "Ana", shop.now_ms + 1, kept=False)
    promised(shop, "Ana", None, kept=True)
    shop.cut()
    told = book(shop)
    assert counts(told, 2, 2) == {"Ana": (1, 0)}
    assert counts(told) == {"Jun": (1, 1), "Ana": (2, 1)}


def test_without_a_promise_there_is_nothing() -> None:
    told = book(Factory())
    report = kept_report(told.view, told.period())
    assert (report.members, report.per_mille) == ((), None)
