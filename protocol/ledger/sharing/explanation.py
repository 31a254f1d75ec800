"""Explanations: what an event is worth and why, what it received, and which rule paid a line.

Everything is read from a state; nothing is computed anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from commonweal.protocol.ledger.claims import pools
from commonweal.protocol.ledger.claims.pools import Payout
from commonweal.protocol.ledger.contributions import attestation
from commonweal.protocol.ledger.governance import active_ruleset
from commonweal.protocol.ledger.sharing import valuation
from commonweal.protocol.ledger.sharing.valuation import ValueRow
from commonweal.protocol.ledger.state.context import NO_DOCUMENTS
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.event_row import event_row
from commonweal.protocol.rules.document import Ruleset, RulesetId


class PendingReason(StrEnum):
    """Why an event has no value yet. The value is the sentence shown, before translation."""

    NOT_BOOKED = "no cut covers it yet"
    NOT_ATTESTED = "not enough others attest it"
    DISPUTED = "somebody disputes it"
    NO_RULE = "no rule gives its action a value"
    INCOME = "it was income of a pool"


class BucketPayment(NamedTuple):
    """What a contribution received from one bucket: an amount for debts, otherwise 0."""

    pool: str
    bucket: str
    amount: int


@dataclass(frozen=True, slots=True)
class EventExplanation:
    """An event from its record to its payouts.

    booked: (height, time in ms). yes, no: how many members attested and denied it. worth: None
    while `waiting` says why. lines: those that name it among their inputs.
    """

    booked: tuple[int, int] | None
    yes: int
    no: int
    disputes: int
    worth: ValueRow | None
    waiting: PendingReason | None
    got: tuple[BucketPayment, ...]
    lines: tuple[Payout, ...]


def explain_event(state: State, event: bytes, ruleset: Ruleset) -> EventExplanation | None:
    """Return what became of an event; None when there is no such event.

    ruleset: the one in force, by which it may still wait.
    """
    row = event_row(state, event)
    if row is None:
        return None
    yes, no = attestation.attesters(state, event)
    worth = valuation.value_of(state, event)
    return EventExplanation(
        valuation.booked_at(state, event),
        yes,
        no,
        row.disputes,
        worth,
        None if worth is not None else _waiting(state, event, ruleset),
        tuple(_got(state, event)),
        tuple(payout for payout in pools.payouts(state) if event in payout.line.inputs),
    )


def rule_of(
    state: State, payout: Payout, documents: Mapping[bytes, bytes] = NO_DOCUMENTS
) -> tuple[Ruleset, tuple[str | int, ...]]:
    """Return the ruleset that paid a line, and the path of the rule in its document."""
    ruleset = active_ruleset.by_id(state, documents, RulesetId(payout.ruleset))
    for pool in ruleset.pools:
        for number, bucket in enumerate(pool.buckets):
            if (pool.name, bucket.name) == (payout.pool, payout.line.bucket):
                if payout.line.sort == "commission":
                    return ruleset, ("pools", pool.name)
                return ruleset, ("pools", pool.name, "buckets", number)
    raise AssertionError("a line was paid by a rule of its ruleset")


def _waiting(state: State, event: bytes, ruleset: Ruleset) -> PendingReason:
    row = event_row(state, event)
    assert row is not None, "the event is known"
    if valuation.booked_at(state, event) is None:
        return PendingReason.NOT_BOOKED
    if state.get(valuation.PENDING + event) is None:
        return PendingReason.INCOME
    if row.disputes:
        return PendingReason.DISPUTED
    if not attestation.is_attested(state, event, active_ruleset.rules_of(ruleset)):
        return PendingReason.NOT_ATTESTED
    # Attested since the last cut; the next cut may value it.
    return PendingReason.NO_RULE if row.action not in ruleset.values else PendingReason.NOT_BOOKED


def _got(state: State, event: bytes) -> list[BucketPayment]:
    payments: list[BucketPayment] = []
    for key, (amount, _) in state.items(pools.TAKEN):
        if key.endswith(b"\0" + event):
            pool, _, _, bucket = key[1 : -len(event) - 1].split(b"\0")
            payments.append(BucketPayment(pool.decode(), bucket.decode(), amount))
    return payments
