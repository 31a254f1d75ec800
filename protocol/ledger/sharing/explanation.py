"""Explanations: what an event is worth and why, what it brought, and which rule paid a line.

Everything is read from states; nothing is computed anew. Putting it into sentences is left to
`client/explanations`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from commonweal.protocol.ledger.claims.pools import Payout, lines
from commonweal.protocol.ledger.contributions import attestation, commons, consent
from commonweal.protocol.ledger.contributions.consent import CorrectionRow
from commonweal.protocol.ledger.governance import active_ruleset
from commonweal.protocol.ledger.sharing.valuation import ValueRow, booked_at, value_of
from commonweal.protocol.ledger.state.context import NO_DOCUMENTS
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.event_row import EventRow, event_row
from commonweal.protocol.rules.document import RulesetId
from commonweal.protocol.vocabulary.rule_params import RuleParams


@dataclass(frozen=True, slots=True)
class EventExplanation:
    """An event from its record to its payouts.

    yes, no: how many members attest and deny it. needed: how many yes the rules ask for.
    corrections: those that wait for consent, by record. booked: height and time (ms) of the cut
    that covers it; value: at the cut that valued it; both None until then. payouts: the lines
    that name it among their inputs, each with its place.
    """

    row: EventRow
    yes: int
    no: int
    needed: int
    is_attested: bool
    corrections: tuple[tuple[bytes, CorrectionRow], ...]
    booked: tuple[int, int] | None
    value: ValueRow | None
    payouts: tuple[tuple[bytes, Payout], ...]


def explain_event(
    state: State, final: State, event: bytes, rules: RuleParams
) -> EventExplanation | None:
    """Return what became of an event; None when there is no such event.

    state: of all held records. final: of the last cut, from which values and payouts are read.
    """
    row = event_row(state, event)
    if row is None:
        return None
    yes, no = attestation.attesters(state, event)
    corrections = consent.open_corrections(state)
    return EventExplanation(
        row,
        yes,
        no,
        commons.attestations(state, event, rules),
        attestation.is_attested(state, event, rules),
        tuple((id, correction) for id, correction in corrections if correction.event == event),
        booked_at(final, event),
        value_of(final, event),
        tuple((place, payout) for place, payout in lines(final) if event in payout.line.inputs),
    )


def rule_sentence(
    state: State,
    payout: Payout,
    language: str,
    documents: Mapping[bytes, bytes] = NO_DOCUMENTS,
) -> str:
    """Return the plain sentence of the rule that paid a line; empty when it has none.

    language: "en" or "zh". documents: permanent bodies that are held, by hash.
    """
    ruleset = active_ruleset.by_id(state, documents, RulesetId(payout.ruleset))
    pool = ruleset.document.get("pools", {}).get(payout.pool, {})
    for bucket in pool.get("buckets", ()):
        if bucket["name"] == payout.line.bucket:
            return str(bucket.get(language, ""))
    return str(pool.get(language, ""))
