"""Promises that follow from a campaign: commitments of the fold's that need no agreement."""

from __future__ import annotations

from typing import Any

from commonweal.protocol.ledger.exchange.commitments import AGREED, CommitmentRow


def promise_row(
    provider: bytes, receiver: bytes, clock: int, quantity: list[Any], due: int | None
) -> CommitmentRow:
    """Return a promise in force that needs no agreement."""
    return CommitmentRow(
        member=provider,
        clock=clock,
        action="transfer",
        provider=provider,
        receiver=receiver,
        quantity=quantity,
        given=[0, *quantity[1:]],
        spec=None,
        satisfies=[],
        resource=None,
        begin=None,
        end=None,
        due=due,
        status=AGREED,
        agreement=None,
        plan=None,
        input_of=None,
        output_of=None,
        factor=None,
    )
