"""Custody: things that are with another than their owner, lent and given back."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from commonweal.client.access import HomeAccess, prefix, wish_of
from commonweal.client.language.quantity import read_quantity
from commonweal.client.ledger.names.named import find_agent, find_resource
from commonweal.client.ledger.words.notes import note_body
from commonweal.protocol.errors import UsageError, WouldNotCount
from commonweal.protocol.ledger.contributions import commons
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.things.event_row import event_row
from commonweal.protocol.ledger.things.resources import RESOURCE, ResourceRow
from commonweal.protocol.records.record import RecordId


@dataclass(frozen=True, slots=True)
class CustodyTransfer:
    """A thing that was handed over. resource: as its receiver has it. receiver: an agent.

    waits: it moves only once others attest it, since it is the community's.
    """

    id: RecordId
    seq: int
    resource: RecordId
    receiver: bytes
    waits: bool


class Custody(HomeAccess):
    """Things that are with another than their owner."""

    def lend(
        self,
        resource: str | bytes,
        receiver: str,
        quantity: tuple[str | int | Decimal, str] | None = None,
        *,
        note: str | None = None,
    ) -> CustodyTransfer:
        """Hand a thing over to somebody who does not become its owner; quantity: all of it.

        Raises UnknownId, AmbiguousId, WouldNotCount.
        """
        view = self.view
        source = find_resource(view, prefix(resource), self._is_here)
        row = ResourceRow(*view.state.get(RESOURCE + source))
        data = self._handed(source, row, quantity)
        data |= {"receiver": find_agent(view, receiver), "newInventoriedResource": {}}
        return self._write_custody(data, None, note)

    def give_back(
        self,
        resource: str | bytes,
        quantity: tuple[str | int | Decimal, str] | None = None,
        *,
        note: str | None = None,
    ) -> CustodyTransfer:
        """Hand a thing that was lent back to who lent it; quantity: all of it.

        Its borrower or its owner says so. Raises UnknownId, AmbiguousId, UsageError, WouldNotCount.
        """
        view = self.view
        source = find_resource(view, prefix(resource), _is_lent, self._is_here)
        row = ResourceRow(*view.state.get(RESOURCE + source))
        begun = event_row(view.state, source)
        if row.custodian == row.accountable or begun is None or begun.source is None:
            raise UsageError(self.words("{id} was not lent").format(id=source.hex()[:8]))
        target = RecordId(begun.source)
        lender = ResourceRow(*view.state.get(RESOURCE + target)).custodian
        data = self._handed(source, row, quantity)
        data |= {"receiver": lender, "toResourceInventoriedAs": bytes(target)}
        return self._write_custody(data, target, note)

    def _is_here(self, row: ResourceRow) -> bool:
        return row.custodian == self.view.me

    def _handed(
        self,
        source: RecordId,
        row: ResourceRow,
        quantity: tuple[str | int | Decimal, str] | None,
    ) -> dict[str, Any]:
        """Return what both ways of handing over say."""
        amount: dict[str, Any] = {"n": row.onhand, "scale": row.scale, "unit": row.unit}
        if quantity is not None:
            amount = read_quantity(str(quantity[0]), quantity[1], self.words)
        if amount["n"] <= 0:
            raise WouldNotCount(self.words(Reason.NOT_ENOUGH.value))
        return {
            "action": "transferCustody",
            "provider": row.custodian,
            "resourceInventoriedAs": bytes(source),
            "resourceQuantity": amount,
        }

    def _write_custody(
        self, data: dict[str, Any], target: RecordId | None, note: str | None
    ) -> CustodyTransfer:
        drafts = self.view.drafts()
        drafted = drafts.add(wish_of("event", data, (), note_body(note, words=self.words)))
        waits = not commons.is_moved(drafts.state, drafted)
        (written,) = self._write_drafts(drafts)
        resource = written.id if target is None else target
        return CustodyTransfer(written.id, written.seq, resource, data["receiver"], waits)


def _is_lent(row: ResourceRow) -> bool:
    return row.custodian != row.accountable
