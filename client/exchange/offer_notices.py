"""What the inbox says of this member's own offers and needs: they end, have ended, or are taken.

When, follows from the time of the last seal, so nothing is told early by a clock that is wrong.
What was renewed or withdrawn is silent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from commonweal.client.exchange.offer_rows import (
    ENDED,
    MET,
    OPEN,
    PARTLY,
    PAUSED,
    SORTS,
    intents_of,
    offer_standing,
    offers_standing,
    sealed_at,
    title_of,
)
from commonweal.client.inbox_source import COMMAND_ID_DIGITS, Waiting, WaitingSource
from commonweal.client.language.days import shown_until
from commonweal.client.language.words import N_
from commonweal.protocol.ledger.exchange.offers.offers import OfferRow, offer_row
from commonweal.protocol.records.record import RecordId

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

DAY_MS = 86_400_000
STEPS_MS = (-7 * DAY_MS, -DAY_MS, 0, 7 * DAY_MS, 30 * DAY_MS)
"""When an end is told, in ms after it; then again and again after REPEATED_MS."""
REPEATED_MS = 90 * DAY_MS

ENDING, TAKEN = "ending", "taken"
KINDS = {
    ENDING: N_("end of an offer"),
    TAKEN: N_("taken offer"),
}


def end_step(end_ms: int, at_ms: int) -> int:
    """Return how many of the steps around an end are reached; 0 for none.

    A digest tells each step once: by the number.
    """
    past_ms = at_ms - end_ms
    if past_ms >= STEPS_MS[-1]:
        return len(STEPS_MS) + (past_ms - STEPS_MS[-1]) // REPEATED_MS
    return sum(past_ms >= step_ms for step_ms in STEPS_MS)


def waiting(view: LedgerView) -> Iterator[Waiting]:
    """Yield this member's offers and needs of which there is something to be told."""
    at_ms = sealed_at(view)
    for id, row in offers_standing(view, view.me):
        intents = [of for _id, of in intents_of(view, row.publishes)]
        standing = offer_standing(row, intents, at_ms)
        if standing == MET and any(of.met[0] < of.taken[0] for of in intents):
            yield Waiting(TAKEN, id, None, row.clock)
        end_ms = _end(view, row)
        if standing not in (OPEN, PARTLY, PAUSED, ENDED) or end_ms is None:
            continue
        step = end_step(end_ms, at_ms)
        if step and step > end_step(end_ms, _written_ms(view, id)):
            until_ms = None if standing == ENDED else end_ms
            yield Waiting(ENDING, id, None, row.clock, until_ms, round=step)


def words(view: LedgerView, entry: Waiting) -> str:
    """Return what is told, as a short sentence that says what to do next."""
    row = offer_row(view.state, entry.id)
    assert row is not None, "it waits"
    title = title_of(view, row)
    if entry.kind == TAKEN:
        text = view.words("all of it is taken: {title}; publish it again if there is more")
        return text.format(title=title)
    if entry.until_ms is not None:
        text = view.words("it ends soon: {title}, {day}; renew it, or let it end")
    else:
        text = view.words("it has ended: {title}, {day}; renew it, or withdraw it")
    return text.format(title=title, day=shown_until(_end(view, row)))


def command(view: LedgerView, entry: Waiting) -> str:
    """Return what does it, as it is typed after `weal`."""
    row = offer_row(view.state, entry.id)
    assert row is not None, "it waits"
    act = "withdraw" if entry.kind == TAKEN else "renew"
    return f"{SORTS[row.purpose]} {act} {entry.id.hex()[:COMMAND_ID_DIGITS]}"


def _end(view: LedgerView, row: OfferRow) -> int | None:
    """Return when an offer has ended: at its end, or with its last intent."""
    ends = [of.end for _id, of in intents_of(view, row.publishes)]
    last = None if None in ends else max(end for end in ends if end is not None)
    known = [end for end in (row.end, last) if end is not None]
    return min(known, default=None)


def _written_ms(view: LedgerView, id: bytes) -> int:
    """Return when an offer was written, as its author said; what was past then is not told."""
    record = view.store.record(RecordId(id))
    return 0 if record is None else record.claimed_at


SOURCE = WaitingSource(KINDS, waiting, words, command)
