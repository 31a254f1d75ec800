"""Amounts at the limit of 64 bits: what has no room waits, and every height can be sealed.

The second reader, written from docs/protocol alone, comes to the same roots.
"""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.codec import INT_MAX
from commonweal.protocol.ledger.claims.pools import TAKEN, income_row
from commonweal.protocol.ledger.things.event_row import event_row
from commonweal.protocol.records.record import Record
from tests.protocol.ledger.council import SAID
from tests.protocol.ledger.treasury import Treasury
from tests.protocol.ledger.ventures.projects.test_dissolution import a_press
from tests.protocol.ledger.ventures.projects.test_second_reader import reads_alike
from tests.protocol.ledger.workshop import CUSTOMER, Workshop, paying

HALF = 5 * 10**16
"""A little more, in EUR, than half of what 64 bits hold in cents."""

MOST = INT_MAX // 100
"""The most whole EUR that 64 bits hold in cents."""


def whole(n: int) -> dict[str, Any]:
    """Return an amount of whole EUR, which the pool counts in cents."""
    return {"n": n, "scale": 0, "unit": "EUR"}


def moved(shop: Workshop, n: int, *, out: bool = False) -> Record:
    """Let whole EUR come to the project press, or leave it."""
    data: dict[str, Any] = {"action": "transfer", "inScopeOf": "press"}
    data |= {"provider": CUSTOMER, "receiver": shop.community, "newInventoriedResource": {}}
    if out:
        data |= {"provider": shop.community, "receiver": CUSTOMER}
        del data["newInventoriedResource"]
    event = shop.write("Mei", "event", data | {"resourceQuantity": whole(n)})
    shop.attest(event, "Jun")
    return event


def corrected(shop: Workshop, event: Record, more: int, number: int = 1) -> None:
    """Say that so many whole EUR more came or left, and let that be attested and sealed."""
    data = {"action": "transfer", "corrects": event.id, "resourceQuantity": whole(more)}
    written = shop.write("Mei", "event", data)
    said = {"event": event.id, "say": "yes", "corrections": number}
    shop.write("Jun", "attest", said)
    shop.cut()
    assert shop.history.verdict(written.id) is None


def counts(shop: Workshop, event: Record) -> tuple[int, bool]:
    """Return what an income counts, in cents, and whether it waits to count again."""
    row, income = event_row(shop.history.final, event.id), income_row(shop.history.final, event.id)
    assert row is not None and income is not None
    return income.amount, row.pending is not None


def test_an_income_that_was_split_is_corrected_to_what_64_bits_hold_and_not_beyond() -> None:
    shop = Treasury(paying(), "Jun", "Ana")
    shop.work("Jun", 3, by="Ana")
    came = shop.earn(0, resourceQuantity=whole(HALF))
    shop.cut()
    assert shop.paid() == {"Jun": HALF * 100}
    corrected(shop, came, HALF)
    assert counts(shop, came) == (HALF * 100, True)
    corrected(shop, came, MOST + 1 - 2 * HALF, 2)
    assert counts(shop, came) == (HALF * 100, True), "one EUR too much"
    corrected(shop, came, -1, 3)
    assert counts(shop, came) == (MOST * 100, False)
    assert shop.paid() == {"Jun": MOST * 100}
    shop.earn(0, resourceQuantity=whole(MOST + 1))
    shop.cut()
    corrected(shop, came, -MOST, 4)
    assert shop.paid() == {"Jun": 0}
    reads_alike(shop)


@pytest.mark.parametrize("out", [False, True], ids=["came", "left"])
def test_what_came_to_a_project_or_left_it_is_corrected_within_64_bits(out: bool) -> None:
    shop = a_press()
    moved(shop, HALF, out=True)
    event = moved(shop, 1, out=out)
    shop.cut()
    sign = -1 if out else 1
    assert shop.held() == (sign - HALF) * 100
    corrected(shop, event, MOST)
    assert counts(shop, event) == (sign * 100, True), "one EUR too much"
    assert shop.held() == (sign - HALF) * 100
    corrected(shop, event, -1, 2)
    assert counts(shop, event) == (sign * MOST * 100, False)
    assert shop.held() == max(-(2**63), (sign * MOST - HALF) * 100)
    reads_alike(shop)


@pytest.mark.parametrize("points_in", ["whole", "thousandths"])
def test_no_debt_is_larger_than_64_bits_hold(points_in: str) -> None:
    points = INT_MAX if points_in == "whole" else INT_MAX // 10 * 10
    debts = {"name": "work", "share": "100%", "claim": "debt", "points_in": points_in}
    rules = paying("event.effort / 1000", buckets=[debts | SAID], scale=4)
    shop = Treasury(rules, "Jun", "Ana")
    work = shop.work("Jun", points, by="Ana")
    for _ in range(3):
        shop.earn(0, resourceQuantity={"n": 9 * 10**14, "scale": 0, "unit": "EUR"})
        shop.cut()
    taken = dict(shop.history.final.items(TAKEN))
    assert [value[0] for key, value in taken.items() if key.endswith(work.id)] == [INT_MAX]
    assert shop.paid() == {"Jun": INT_MAX}
    reads_alike(shop)
