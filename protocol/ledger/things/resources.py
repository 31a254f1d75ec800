"""Resources: what there is, who owns it, and who holds it. Events change them.

A resource has two quantities: accounting is what its accountable agent has a right to, onhand is
what its custodian holds. State: B resources.
"""

from __future__ import annotations

from typing import NamedTuple

from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.ledger.things.quantities import Quantity, total

RESOURCE = Table.RESOURCE.prefix


class ResourceRow(NamedTuple):
    """A resource in the state. Both quantities are integers at `scale`, in `unit`."""

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
        """Return the row after n / 10**scale was added with these signs (-1, 0, 1) to each
        quantity.

        Refuses with NOT_ENOUGH when a quantity would become negative, and TOO_LARGE beyond 64 bits.
        """
        owned = total(Quantity(self.accounting, self.scale, self.unit), accounting * n, scale)
        held = total(Quantity(self.onhand, self.scale, self.unit), onhand * n, scale)
        if owned is None or held is None:
            return Reason.TOO_LARGE
        if owned.n < 0 or held.n < 0:
            return Reason.NOT_ENOUGH
        return self._replace(accounting=owned.n, onhand=held.n, scale=owned.scale)


def resource_row(state: State, resource: bytes) -> ResourceRow | None:
    """Return the row of a resource; None when there is no such resource."""
    value = state.get(RESOURCE + resource)
    return None if value is None else ResourceRow(*value)
