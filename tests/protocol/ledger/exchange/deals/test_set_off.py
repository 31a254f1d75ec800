"""Set-off: what members owe each other in a ring is reduced once all of them say yes.

The numbers of the ring of three are an example of multilateral set-off (MTCS): 10, 8 and 5 become
5, 3 and 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from commonweal.protocol.ledger.exchange.deals.set_off import PARTS_MAX
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import Record
from tests.protocol.ledger.exchange.trading import Trading, amount
from tests.protocol.ledger.scenes import quantity


class Debts(Trading):
    """Mei, Jun, Ana and Bo, who owe each other euros."""

    def owes(self, debtor: str, creditor: str, n: int, scale: int = 0, **over: Any) -> Record:
        """Let two members agree that one is to pay the other; return the promise."""
        promise = self.clause(debtor, 0, debtor, creditor, **amount(n, "EUR", scale), **over)
        self.answer(creditor, self.proposes(debtor, promise))
        return promise

    def sets_off(self, by: str, *parts: tuple[Record, int], **over: Any) -> Record:
        """Let a member propose to set off so many euros of each promise."""
        pairs = sorted([promise.id, quantity(n, "EUR")] for promise, n in parts)
        return self.write(by, "agreement", {"setsOff": pairs} | over)

    def pays(self, by: str, promise: Record, n: int) -> Record:
        """Let a member pay so many euros of a promise."""
        sides = {key: promise.data[key] for key in ("provider", "receiver")}
        data = {"action": "transfer", "fulfills": promise.id} | sides | amount(n, "EUR")
        return self.write(by, "event", data)

    def open(self, *promises: Record) -> list[int]:
        """Return how much of promises is open."""
        return [self.commitment(promise).open.n for promise in promises]


def ring() -> tuple[Debts, list[Record]]:
    """Return three members who owe 10, 8 and 5 in a ring."""
    debts = Debts()
    debts.learn()
    owed = [("Mei", "Jun", 10), ("Jun", "Ana", 8), ("Ana", "Mei", 5)]
    return debts, [debts.owes(*one) for one in owed]


def test_a_ring_is_set_off_with_the_last_yes() -> None:
    debts, promises = ring()
    deal = debts.sets_off("Mei", *((promise, 5) for promise in promises))
    debts.answer("Jun", deal)
    assert (debts.standing(deal), debts.open(*promises)) == (("asked", None), [10, 8, 5])
    debts.answer("Ana", deal)
    assert (debts.standing(deal), debts.open(*promises)) == (("agreed", None), [5, 3, 0])
    assert {*debts.deal(deal).parties} == {debts.id(name) for name in ("Mei", "Jun", "Ana")}


def test_what_is_set_off_needs_everybody() -> None:
    debts, promises = ring()
    deal = debts.sets_off("Mei", *((promise, 5) for promise in promises))
    assert debts.verdict(debts.answer("Bo", deal)) is Reason.NOT_YOURS
    debts.answer("Jun", deal)
    debts.answer("Ana", deal, "no")
    assert debts.standing(deal) == ("declined", debts.id("Ana"))
    assert debts.open(*promises) == [10, 8, 5]
    assert debts.verdict(debts.sets_off("Bo", *((one, 5) for one in promises))) is Reason.NOT_YOURS


def test_what_was_paid_before_the_last_yes_makes_a_set_off_void() -> None:
    debts, promises = ring()
    deal = debts.sets_off("Mei", *((promise, 5) for promise in promises))
    debts.answer("Jun", deal)
    paid = debts.pays("Ana", promises[2], 1)
    assert debts.verdict(paid) is None
    debts.answer("Ana", deal)
    first = min(promise.id for promise in promises)
    assert (debts.standing(deal), debts.open(*promises)) == (("void", first), [10, 8, 4])


def test_of_two_set_offs_of_one_debt_the_first_to_be_agreed_holds() -> None:
    debts, promises = ring()
    deals = [debts.sets_off("Mei", *((promise, 4) for promise in promises)) for _ in "ab"]
    for name in ("Jun", "Ana"):
        for deal in deals:
            debts.answer(name, deal)
    assert [debts.standing(deal)[0] for deal in deals] == ["agreed", "void"]
    assert debts.open(*promises) == [6, 4, 1]


def test_what_is_paid_beside_a_set_off_is_counted_in_the_promise() -> None:
    debts, promises = ring()
    deal = debts.sets_off("Mei", *((promise, 5) for promise in promises))
    for name in ("Jun", "Ana"):
        debts.answer(name, deal)
    debts.pays("Mei", promises[0], 5)
    assert debts.open(*promises) == [0, 3, 0]
    debts.ends("Mei", deal)
    debts.ends("Jun", deal)
    debts.ends("Ana", deal)
    assert (debts.standing(deal)[0], debts.open(*promises)) == ("ended", [0, 3, 0])


def test_parts_of_several_debts_of_a_pair_and_other_scales_are_balanced() -> None:
    debts = Debts()
    debts.learn()
    first, second = debts.owes("Mei", "Jun", 250, 2), debts.owes("Mei", "Jun", 1)
    back = debts.owes("Jun", "Mei", 9)
    pairs = sorted(
        [
            [first.id, quantity(150, "EUR", 2)],
            [second.id, quantity(5, "EUR", 1)],
            [back.id, quantity(2, "EUR")],
        ]
    )
    deal = debts.write("Mei", "agreement", {"setsOff": pairs})
    debts.answer("Jun", deal)
    assert debts.standing(deal) == ("agreed", None)
    rows = [debts.commitment(promise).open for promise in (first, second, back)]
    assert [(row.n, row.scale) for row in rows] == [(100, 2), (5, 1), (7, 0)]


def bad(debts: Debts, promises: Sequence[Record]) -> dict[str, tuple[Any, Reason]]:
    """Return what cannot be set off, by what is wrong with it."""
    mei_jun, jun_ana, _ = promises
    whole = sorted([one.id, quantity(5, "EUR")] for one in promises)
    asked = debts.clause("Mei", 0, "Mei", "Jun", **amount(5, "EUR"))
    work = debts.agreed(5, "Mei", "Jun")
    other = debts.owes("Jun", "Mei", 3)
    coin = debts.write("Mei", "spec.resource", {"name": "coin", "unit": "EUR"})
    special = debts.owes("Mei", "Jun", 3, resourceConformsTo=coin.id)
    said = debts.write("Mei", "commitment", debts.flow(0, "Mei", b"s" * 16, **amount(5, "EUR")))

    def pair(one: Record, n: int = 3) -> list[Any]:
        return sorted([[one.id, quantity(n, "EUR")], [other.id, quantity(n, "EUR")]])

    return {
        "no list": ({}, Reason.SHAPE),
        "one part": (whole[:1], Reason.SHAPE),
        "too many": (whole * 11, Reason.SHAPE),
        "descending": (whole[::-1], Reason.SHAPE),
        "twice": ([whole[0], *whole], Reason.SHAPE),
        "no pair": ([[*whole[0], 1], *whole[1:]], Reason.SHAPE),
        "no id": ([[b"x", quantity(5, "EUR")], *whole], Reason.SHAPE),
        "no quantity": ([[whole[0][0], 5], *whole[1:]], Reason.SHAPE),
        "nothing": ([[id, quantity(0, "EUR")] for id, _ in whole], Reason.SHAPE),
        "less": ([[id, quantity(-5, "EUR")] for id, _ in whole], Reason.SHAPE),
        "unknown": ([[bytes(32), quantity(5, "EUR")], *whole], Reason.UNKNOWN_PLAN),
        "not agreed": (pair(asked), Reason.NOT_AGREED),
        "with somebody outside": (pair(said), Reason.NOT_AGREED),
        "work": (pair(work), Reason.DOES_NOT_FIT),
        "of a kind": (pair(special), Reason.DOES_NOT_FIT),
        "another unit": ([[id, quantity(5, "USD")] for id, _ in whole], Reason.DOES_NOT_FIT),
        "more than is owed": ([[id, quantity(6, "EUR")] for id, _ in whole], Reason.NOT_OWED),
        "one gains": (_uneven(mei_jun, other), Reason.UNBALANCED),
        "no ring": (
            sorted([[mei_jun.id, quantity(5, "EUR")], [jun_ana.id, quantity(5, "EUR")]]),
            Reason.UNBALANCED,
        ),
    }


def _uneven(one: Record, other: Record) -> list[Any]:
    return sorted([[one.id, quantity(3, "EUR")], [other.id, quantity(2, "EUR")]])


def test_what_is_not_owed_or_does_not_go_round_is_refused() -> None:
    debts, promises = ring()
    assert PARTS_MAX == 32
    for name, (parts, reason) in bad(debts, promises).items():
        deal = debts.write("Mei", "agreement", {"setsOff": parts})
        assert debts.verdict(deal) is reason, name
    assert debts.open(*promises) == [10, 8, 5]


def test_as_many_parts_as_there_may_be_are_set_off() -> None:
    debts = Debts()
    debts.learn()
    ours = [debts.owes("Mei", "Jun", 1) for _ in range(PARTS_MAX // 2)]
    theirs = [debts.owes("Jun", "Mei", 1) for _ in range(PARTS_MAX // 2)]
    deal = debts.sets_off("Mei", *((one, 1) for one in (*ours, *theirs)))
    debts.answer("Jun", deal)
    assert debts.standing(deal) == ("agreed", None)
    assert debts.open(*ours, *theirs) == [0] * PARTS_MAX
