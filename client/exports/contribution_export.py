"""Export: all contributions, one after another, for a spreadsheet or a program.

However many there are, few are in memory at a time. The text of an erased record is not in it.
The order is that of `contributions`, the last to happen first. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from commonweal.client.access import HomeAccess
from commonweal.client.home.old_records import check_whole
from commonweal.client.language.quantity import exact
from commonweal.client.ledger.words.texts import text_in
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.things.quantities import Quantity
from commonweal.protocol.records.record import CommunityId, RecordId
from commonweal.storage.ledger.contributions.points_in_time import PointInTime

if TYPE_CHECKING:  # loads the fold
    from commonweal.client.ledger.ledger_view import LedgerView
    from commonweal.storage.ledger.contributions.contribution_list import ContributionRow


@dataclass(frozen=True, slots=True)
class ExportedContribution:
    """A contribution in full. why: it counts for nothing because of this; None where it counts.

    corrected_to: the quantity, or else the effort, that counts where it was corrected.

    device, seq, when, claimed_at_ms: None while the record is not here. when: it happened, as its
    author states; else it was recorded. member, receiver: ids of agents.
    """

    id: RecordId
    device: DeviceKey | None
    seq: int | None
    member: bytes
    member_name: str
    action: str
    quantity: Decimal | None
    unit: str | None
    effort: Decimal | None
    effort_unit: str | None
    receiver: bytes | None
    receiver_name: str | None
    scope: str | None
    note: str | None
    when: PointInTime | None
    claimed_at_ms: int | None
    why: Reason | None
    corrected_to: Decimal | None


@dataclass(frozen=True, slots=True)
class ContributionExport:
    """All contributions of a community, read as they are asked for. total: how many there are."""

    community: CommunityId
    total: int
    rows: Generator[ExportedContribution, None, None]


class ContributionExports(HomeAccess):
    """All contributions, with their notes."""

    def export(self) -> ContributionExport:
        """Return all contributions; close `rows` where they are not read to the end.

        Neither write nor `refresh` before that. Raises LightHome.
        """
        check_whole(self.home, self.words)
        from commonweal.storage.ledger.contributions.contribution_list import count

        view = self.view
        return ContributionExport(view.community, count(view.kept), rows(view))


def rows(view: LedgerView) -> Generator[ExportedContribution, None, None]:
    """Yield every contribution of a ledger."""
    from commonweal.storage.ledger.contributions.contribution_list import contributions

    for contribution in contributions(view.kept):
        yield exported(contribution, view)


def exported(row: ContributionRow, view: LedgerView) -> ExportedContribution:
    """Return a row of the list in full, with names and its note."""
    return ExportedContribution(
        id=row.id,
        device=row.author,
        seq=row.seq,
        member=row.provider,
        member_name=view.name(row.provider),
        action=row.action,
        quantity=_number(row.resource),
        unit=row.resource and row.resource.unit,
        effort=_number(row.effort),
        effort_unit=row.effort and row.effort.unit,
        receiver=row.receiver,
        receiver_name=None if row.receiver is None else view.name(row.receiver),
        scope=row.scope,
        note=text_in(view.store, row.body),
        when=row.when,
        claimed_at_ms=row.claimed_at_ms,
        why=row.reason,
        corrected_to=row.corrected and _number(row.corrected[0] or row.corrected[1]),
    )


def _number(quantity: Quantity | None) -> Decimal | None:
    return None if quantity is None else exact(quantity.n, quantity.scale)
