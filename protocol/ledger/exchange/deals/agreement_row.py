"""The rows of agreements in the state, and how an agreement stops to be asked.

State: g agreements, h what the parties say, OPEN_DEAL the agreements that are asked of a party.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from commonweal.protocol.ledger.exchange import open_records
from commonweal.protocol.ledger.exchange.commitments import CommitmentRow, commitment_row
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table

AGREEMENT, SIGNED = Table.AGREEMENT.prefix, Table.SIGNED.prefix
OPEN_DEAL = Table.OPEN_DEAL.prefix

ASKED, AGREED = "asked", "agreed"
DECLINED, COUNTERED, WITHDRAWN, LOST, VOID = "declined", "countered", "withdrawn", "lost", "void"
ENDED, GIVEN_UP = "ended", "given up"
CAME_INTO_FORCE = (AGREED, ENDED, GIVEN_UP)

YES, NO, WITHDRAW = "yes", "no", "withdraw"


class AgreementRow(NamedTuple):
    """An agreement in the state; times are ms since 1970.

    stipulates, reciprocal: commitments. parties: members and the community, sorted. yes: how many
    of them say yes. sets_off: [[commitment, n, scale, unit] ...]. cause: what it was lost to, which
    intent, clause or party made it void, or what took its place; else None.
    """

    member: bytes
    clock: int
    stipulates: list[bytes]
    reciprocal: list[bytes]
    parties: list[bytes]
    yes: int
    answer_by: int | None
    counters: bytes | None
    sets_off: list[list[Any]]
    status: str
    cause: bytes | None

    @property
    def clauses(self) -> list[bytes]:
        """All commitments that it stipulates."""
        return [*self.stipulates, *self.reciprocal]


class SignedRow(NamedTuple):
    """What a party says to an agreement. record: by which. ended: why they want it to end."""

    say: str
    record: bytes
    ended: str | None = None


def agreement_row(state: State, agreement: bytes) -> AgreementRow | None:
    """Return an agreement; None when there is none of this id."""
    value = state.get(AGREEMENT + agreement)
    return None if value is None else AgreementRow(*value)


def signed_row(state: State, agreement: bytes, party: bytes) -> SignedRow | None:
    """Return what a party says to an agreement; None when they said nothing yet."""
    value = state.get(SIGNED + agreement + party)
    return None if value is None else SignedRow(*value)


def in_force(state: State, agreement: bytes) -> bool:
    """Return whether all parties of an agreement said yes, and have not ended it."""
    row = agreement_row(state, agreement)
    return row is not None and row.status == AGREED


def clause_rows(state: State, row: AgreementRow) -> list[tuple[bytes, CommitmentRow]]:
    """Return the clauses of an agreement with their ids, those in return last."""
    rows: list[tuple[bytes, CommitmentRow]] = []
    for id in row.clauses:
        clause = commitment_row(state, id)
        assert clause is not None, "clauses are known"
        rows.append((id, clause))
    return rows


def conclude(
    state: State, agreement: bytes, row: AgreementRow, status: str, cause: bytes | None
) -> None:
    """Write that an agreement is no longer asked. cause: as in the row."""
    state.put(AGREEMENT + agreement, [*row._replace(status=status, cause=cause)])
    for party in row.parties:
        state.delete(OPEN_DEAL + party + agreement)
    open_records.forget(state, row.member, agreement)


def decline_all(state: State, member: bytes) -> None:
    """Decline whatever is asked of a member, or by them: their membership ends."""
    prefix = OPEN_DEAL + member
    for agreement in [key[len(prefix) :] for key, _ in state.items(prefix)]:
        row = agreement_row(state, agreement)
        assert row is not None, "what is asked is known"
        conclude(state, agreement, row, DECLINED, member)
