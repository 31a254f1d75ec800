"""Attestation: what other members say of an event or of a claim. Nobody speaks for himself.

Records:
  attest   event: an event or an agent.claim; say: "yes", "no" or "withdraw"; corrections:
           how many corrections of the event its author had seen, 0 when missing
  dispute  event: an event; say: "open" (or missing) or "withdraw"; the reason is in the body
A correction takes back what was said before it. Whether a claim is settled follows from what
is said of the event that pays it. State: a what each member said, d disputes.
"""

from __future__ import annotations

from commonweal.protocol.ledger import agents, settlement
from commonweal.protocol.ledger.context import Context, Verdict, is_bytes, is_count
from commonweal.protocol.ledger.flow import EVENT, EventRow, event_row
from commonweal.protocol.ledger.reasons import Reason
from commonweal.protocol.ledger.rules_in_force import Rules
from commonweal.protocol.ledger.state import State
from commonweal.protocol.record import Record

SAID, DISPUTE = b"a", b"d"
YES, NO, WITHDRAW, OPEN = "yes", "no", "withdraw", "open"


def attest(state: State, record: Record, context: Context) -> Verdict:
    """Count what the author's member says of an event or a claim; the last word stands."""
    event, say = record.data.get("event"), record.data.get("say")
    seen = record.data.get("corrections", 0)
    if not is_bytes(event) or say not in (YES, NO, WITHDRAW) or not is_count(seen):
        return Reason.SHAPE
    row = event_row(state, event)
    if row is None:
        return _attest_claim(state, context, event, say)
    if agents.person(state, row.provider) == context.member:
        return Reason.SELF_ATTESTED
    if seen != row.corrections:
        return Reason.CORRECTED_SINCE
    key = _key(event, row, context.member)
    before = state.get(key)
    if say == (before or WITHDRAW):
        return Reason.NOTHING_NEW
    yes = row.yes + (say == YES) - (before == YES)
    no = row.no + (say == NO) - (before == NO)
    state.put(EVENT + event, [*row._replace(yes=yes, no=no)])
    if say == WITHDRAW:
        state.delete(key)
    else:
        state.put(key, say)
    paid = settlement.settlement_row(state, event)
    if paid is None:
        return None
    own = state.get(_key(event, row, paid.claimant))
    return settlement.hear(state, event, own, _others(state, event, row, context.rules))


def dispute(state: State, record: Record, context: Context) -> Verdict:
    """Open or withdraw the author's dispute of an event; the provider may not open one."""
    event, say = record.data.get("event"), record.data.get("say", OPEN)
    if not is_bytes(event) or say not in (OPEN, WITHDRAW):
        return Reason.SHAPE
    row = event_row(state, event)
    if row is None:
        return Reason.UNKNOWN_EVENT
    if agents.person(state, row.provider) == context.member:
        return Reason.SELF_ATTESTED
    key = DISPUTE + event + context.member
    if (state.get(key) is not None) == (say == OPEN):
        return Reason.NOTHING_NEW
    if say == OPEN:
        state.put(key, record.id)
    else:
        state.delete(key)
    more = 1 if say == OPEN else -1
    state.put(EVENT + event, [*row._replace(disputes=row.disputes + more)])
    return None


def withdraw_disputes(state: State, member: bytes) -> None:
    """Withdraw every dispute of a member who is one no longer."""
    found = [key for key, _ in state.items(DISPUTE) if key.endswith(member)]
    for key in found:
        event = key[len(DISPUTE) : -len(member)]
        row = event_row(state, event)
        assert row is not None, "what is disputed is known"
        state.delete(key)
        state.put(EVENT + event, [*row._replace(disputes=row.disputes - 1)])


def attesters(state: State, event: bytes) -> tuple[int, int]:
    """Return how many members say yes and no to an event as it now stands.

    Who claimed the provider after he had said yes or no is not counted.
    """
    row = event_row(state, event)
    if row is None:
        return 0, 0
    own = state.get(_key(event, row, agents.person(state, row.provider)))
    return row.yes - (own == YES), row.no - (own == NO)


def is_attested(state: State, event: bytes, rules: Rules) -> bool:
    """Whether as many others as the rules ask say yes to an event, and more than say no."""
    yes, no = attesters(state, event)
    return yes >= rules.attestations and (yes > no or not no)


def _others(state: State, event: bytes, row: EventRow, rules: Rules) -> str | None:
    """Return what others say of a payment, when they are as many as a contribution needs.

    Who wrote it is not one of them: he would settle alone what he says he paid.
    """
    yes, no = attesters(state, event)
    own = state.get(_key(event, row, row.member))
    yes, no = yes - (own == YES), no - (own == NO)
    if max(yes, no) < max(1, rules.attestations) or yes == no:
        return None
    return YES if yes > no else NO


def _key(event: bytes, row: EventRow, member: bytes) -> bytes:
    return SAID + event + row.corrections.to_bytes(8) + member


def _attest_claim(state: State, context: Context, id: bytes, say: str) -> Verdict:
    value = state.get(agents.CLAIM + id)
    if value is None:
        return Reason.UNKNOWN_EVENT
    row = agents.ClaimRow(*value)
    if row.member == context.member:
        return Reason.SELF_ATTESTED
    key = SAID + id + context.member
    before = state.get(key)
    if say == (before or WITHDRAW):
        return Reason.NOTHING_NEW
    refused = agents.attest_claim(state, context, id, row, (say == YES) - (before == YES))
    if refused is None and say == WITHDRAW:
        state.delete(key)
    elif refused is None:
        state.put(key, say)
    return refused
