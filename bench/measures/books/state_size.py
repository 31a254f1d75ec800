"""What a sealed contribution adds to the state, beside its records: bytes and leaves."""

from __future__ import annotations

from typing import NamedTuple

from bench.figures import Figure
from commonweal.protocol.ledger.checkpoint.roots import leaf
from commonweal.protocol.records.record import Record
from tests.protocol.ledger.workshop import Workshop, hours, paying

FEW, MANY = 1_000, 20_000
VOID_EACH = 10
"""Each tenth record of the third community counts for nothing."""


class _Size(NamedTuple):
    """For each contribution: bytes of keys and values of the state, leaves, bytes of records."""

    state: float
    leaves: float
    records: float


def figures() -> list[Figure]:
    """Return how large the state of contributions is that wait for a value, and that were paid."""
    few, many = _waiting(FEW), _waiting(MANY)
    void, paid = _waiting(MANY, VOID_EACH), _paid(FEW)
    beside = "its record"
    return [
        Figure(
            "state of a contribution that waits",
            *(many.state, "bytes", beside, many.records, many.state / many.records),
        ),
        Figure(
            f"state of a contribution that waits, {MANY:,}",
            *(many.state, "bytes", f"of {FEW:,}", few.state, many.state / few.state),
            must=1.05,
            low=True,
        ),
        Figure(
            "leaves of a contribution that waits",
            *(many.leaves, "leaves", "", 1, many.leaves),
            must=1.05,
            low=True,
        ),
        Figure(
            f"the same, each {VOID_EACH}th refused",
            *(void.state, "bytes", "none refused", many.state, void.state / many.state),
            must=1.05,
            low=True,
        ),
        Figure(
            "state of a contribution that was attested and paid",
            *(paid.state, "bytes", "its records", paid.records, paid.state / paid.records),
        ),
    ]


def _waiting(count: int, void_each: int = 0) -> _Size:
    shop = Workshop(paying(), "Jun")
    shop.cut()
    before = _bytes(shop)
    records = _work(shop, count, void_each)
    shop.cut()
    return _size(before, _bytes(shop), records, count)


def _paid(count: int) -> _Size:
    shop = Workshop(paying(), "Jun")
    shop.cut()
    before = _bytes(shop)
    records = _work(shop, count)
    records += [
        shop.pens["Mei"].write("attest", {"event": event.id, "say": "yes"}, [event], None, 1)
        for event in list(records)
    ]
    shop.cut()
    shop.earn(100 * count)
    shop.cut()
    return _size(before, _bytes(shop), records, count)


def _work(shop: Workshop, count: int, void_each: int = 0) -> list[Record]:
    """Let a member record work; each `void_each`-th names an agent that nobody knows."""
    written = []
    for number in range(count):
        is_void = bool(void_each) and number % void_each == 0
        data = {
            "action": "work",
            "provider": b"\x09" * 32 if is_void else shop.id("Jun"),
            "effortQuantity": hours(1 + number % 8),
        }
        written.append(shop.pens["Jun"].write("event", data, [], None, 1_700_000_000_000 + number))
    return written


def _bytes(shop: Workshop) -> tuple[int, int]:
    """Return bytes and leaves of the final state."""
    sizes = [len(key) + len(leaf(value)) for key, value in shop.history.final.changes()]
    return sum(sizes), len(sizes)


def _size(
    before: tuple[int, int], after: tuple[int, int], records: list[Record], count: int
) -> _Size:
    return _Size(
        (after[0] - before[0]) / count,
        (after[1] - before[1]) / count,
        sum(len(record.wire) for record in records) / count,
    )
