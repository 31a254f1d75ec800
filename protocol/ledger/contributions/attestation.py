"""Attestation: what other members say of an event, an agent claim or a correction.

Records:
  attest   event: an event, an agent.claim, a referral of somebody outside, or a correction that
           waits for consent; say: "yes", "no" or "withdraw"; corrections: how many corrections of
           the event its author had seen, 0 when missing
  dispute  event: an event; say: "open" (or missing) or "withdraw"; the reason is in the body
Members cannot attest for themselves: neither the author of a record, nor its provider, nor the
receiver of something from the commons. A correction takes back what was said before it. Whether a
claim is settled follows from what is said of the event that pays it. State: a what each member
said, d disputes. In no root: which events a member disputes.
"""

from __future__ import annotations

from typing import Final

from commonweal.protocol.keys import HASH_BYTES
from commonweal.protocol.ledger.claims import settlement
from commonweal.protocol.ledger.contributions import commons, consent
from commonweal.protocol.ledger.contributions.consent import CorrectionRow
from commonweal.protocol.ledger.exchange.promotion import commissions, referrals
from commonweal.protocol.ledger.members import agents
from commonweal.protocol.ledger.members.permissions import Permission, writer_denial
from commonweal.protocol.ledger.state import local_lists
from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes, is_count
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import LOCAL, State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.ledger.things.event_row import EventRow, event_row, put_event
from commonweal.protocol.records.record import Record
from commonweal.protocol.vocabulary.rule_params import RuleParams

SAID, DISPUTE = Table.SAID.prefix, Table.DISPUTE.prefix
DISPUTED: Final = LOCAL + b"d"
"""Local: the events that a member disputes."""
YES, NO, WITHDRAW, OPEN = "yes", "no", "withdraw", "open"

CORRECTIONS_BYTES = 8
"""How long the number of corrections is in the key of what a member says."""


def attest(state: State, record: Record, context: Context) -> Verdict:
    """Count what the author's member says of a record; their latest answer stands."""
    event, say = record.data.get("event"), record.data.get("say")
    seen = record.data.get("corrections", 0)
    if not is_bytes(event) or say not in (YES, NO, WITHDRAW) or not is_count(seen):
        return Reason.SHAPE
    correction = consent.correction_row(state, event)
    if correction is not None:
        return _attest_correction(state, context, event, correction, say, seen)
    paid = settlement.settlement_row(state, event)
    is_paid = paid is not None and paid.claimant == context.member
    early = None if is_paid else writer_denial(state, record, context, Permission.ATTEST)
    if early is not None:
        return early
    row = event_row(state, event)
    if row is None:
        return _attest_claim(state, context, event, say)
    if context.member in (row.member, agents.person(state, row.provider)):
        return Reason.SELF_ATTESTED
    if seen != row.corrections:
        return Reason.CORRECTED_SINCE
    key = attestation_key(event, row, context.member)
    before = state.get(key)
    if not _put_attestation(state, key, say):
        return Reason.NOTHING_NEW
    yes = row.yes + (say == YES) - (before == YES)
    no = row.no + (say == NO) - (before == NO)
    put_event(state, event, row._replace(yes=yes, no=no))
    return _apply_answers(state, event, context)


def dispute(state: State, record: Record, context: Context) -> Verdict:
    """Open or withdraw the author's dispute of an event; its provider may not open one."""
    event, say = record.data.get("event"), record.data.get("say", OPEN)
    if not is_bytes(event) or say not in (OPEN, WITHDRAW):
        return Reason.SHAPE
    early = writer_denial(state, record, context, Permission.ATTEST)
    if early is not None:
        return early
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
        local_lists.add(state, DISPUTED, context.member, event)
    else:
        state.delete(key)
        local_lists.remove(state, DISPUTED, context.member, event)
    more = 1 if say == OPEN else -1
    put_event(state, event, row._replace(disputes=row.disputes + more))
    commissions.reckon(state, event, None)
    return None


def withdraw_disputes(state: State, member: bytes) -> None:
    """Withdraw every dispute of a member whose membership ends."""
    for event in local_lists.take(state, DISPUTED, member):
        row = event_row(state, event)
        assert row is not None, "what is disputed is known"
        state.delete(DISPUTE + event + member)
        put_event(state, event, row._replace(disputes=row.disputes - 1))
        commissions.reckon(state, event, None)


def list_row(state: State, key: bytes) -> None:
    """List what the key of a dispute says of its member."""
    if key[:1] == DISPUTE:
        event, member = key[1 : 1 + HASH_BYTES], key[1 + HASH_BYTES :]
        local_lists.add(state, DISPUTED, member, event)


def attesters(state: State, event: bytes, without: bytes | None = None) -> tuple[int, int]:
    """Return how many members say yes and no to an event as it now stands.

    A member is not counted who claimed the provider after answering, or who receives something of
    the commons. without: another member who is not counted.
    """
    row = event_row(state, event)
    if row is None or not (row.yes or row.no):
        return 0, 0
    partial = [agents.person(state, row.provider)]
    if row.receiver is not None and commons.common_row(state, event) is not None:
        partial.append(agents.person(state, row.receiver))
    partial += [] if without is None else [without]
    own = [state.get(attestation_key(event, row, person)) for person in dict.fromkeys(partial)]
    return row.yes - own.count(YES), row.no - own.count(NO)


def is_attested(
    state: State, event: bytes, rules: RuleParams, without: bytes | None = None
) -> bool:
    """Return whether enough others say yes to an event by the rules, and more than say no.

    without: a member who is not counted.
    """
    yes, no = attesters(state, event, without)
    if not yes:
        return False
    return yes >= commons.attestations(state, event, rules) and (yes > no or not no)


def attestation_key(event: bytes, row: EventRow, member: bytes) -> bytes:
    """Return the key of what a member says of an event as it now stands."""
    return SAID + event + row.corrections.to_bytes(CORRECTIONS_BYTES) + member


def _put_attestation(state: State, key: bytes, say: str) -> bool:
    """Write what a member says; return whether it differs from what they said before."""
    if say == (state.get(key) or WITHDRAW):
        return False
    if say == WITHDRAW:
        state.delete(key)
    else:
        state.put(key, say)
    return True


def _apply_answers(state: State, event: bytes, context: Context) -> Verdict:
    """Settle a payment, owe its commission and move the commons, as far as the answers allow."""
    row = event_row(state, event)
    assert row is not None, "the event is known"
    promoter = commissions.promoter_of(state, event)
    if promoter is not None:
        # Who would be paid on an income does not make it count.
        is_income = is_attested(state, event, context.rules, without=promoter)
        commissions.reckon(state, event, is_income)
    paid = settlement.settlement_row(state, event)
    if paid is not None:
        own = state.get(attestation_key(event, row, paid.claimant))
        others = _others_answer(state, event, context.rules)
        refused = settlement.count_answers(state, event, row.member, own, others)
        if refused is not None:
            return refused
        paid = settlement.settlement_row(state, event)
    is_confirmed = paid is not None and paid.status == settlement.CONFIRMED
    if commons.is_moved(state, event):
        return None
    if is_confirmed or is_attested(state, event, context.rules):
        return commons.move(state, event, context)
    return None


def _others_answer(state: State, event: bytes, rules: RuleParams) -> str | None:
    """Return what others say of a payment, when they are as many as a contribution needs."""
    yes, no = attesters(state, event)
    if max(yes, no) < commons.attestations(state, event, rules) or yes == no:
        return None
    return YES if yes > no else NO


def _attest_correction(
    state: State, context: Context, id: bytes, correction: CorrectionRow, say: str, seen: int
) -> Verdict:
    """Count an answer to a correction; it takes effect once everyone it takes from agrees."""
    event = correction.event
    row = event_row(state, event)
    assert row is not None, "what is corrected is known"
    if correction.member == context.member:
        return Reason.SELF_ATTESTED
    if correction.held:
        return Reason.HOLDS_ALREADY
    if seen != row.corrections:
        return Reason.CORRECTED_SINCE
    key = SAID + id + context.member
    before = state.get(key)
    if not _put_attestation(state, key, say):
        return Reason.NOTHING_NEW
    correction = correction._replace(yes=correction.yes + (say == YES) - (before == YES))
    agreed = [asked for asked in correction.asked if state.get(SAID + id + asked) == YES]
    if not consent.is_agreed(state, correction, {*agreed}, max(1, context.rules.attestations)):
        state.put(consent.CORRECTION + id, [*correction])
        return None
    state.put(consent.CORRECTION + id, [*correction._replace(held=True)])
    refused = consent.apply(state, id, correction, context)
    if refused is not None:
        return refused
    # A member who agrees to the correction attests what is left.
    row = event_row(state, event)
    assert row is not None, "it was corrected"
    for member in agreed:
        if member != agents.person(state, row.provider):
            _put_attestation(state, attestation_key(event, row, member), YES)
            row = row._replace(yes=row.yes + 1)
    put_event(state, event, row)
    return _apply_answers(state, event, context)


def _attest_claim(state: State, context: Context, id: bytes, say: str) -> Verdict:
    """Count an answer to the claim of an agent, or to a referral of one outside."""
    value, referral = state.get(agents.CLAIM + id), referrals.referral_row(state, id)
    row = None if value is None else agents.AgentClaimRow(*value)
    if row is not None:
        partial: tuple[bytes, ...] = (row.member,)
    elif referral is not None and agents.is_outside(referral.buyer):
        partial = (referral.member, referral.promoter)
    else:
        return Reason.UNKNOWN_EVENT
    if context.member in partial:
        return Reason.SELF_ATTESTED
    key = SAID + id + context.member
    before = state.get(key)
    if not _put_attestation(state, key, say):
        return Reason.NOTHING_NEW
    more = (say == YES) - (before == YES)
    if row is not None:
        return agents.attest_claim(state, context, id, row, more)
    assert referral is not None, "it is a claim or a referral"
    return referrals.attest(state, context, id, referral, more)
