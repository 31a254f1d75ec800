"""Resources: what there is, whose it is, who has it. Kept by the effects of events.

Two quantities: accounting is what the accountable agent has a right to, on hand what the
custodian has. State: B resources.
"""

from __future__ import annotations

from typing import NamedTuple

from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.ledger.things.quantities import Quantity, total

RESOURCE = Table.RESOURCE.prefix


class ResourceRow(NamedTuple):
    """A resource in the state. Both quantities are integers at `scale`, of `unit`."""

    spec: bytes | None
    accountable: bytes
    custodian: bytes
    accounting: int
    onhand: int
    scale: int
    unit: str
    stage: bytes | None = None
    state: str | None = None
    location: str | None = None
    contained: bytes | None = None

    def changed(self, n: int, scale: int, accounting: int, onhand: int) -> ResourceRow | Reason:
        """Return the row after n / 10**scale, counted with those signs (-1, 0, 1) for each.

        Nothing is taken that is not there.
        """
        books = total(Quantity(self.accounting, self.scale, self.unit), accounting * n, scale)
        shelf = total(Quantity(self.onhand, self.scale, self.unit), onhand * n, scale)
        if books is None or shelf is None:
            return Reason.TOO_LARGE
        if books.n < 0 or shelf.n < 0:
            return Reason.NOT_ENOUGH
        return self._replace(accounting=books.n, onhand=shelf.n, scale=books.scale)


def resource_row(state: State, resource: bytes) -> ResourceRow | None:
    """Return what the state says of a resource, if anything."""
    value = state.get(RESOURCE + resource)
    return None if value is None else ResourceRow(*value)
