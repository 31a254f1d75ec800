"""Rows of the list of contributions, and the places in it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from commonweal.client.language.plain import plain
from commonweal.client.language.quantity import exact
from commonweal.client.language.words import Words
from commonweal.client.ledger.words.texts import text_in
from commonweal.protocol.codec import INT_MAX
from commonweal.protocol.errors import UsageError
from commonweal.protocol.records.record import RecordId
from commonweal.storage.ledger.contributions.contribution_list import ListPlace
from commonweal.storage.ledger.contributions.points_in_time import PointInTime

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView
    from commonweal.protocol.ledger.state.rejections import Reason
    from commonweal.storage.ledger.contributions.contribution_list import ContributionRow


@dataclass(frozen=True, slots=True)
class ListedContribution:
    """A contribution as its author wrote it, in the list of all.

    member: who gave it; 16 bytes for an agent outside the community. when: it happened, as its
    author states; else it was recorded. sealed: it is in a seal. seq, when, claimed_at_ms: None
    while the record is not here, after a state sync. why: the reason when it counts for nothing.
    corrected_to: the quantity that counts, where it was corrected; 0 where it was withdrawn.
    """

    id: RecordId
    seq: int | None
    member: bytes
    member_name: str
    action: str
    quantity: Decimal | None
    unit: str | None
    receiver: bytes | None
    scope: str | None
    note: str | None
    when: PointInTime | None
    claimed_at_ms: int | None
    sealed: bool
    why: Reason | None
    corrected_to: Decimal | None


@dataclass(frozen=True, slots=True)
class VoidRecord:
    """A record of this home's member that does not count, because a log of theirs forked."""

    id: RecordId
    seq: int
    kind: str
    why: Reason
    claimed_at_ms: int
    contribution: ListedContribution | None


def place_to_text(row: ContributionRow) -> str:
    """Return the place of a contribution in the list, as pages name it."""
    assert row.place is not None, "it is of the list"
    return f"{row.place.when_ms}.{row.place.clock}.{row.place.id.hex()}"


def place_from_text(text: str, words: Words) -> ListPlace:
    """Return the place that a text names. Raises UsageError."""
    parts = text.split(".")
    try:
        when_ms, clock, id = int(parts[0]), int(parts[1]), bytes.fromhex(parts[2])
    except (ValueError, IndexError):
        raise UsageError(words("This page is not known; begin at the first.")) from None
    if not max(abs(when_ms), abs(clock)) <= INT_MAX:
        raise UsageError(words("This page is not known; begin at the first."))
    return ListPlace(when_ms, clock, id)


def void_row(record: VoidRecord) -> dict[str, Any]:
    """Return what does not count as a row of the list, plain, with its kind and the reason."""
    row = plain(record)
    names = [field.name.removesuffix("_ms") for field in fields(ListedContribution)]
    listed = row.pop("contribution") or {}
    return {**dict.fromkeys(names), "sealed": False, **listed, **row, "reason": row["why"]}


@dataclass(frozen=True, slots=True)
class ContributionList:
    """The contributions that fit, the last to happen first.

    total: how many count. after: names what comes after these; None where they are all.
    """

    total: int
    records: tuple[ListedContribution, ...]
    after: str | None = None


def listed_contribution(view: LedgerView, row: ContributionRow) -> ListedContribution:
    """Return a row of the list, with names and its note."""
    quantity = row.resource or row.effort
    corrected = row.corrected and (row.corrected[0] or row.corrected[1])
    return ListedContribution(
        id=row.id,
        seq=row.seq,
        member=row.provider,
        member_name=view.name(row.provider),
        action=row.action,
        quantity=quantity and exact(quantity.n, quantity.scale),
        unit=quantity and quantity.unit,
        receiver=row.receiver,
        scope=row.scope,
        note=text_in(view.store, row.body),
        when=row.when,
        claimed_at_ms=row.claimed_at_ms,
        sealed=row.is_sealed,
        why=row.reason,
        corrected_to=corrected and exact(corrected.n, corrected.scale),
    )
