"""A bakery in the village: three members, things with units, and short ways to write events."""

from __future__ import annotations

from typing import Any

from commonweal.protocol.ledger.state.context import Verdict
from commonweal.protocol.ledger.things.event_row import EventRow, event_row
from commonweal.protocol.ledger.things.resources import ResourceRow, resource_row
from commonweal.protocol.records.record import Record
from tests.protocol.ledger.scenes import quantity
from tests.protocol.ledger.village import Pen, Village


class Bakery(Village):
    """Mei, Jun and Lin; loaves, coins and books."""

    def __init__(self) -> None:
        super().__init__()
        self.jun, self.lin = self.join("Jun"), self.join("Lin")
        self.units = [self.mei.write("unit.define", {"unit": name}) for name in ("loaf", "coin")]
        self.bread = self.mei.write("spec.resource", {"name": "bread", "unit": "loaf"})
        self.coin = self.mei.write("spec.resource", {"name": "coin", "unit": "coin"})
        self.book = self.mei.write("spec.resource", {"name": "book", "unit": "one"})

    def event(self, pen: Pen, action: str, data: dict[str, Any], *deps: Record) -> Record:
        """Write an event whose provider, unless said otherwise, is its author."""
        whole = {"action": action, "provider": pen.owner.id} | data
        return pen.write("event", whole, [self.book, *deps])

    def make(self, pen: Pen, spec: Record, n: int) -> Record:
        """Let the author raise n of something as a new resource of theirs."""
        data = {"resourceConformsTo": spec.id, "newInventoriedResource": {}}
        return self.event(pen, "raise", data | amount(n, spec.data["unit"]), spec)

    def verdict(self, record: Record) -> Verdict:
        """Return what a ledger of everything written says of a record."""
        return self.ledger().verdict(record.id)

    def row(self, record: Record) -> EventRow:
        """Return an event that counts."""
        assert self.verdict(record) is None, self.verdict(record)
        row = event_row(self.ledger().state, record.id)
        assert row is not None
        return row

    def resource(self, record: Record) -> ResourceRow:
        """Return the resource that an event began."""
        row = resource_row(self.ledger().state, record.id)
        assert row is not None
        return row

    def balance(self, record: Record) -> tuple[int, int]:
        """Return accounting and on-hand quantity of the resource that an event began."""
        row = self.resource(record)
        return row.accounting, row.onhand


def amount(n: int, unit: str = "loaf", scale: int = 0) -> dict[str, Any]:
    """Return the resource quantity of an event."""
    return {"resourceQuantity": quantity(n, unit, scale)}


def effort(n: int, unit: str = "hour", scale: int = 0) -> dict[str, Any]:
    """Return the effort quantity of an event."""
    return {"effortQuantity": quantity(n, unit, scale)}


def between(source: Record, target: Record | None, receiver: Pen) -> dict[str, Any]:
    """Return the sides of a transfer; without a target it begins a resource."""
    sides: dict[str, Any] = {"resourceInventoriedAs": source.id, "receiver": receiver.owner.id}
    if target is None:
        return sides | {"newInventoriedResource": {}}
    return sides | {"toResourceInventoriedAs": target.id}
