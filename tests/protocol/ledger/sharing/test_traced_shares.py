"""Money follows the parts of contributions that went into what earned it."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.ledger.claims import pools
from commonweal.protocol.ledger.sharing import valuation
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.records.record import Record
from tests.protocol.ledger.council import SAID
from tests.protocol.ledger.workshop import Workshop, euros, paying


class Kitchen(Workshop):
    """Jun mills 100 kg in 100 hours; Ana bakes, an hour for each bread."""

    def __init__(self, every_hours: int = 0, **bucket: Any) -> None:
        whole = {"name": "all", "share": "100%", "trace": True, **bucket, **SAID}
        super().__init__(paying(buckets=[whole], every_hours=every_hours), "Jun", "Ana")
        milling = self.write("Jun", "process", {})
        self.milled = self.work("Jun", 100, by="Mei", inputOf=milling.id)
        self.flour = self.made("Jun", milling, 100)

    def moved(self, name: str, action: str, n: int, **data: Any) -> Record:
        """Record what somebody does with something, attested by the founder."""
        quantity = {"n": n, "scale": 0, "unit": "kilogram"}
        fields = {"action": action, "provider": self.id(name), "resourceQuantity": quantity}
        event = self.write(name, "event", fields | data)
        self.attest(event, "Mei")
        return event

    def made(self, name: str, process: Record, n: int) -> Record:
        """Record what a process gave."""
        data = {"outputOf": process.id, "newInventoriedResource": {}}
        return self.moved(name, "produce", n, **data)

    def baked(self, n: int = 1, hours: int = 1) -> Record:
        """Let Ana bake a bread of `n` kilograms of the flour."""
        baking = self.write("Ana", "process", {})
        flour = {"resourceInventoriedAs": self.flour.id, "inputOf": baking.id}
        self.moved("Jun", "consume", n, **flour)
        self.work("Ana", hours, by="Mei", inputOf=baking.id)
        return self.made("Ana", baking, n)

    def lines(self) -> list[tuple[int, int, int]]:
        """Return amount, weight and sum of weights of the lines of the last seal."""
        height = self.history.cut.height
        lines = [payout.line for payout in pools.payouts(self.history.final, height)]
        return [(line.amount, line.weight, line.weights) for line in lines]


def test_one_kilogram_of_a_hundred_pays_the_miller_for_one_hour() -> None:
    kitchen = Kitchen(claim="equity")
    bread = kitchen.baked()
    kitchen.earn(10_002, earnedBy=bread.id)
    kitchen.cut()
    assert kitchen.paid() == {"Jun": 5_001, "Ana": 5_001}
    assert {line[1:] for line in kitchen.lines()} == {(1_000, 2_000)}


def test_once_is_once_for_each_part() -> None:
    kitchen = Kitchen(claim="once")
    first, second = kitchen.baked(), kitchen.baked(n=3)
    kitchen.earn(100, earnedBy=first.id)
    kitchen.cut()
    assert kitchen.paid() == {"Jun": 50, "Ana": 50}
    kitchen.earn(100, earnedBy=first.id)
    kitchen.cut()
    assert kitchen.paid() == {"Jun": 50, "Ana": 50}, "all that is in that bread was paid"
    kitchen.earn(400, earnedBy=second.id)
    kitchen.cut()
    # What nobody took before is in the pool, and is of unknown origin now.
    assert sum(kitchen.paid().values()) == 600
    kitchen.earn(100, earnedBy=second.id)
    kitchen.cut()
    assert sum(kitchen.paid().values()) == 600


def test_what_is_earned_again_pays_what_came_to_it_since() -> None:
    kitchen = Kitchen(claim="once")
    shelf = kitchen.baked()
    kitchen.earn(100, earnedBy=shelf.id)
    kitchen.cut()
    baking = kitchen.write("Ana", "process", {})
    flour = {"resourceInventoriedAs": kitchen.flour.id, "inputOf": baking.id}
    kitchen.moved("Jun", "consume", 2, **flour)
    kitchen.work("Ana", 6, by="Mei", inputOf=baking.id)
    kitchen.moved("Ana", "produce", 2, resourceInventoriedAs=shelf.id, outputOf=baking.id)
    kitchen.earn(800, earnedBy=shelf.id)
    kitchen.cut()
    assert kitchen.paid() == {"Jun": 50 + 200, "Ana": 50 + 600}


def test_a_debt_is_owed_for_the_part_that_was_used() -> None:
    kitchen = Kitchen(claim="debt", points_in="thousandths")
    bread = kitchen.baked(n=10)
    kitchen.earn(100_000, earnedBy=bread.id)
    kitchen.cut()
    assert kitchen.paid() == {"Jun": 1_000, "Ana": 100}


def test_a_part_has_its_turn_again_when_what_it_took_part_in_is_undone() -> None:
    kitchen = Kitchen(claim="once")
    bread = kitchen.baked()
    came = kitchen.earn(100, earnedBy=bread.id)
    kitchen.cut()
    parts = Table.PART.prefix
    assert len(list(kitchen.history.final.items(parts))) == 2
    data = {"action": "transfer", "corrects": came.id, "resourceQuantity": euros(-100)}
    kitchen.write("Mei", "event", data)
    kitchen.write("Jun", "attest", {"event": came.id, "say": "yes", "corrections": 1})
    kitchen.cut()
    assert not list(kitchen.history.final.items(parts))
    kitchen.earn(300, earnedBy=bread.id)
    kitchen.cut()
    assert kitchen.paid() == {"Jun": 150, "Ana": 150}


def monthly(hours: int = 48) -> Kitchen:
    """Return a kitchen whose pool was split, and is due again after so many hours."""
    kitchen = Kitchen(claim="equity", every_hours=hours)
    kitchen.earn(2)
    kitchen.cut()
    return kitchen


def test_an_income_of_a_pool_that_is_not_due_keeps_what_earned_it() -> None:
    kitchen = monthly()
    before = kitchen.paid()
    bread = kitchen.baked()
    kitchen.earn(1_000, earnedBy=bread.id)
    kitchen.cut()
    kitchen.earn(500, earnedBy=kitchen.milled.id)
    kitchen.cut()
    assert kitchen.paid() == before
    kitchen.cut(48)
    paid = kitchen.paid()
    assert (paid["Jun"] - before["Jun"], paid["Ana"] - before.get("Ana", 0)) == (1_000, 500)
    assert not list(kitchen.history.final.items(Table.WAITING.prefix))


def corrected(kitchen: Kitchen, came: Record, more: int, times: int = 1) -> None:
    """Correct an income, and attest it."""
    data = {"action": "transfer", "corrects": came.id, "resourceQuantity": euros(more)}
    kitchen.write("Mei", "event", data)
    kitchen.write("Jun", "attest", {"event": came.id, "say": "yes", "corrections": times})


def test_an_income_that_waits_is_corrected_before_and_after_it_is_split() -> None:
    kitchen = monthly()
    bread = kitchen.baked()
    before = kitchen.paid()
    came = kitchen.earn(1_000, earnedBy=bread.id)
    other = kitchen.earn(300, earnedBy=kitchen.milled.id)
    kitchen.cut()
    corrected(kitchen, came, -400)
    kitchen.cut()
    kitchen.cut(48)
    assert kitchen.paid()["Ana"] - before.get("Ana", 0) == 300
    assert kitchen.paid()["Jun"] - before["Jun"] == 300 + 300
    corrected(kitchen, came, -200, 2)
    corrected(kitchen, other, -300)
    kitchen.cut()
    lines = [payout.line for payout in pools.payouts(kitchen.history.final)]
    back: dict[bytes, int] = {}
    for line in lines:
        if line.sort == "correction":
            back[line.member] = back.get(line.member, 0) + line.amount
    assert back == {kitchen.id("Jun"): -100 - 300, kitchen.id("Ana"): -100}


def test_incomes_that_wait_and_have_too_much_behind_them_wait_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kitchen = monthly()
    before = sum(kitchen.paid().values())
    for _ in range(6):
        kitchen.earn(100, earnedBy=kitchen.milled.id)
    kitchen.cut()
    monkeypatch.setattr(valuation, "STEPS_PER_CUT_MAX", 4)
    kitchen.cut(48)
    assert sum(kitchen.paid().values()) - before == 400
    kitchen.cut(48)
    assert sum(kitchen.paid().values()) - before == 600


def test_five_contributors_and_half_a_consumable() -> None:
    values = {
        "work": {"points": "event.effort / 1000", **SAID},
        "use": {"points": "event.effort / 1000", **SAID},
        "produce": {"points": "event.unit == 'EUR' ? event.quantity / 1000 : 0", **SAID},
        "raise": {"points": "event.unit == 'kilogram' ? event.quantity / 100 : 0", **SAID},
    }
    bucket = {"name": "all", "share": "100%", "trace": True, "claim": "equity", **SAID}
    rules_of = paying(buckets=[bucket])
    rules_of["value"] = values
    shop = Workshop(rules_of, "Worker", "Giver", "Tool", "Fund", "Expense")
    child, parent = (shop.write("Worker", "process", {}) for _ in range(2))

    def event(name: str, action: str, **data: Any) -> Record:
        fields = {"action": action, "provider": shop.id(name)} | data
        done = shop.write(name, "event", fields)
        shop.attest(done, "Mei")
        return done

    def much(n: int, unit: str) -> dict[str, Any]:
        return {"n": n, "scale": 0, "unit": unit}

    new: dict[str, Any] = {"newInventoriedResource": {}}
    powder = event("Giver", "raise", resourceQuantity=much(10, "kilogram"), **new)
    of = {"resourceInventoriedAs": powder.id, "inputOf": child.id}
    event("Giver", "consume", resourceQuantity=much(5, "kilogram"), **of)
    shop.work("Worker", 25, by="Mei", inputOf=child.id)
    part = event("Worker", "produce", resourceQuantity=much(1, "one"), outputOf=child.id, **new)
    taken = {"resourceInventoriedAs": part.id, "inputOf": parent.id}
    event("Worker", "consume", resourceQuantity=much(1, "one"), **taken)
    shop.work("Worker", 50, by="Mei", inputOf=parent.id)
    for name, n in (("Giver", 10), ("Tool", 30), ("Fund", 20), ("Expense", 10)):
        event(name, "use", effortQuantity=much(n, "hour"), inputOf=parent.id)
    sold = event("Worker", "produce", resourceQuantity=much(1, "one"), outputOf=parent.id, **new)
    shop.earn(10_000, by="Worker", earnedBy=sold.id)
    shop.cut()
    points = {"Worker": 75, "Giver": 50 + 10, "Tool": 30, "Fund": 20, "Expense": 10}
    assert sum(points.values()) == 195
    assert shop.paid() == {
        "Worker": 3_846,
        "Giver": 3_077,
        "Tool": 1_538,
        "Fund": 1_026,
        "Expense": 513,
    }
    lines = [payout.line for payout in pools.payouts(shop.history.final)]
    assert {(line.weight, line.weights) for line in lines} == {(n, 195) for n in points.values()}
