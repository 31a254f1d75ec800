"""Completion: when a deal is done, and until when it is reviewed.

A deal is done once all its clauses are met, or its parties ended it as done; a deal without clauses
never is. From then on reviews are written for a time that the rules in force at that place give.
The first seal after it closes them, unless it is full, and what that seal covers still counts;
reviews that wait then have the time of grace, from that seal on, to be opened.
A correction that makes a clause open again undoes a completion that nobody has reviewed.
State: 9X completed deals, 9Y when something about them ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from commonweal.protocol.ledger.exchange import times
from commonweal.protocol.ledger.exchange.commitments import commitment_row
from commonweal.protocol.ledger.exchange.deals.agreement_row import (
    AGREED,
    ENDED,
    AgreementRow,
    agreement_row,
    clause_rows,
)
from commonweal.protocol.ledger.state.context import Context
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table

COMPLETION, REVIEW_END = Table.COMPLETION.prefix, Table.REVIEW_END.prefix

OPEN, CLOSED, OVER = "open", "closed", "over"
"""Reviews are written; they are opened only; what is not opened stays withheld."""

WAITING, QUIET = b"waiting\0", b"quiet\0"
"""Whether a review waits to be opened; only then is a seal due at the end."""

TIME_BYTES = 8


class CompletionRow(NamedTuple):
    """A completed deal in the state; times are ms since 1970.

    until_ms: the end of its stage, OPEN, CLOSED or OVER. grace_ms: how long the stage CLOSED takes.
    waiting: reviews that are not opened. reviews: all that count, in their order.
    """

    done_ms: int
    until_ms: int
    grace_ms: int
    stage: str
    waiting: int
    reviews: list[bytes]


def completion_row(state: State, agreement: bytes) -> CompletionRow | None:
    """Return a completed deal; None when it is not done."""
    value = state.get(COMPLETION + agreement)
    return None if value is None else CompletionRow(*value)


def note(state: State, context: Context, agreement: bytes | None) -> None:
    """Note whether a deal is done, after something was given for it or it ended.

    agreement: None is of no deal.
    """
    row = None if agreement is None else agreement_row(state, agreement)
    if agreement is None or row is None:
        return
    known, is_done = completion_row(state, agreement), _is_done(state, row)
    if is_done and known is None:
        now_ms, rules = times.now_ms(state, context), context.rules.reviews
        begun = CompletionRow(now_ms, now_ms + rules.window_ms, rules.grace_ms, OPEN, 0, [])
        put(state, agreement, begun)
    elif known is not None and not is_done and not known.reviews and row.status == AGREED:
        _forget(state, agreement, known)
        state.delete(COMPLETION + agreement)


def note_given(state: State, context: Context, commitment: bytes | None) -> None:
    """Note whether the deal of a commitment is done, after something was given towards it."""
    row = None if commitment is None else commitment_row(state, commitment)
    if row is not None:
        note(state, context, row.agreement)


def put(state: State, agreement: bytes, row: CompletionRow) -> None:
    """Keep a completed deal, and when its stage ends."""
    known = completion_row(state, agreement)
    if known is not None:
        _forget(state, agreement, known)
    state.put(COMPLETION + agreement, [*row])
    if row.stage != OVER:
        state.put(_end_key(agreement, row), True)


def ended(state: State, trusted_ms: int) -> list[bytes]:
    """Return the deals of which a stage ends by a time, those with waiting reviews first.

    trusted_ms: the time by which a cut closes anything.
    """
    return [
        agreement
        for sort in (WAITING, QUIET)
        for at_ms, agreement in _ends(state, sort, trusted_ms)
        if at_ms <= trusted_ms
    ]


def cap_times(state: State, now_ms: int) -> None:
    """Let no stage last longer than if it began now, because it began at a wrong time."""
    for agreement in [key[-32:] for key, _ in state.items(REVIEW_END)]:
        row = completion_row(state, agreement)
        assert row is not None, "what ends is known"
        if row.stage == CLOSED:
            until_ms = min(row.until_ms, now_ms + row.grace_ms)
        elif row.done_ms > now_ms:
            until_ms = now_ms + row.until_ms - row.done_ms
        else:
            continue
        put(state, agreement, row._replace(done_ms=min(row.done_ms, now_ms), until_ms=until_ms))


def deadlines(state: State, time_ms: int) -> Iterator[int]:
    """Yield when the first stage ends in which a review waits. time_ms: of the last cut."""
    for at_ms, _ in _ends(state, WAITING):
        yield max(at_ms, time_ms + 1)
        return


def _ends(state: State, sort: bytes, until_ms: int | None = None) -> Iterator[tuple[int, bytes]]:
    """Yield the ends of stages and their deals, the earliest first; none later than `until_ms`."""
    prefix = REVIEW_END + sort
    for key, _ in state.items(prefix):
        at_ms = int.from_bytes(key[len(prefix) : len(prefix) + TIME_BYTES])
        if until_ms is not None and at_ms > until_ms:
            return
        yield at_ms, key[len(prefix) + TIME_BYTES :]


def _end_key(agreement: bytes, row: CompletionRow) -> bytes:
    sort = WAITING if row.waiting else QUIET
    return REVIEW_END + sort + row.until_ms.to_bytes(TIME_BYTES) + agreement


def _forget(state: State, agreement: bytes, row: CompletionRow) -> None:
    if row.stage != OVER:
        state.delete(_end_key(agreement, row))


def _is_done(state: State, row: AgreementRow) -> bool:
    if row.status == ENDED:
        return bool(row.clauses)
    clauses = clause_rows(state, row) if row.status == AGREED else []
    return bool(clauses) and all(not clause.open.n for _, clause in clauses)
