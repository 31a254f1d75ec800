"""What a contribution is to the promise that it keeps."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from commonweal.client.language.quantity import exact, shown_unit
from commonweal.protocol.ledger.exchange.commitments import commitment_row
from commonweal.protocol.ledger.state.context import is_bytes
from commonweal.protocol.records.record import RecordId

if TYPE_CHECKING:
    from commonweal.client.language.words import Words
    from commonweal.client.ledger.drafts import Drafts


@dataclass(frozen=True, slots=True)
class PromiseState:
    """A promise after something was given for it: how much of it is kept, and what is open.

    free: how much was given beyond it. deal: the agreement by which it holds; None without one.
    """

    id: RecordId
    deal: RecordId | None
    quantity: Decimal
    met: Decimal
    open: Decimal
    free: Decimal
    unit: str


def promise_after(drafts: Drafts) -> PromiseState | None:
    """Return the promise that the last drafted record keeps, as it is then; None for none."""
    id = drafts.wishes[-1].data.get("fulfills")
    row = commitment_row(drafts.state, id) if is_bytes(id) else None
    if not is_bytes(id) or row is None:
        return None
    met = exact(*row.met[:2])
    return PromiseState(
        id=RecordId(id),
        deal=None if row.agreement is None else RecordId(row.agreement),
        quantity=exact(*row.quantity[:2]),
        met=met,
        open=exact(*row.open[:2]),
        free=exact(*row.given[:2]) - met,
        unit=row.quantity[2],
    )


def promise_words(promise: PromiseState, words: Words) -> str:
    """Return what is left of a promise, as a sentence."""
    unit = shown_unit(promise.unit, words)
    if promise.free > 0:
        text = words("The promise is kept; {free} {unit} beyond it are free.")
        return text.format(free=f"{promise.free:f}", unit=unit)
    if not promise.open:
        return words("The promise is kept.")
    text = words("Of the promise {open} {unit} are open.")
    return text.format(open=f"{promise.open:f}", unit=unit)
