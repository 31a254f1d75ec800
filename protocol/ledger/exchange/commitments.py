"""Commitments: what is promised, or will be once everybody concerned has said yes.

Record, with actions, agents and quantities as in `events`:
  commitment  action, provider, receiver, a quantity above 0; satisfies: up to 2 intents, of which
              one names the provider and one the receiver; resourceConformsTo,
              resourceInventoriedAs; hasBeginning, hasEnd, due: ms; replaces: a commitment that
              the same author wrote; clause: true if it only counts in an agreement
Any member may write one, also for others: it is asked, and counts for nothing until an agreement
that stipulates it is in force. Unless it is a clause it counts at once as agreed where its author's
member promises the community something, and as said where the other side is an agent outside, who
cannot sign: then the author's member is the one side, or speaks for the community which is.
It belongs to the plan of its intents. State: k commitments.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from commonweal.protocol.ledger.exchange import times
from commonweal.protocol.ledger.exchange.offers import flow_fields, intents
from commonweal.protocol.ledger.exchange.offers.intents import IntentRow
from commonweal.protocol.ledger.exchange.offers.offers import is_list_of_ids
from commonweal.protocol.ledger.members import agents, roles
from commonweal.protocol.ledger.plans import plans
from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.ledger.things.event_row import event_row
from commonweal.protocol.ledger.things.quantities import Quantity, difference, is_less
from commonweal.protocol.records.record import Record

COMMITMENT = Table.COMMITMENT.prefix
PROMISED_BY = Table.PLEDGE_PAYMENT.prefix
"""Promises that pledges became, and what was paid for each."""

ASKED, AGREED, SAID, ENDED = "asked", "agreed", "said", "ended"
PROMISED = (AGREED, SAID)
"""In force: events may fulfil it."""

SATISFIES_MAX = 2


class CommitmentRow(NamedTuple):
    """A commitment in the state; quantities are [n, scale, unit], times ms since 1970.

    given: all that events gave towards it, also beyond the quantity. satisfies: intents. agreement:
    the one by which it is in force; None where it needs none.
    """

    member: bytes
    clock: int
    action: str
    provider: bytes
    receiver: bytes
    quantity: list[Any]
    given: list[Any]
    spec: bytes | None
    satisfies: list[bytes]
    resource: bytes | None
    begin: int | None
    end: int | None
    due: int | None
    status: str
    agreement: bytes | None
    plan: bytes | None
    input_of: bytes | None
    output_of: bytes | None
    factor: str | None

    @property
    def met(self) -> list[Any]:
        """How much of the promise was given; what was given beyond it is free."""
        is_over = is_less(Quantity(*self.quantity), Quantity(*self.given))
        return self.quantity if is_over else self.given

    @property
    def open(self) -> Quantity:
        """How much of the promise was not given yet, whether or not it is in force."""
        return difference(Quantity(*self.quantity), Quantity(*self.met))

    @property
    def sides(self) -> tuple[bytes, bytes]:
        """The provider and the receiver."""
        return self.provider, self.receiver


def commitment_row(state: State, commitment: bytes) -> CommitmentRow | None:
    """Return a commitment; None when there is none of this id."""
    value = state.get(COMMITMENT + commitment)
    return None if value is None else CommitmentRow(*value)


def commit(state: State, record: Record, context: Context) -> Verdict:
    """Note what is promised or asked."""
    row = _row(state, record, context)
    if isinstance(row, Reason):
        return row
    is_clause = record.data.get("clause", False)
    if type(is_clause) is not bool:
        return Reason.SHAPE
    status = _status(state, context, row)
    if isinstance(status, Reason):
        return status
    if record.data.get("replaces") is not None:
        refused = _replace(state, context, record.data["replaces"])
        if refused is not None:
            return refused
    state.put(COMMITMENT + record.id, [*row])
    if status == ASKED or is_clause:
        return None
    if closed_intent(state, row, times.now_ms(state, context)) is not None:
        return Reason.NOT_OPEN
    return promise(state, record.id, None)


def promise(state: State, commitment: bytes, agreement: bytes | None) -> Verdict:
    """Put a commitment in force, by an agreement or by itself; its intents are taken.

    Refuses with TOO_LARGE. Whether as much is left is asked before, and only of an agreement: what
    is promised by itself may be more than is needed, so that nobody keeps others from helping.
    """
    row = commitment_row(state, commitment)
    assert row is not None, "the commitment is known"
    for intent in row.satisfies:
        taken = Quantity(*row.quantity)
        refused = intents.add(state, intent, taken, None, agreement or commitment)
        if refused is not None:
            return refused
    is_said = any(agents.is_outside(agents.person(state, side)) for side in row.sides)
    row = row._replace(status=SAID if is_said else AGREED, agreement=agreement)
    state.put(COMMITMENT + commitment, [*row])
    if row.plan is not None:
        state.put(plans.OF_PLAN + row.plan + commitment, "commitment")
    return None


def release(state: State, commitment: bytes) -> Verdict:
    """End a commitment: what is open of it is promised no more, and its intents get that back."""
    row = commitment_row(state, commitment)
    assert row is not None, "the commitment is known"
    back = row.open._replace(n=-row.open.n)
    for intent in row.satisfies if row.status in PROMISED else ():
        refused = intents.add(state, intent, back, None)
        if refused is not None:
            return refused
    state.put(COMMITMENT + commitment, [*row._replace(status=ENDED)])
    return None


def closed_intent(state: State, row: CommitmentRow, now_ms: int) -> bytes | None:
    """Return the first intent of a commitment that cannot be taken at a time; None when all can."""
    for intent in row.satisfies:
        wanted = intents.intent_row(state, intent)
        assert wanted is not None, "the intent is known"
        if not intents.is_open(state, wanted, now_ms):
            return intent
    return None


def _row(state: State, record: Record, context: Context) -> CommitmentRow | Reason:
    """Return the row of a new commitment, asked, or why it is not sound."""
    data = record.data
    fields = flow_fields.read(state, context, data)
    if isinstance(fields, Reason):
        return fields
    if fields.provider is None or fields.receiver is None:
        return Reason.ONE_SIDE
    if agents.person(state, fields.provider) == agents.person(state, fields.receiver):
        return Reason.SAME_SIDE
    satisfies = data.get("satisfies", [])
    if not is_list_of_ids(satisfies, SATISFIES_MAX):
        return Reason.SHAPE
    row = CommitmentRow(
        member=context.member,
        clock=record.clock,
        action=fields.action.name,
        provider=fields.provider,
        receiver=fields.receiver,
        quantity=[*fields.quantity],
        given=[0, *fields.quantity[1:]],
        spec=fields.spec,
        satisfies=satisfies,
        resource=fields.resource,
        begin=fields.begin,
        end=fields.end,
        due=fields.due,
        status=ASKED,
        agreement=None,
        plan=None,
        input_of=None,
        output_of=None,
        factor=None,
    )
    wanted: list[IntentRow] = []
    for intent in satisfies:
        known = intents.intent_row(state, intent)
        if known is None:
            return Reason.UNKNOWN_PLAN
        wanted.append(known)
    for intent_row in wanted:
        satisfied = _satisfying(state, row, intent_row)
        if isinstance(satisfied, Reason):
            return satisfied
        row = satisfied
    return row if len(wanted) < SATISFIES_MAX or _meet(*wanted) else Reason.DOES_NOT_FIT


def _satisfying(state: State, row: CommitmentRow, intent: IntentRow) -> CommitmentRow | Reason:
    """Return the row of a commitment with what it has from an intent, or why it does not fit."""
    quantity = Quantity(*row.quantity)
    if intent.action != row.action or intent.quantity[2] != quantity.unit:
        return Reason.DOES_NOT_FIT
    for wanted, side in ((intent.provider, row.provider), (intent.receiver, row.receiver)):
        if not intents.is_same_person(state, wanted, side):
            return Reason.DOES_NOT_FIT
    for wanted, named in ((intent.spec, row.spec), (intent.resource, row.resource)):
        if None not in (wanted, named) and wanted != named:
            return Reason.DOES_NOT_FIT
    if intent.minimum is not None and is_less(quantity, Quantity(*intent.minimum)):
        return Reason.UNDER_MINIMUM
    if is_less(intent.limit, quantity):
        return Reason.INTENT_TAKEN
    row = row._replace(spec=row.spec or intent.spec, resource=row.resource or intent.resource)
    if intent.plan is None or row.plan is not None:
        return row
    if plans.has_ended(state, intent.plan):
        return Reason.PLAN_ENDED
    return row._replace(
        plan=intent.plan,
        input_of=intent.input_of,
        output_of=intent.output_of,
        factor=intent.factor,
    )


def _meet(first: IntentRow, second: IntentRow) -> bool:
    """Return whether of two intents one names the provider and the other one the receiver."""
    return any(
        gives.provider is not None and takes.receiver is not None
        for gives, takes in ((first, second), (second, first))
    )


def _status(state: State, context: Context, row: CommitmentRow) -> str | Reason:
    """Return how a commitment begins that is no clause; ASKED if others have to say yes."""
    provider, receiver = (agents.person(state, side) for side in row.sides)
    if agents.is_outside(provider) and agents.is_outside(receiver):
        return Reason.NOT_YOURS
    if provider == context.member and receiver == context.community:
        return AGREED
    if not agents.is_outside(provider) and not agents.is_outside(receiver):
        return ASKED
    inside = receiver if agents.is_outside(provider) else provider
    speaks = inside == context.community and roles.may_speak_for_community(state, context)
    return SAID if inside == context.member or speaks else ASKED


def _replace(state: State, context: Context, replaced: Any) -> Verdict:
    """End a commitment that the same author wrote and that no agreement in force stipulates."""
    if not is_bytes(replaced):
        return Reason.SHAPE
    row = commitment_row(state, replaced)
    if row is None:
        return Reason.UNKNOWN_PLAN
    if row.member != context.member:
        return Reason.NOT_YOURS
    if row.status == ENDED:
        return Reason.NOT_OPEN
    is_derived = _is_derived(state, context, replaced, row)
    if row.agreement is not None or row.given[0] or is_derived:
        return Reason.ALREADY_AGREED
    return release(state, replaced)


def _is_derived(state: State, context: Context, id: bytes, row: CommitmentRow) -> bool:
    """Return whether a commitment follows from an event or a pledge, and no member wrote it.

    Without an agreement a member promises nothing to others than the community and who is outside.
    """
    if row.status == AGREED and row.receiver != context.community:
        return True
    is_pledge = state.get(PROMISED_BY + id) is not None
    return is_pledge or event_row(state, id) is not None
