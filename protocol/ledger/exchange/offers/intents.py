"""Intents: what a member, or the community, wants to give or to have.

Records, with actions, agents and quantities as in `events`:
  intent           action, provider or receiver (one at least), a quantity above 0;
                   availableQuantity: how much can be taken in all, else the quantity;
                   minimumQuantity: the least that a commitment takes; resourceConformsTo;
                   resourceInventoriedAs; resourceClassifiedAs: 1 to 8 tags; inScopeOf;
                   hasBeginning, hasEnd, due: ms; replaces: an intent of which nothing is taken;
                   plannedWithin: a plan of the author's member, then also inputOf, outputOf: a
                   process of the plan, and factor
  intent.pause     intent; paused: true or false
  intent.withdraw  intent
An intent is its member's where they give or receive by it. Else it is the community's, by who may
speak for it; if the rules name nobody, only who wrote it pauses, replaces or withdraws it, and
once they are no member, anybody.
That an intent has ended by time is no state: it is compared when somebody asks. One of which all
has come counts no more towards the limit of what a member has open. State: i intents.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from commonweal.protocol.ledger.exchange import open_records
from commonweal.protocol.ledger.exchange.offers import flow_fields
from commonweal.protocol.ledger.exchange.offers.flow_fields import FlowFields
from commonweal.protocol.ledger.members import agents, registry, roles
from commonweal.protocol.ledger.plans import flows, plans
from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.ledger.things.quantities import (
    Quantity,
    difference,
    is_less,
    read,
    total,
)
from commonweal.protocol.records.record import Record
from commonweal.protocol.vocabulary.actions import ACTIONS
from commonweal.protocol.vocabulary.identifiers import is_name, skeleton

INTENT = Table.INTENT.prefix

OPEN, PAUSED, WITHDRAWN, REPLACED = "open", "paused", "withdrawn", "replaced"

TAGS_MAX = 8


class IntentRow(NamedTuple):
    """An intent in the state; quantities are [n, scale, unit], times ms since 1970.

    taken: what commitments in force, and events that satisfy it directly, took of it. met: what has
    come of that. available: how much can be taken; None: the quantity. by: the record or the member
    that closed it; while it is open, what took some of it last. input_of, output_of: the process of
    its plan that it is for.
    """

    member: bytes
    clock: int
    action: str
    provider: bytes | None
    receiver: bytes | None
    quantity: list[Any]
    taken: list[Any]
    met: list[Any]
    spec: bytes | None
    resource: bytes | None
    tags: list[str]
    scope: str | None
    minimum: list[Any] | None
    available: list[Any] | None
    begin: int | None
    end: int | None
    due: int | None
    status: str
    by: bytes | None
    plan: bytes | None
    input_of: bytes | None
    output_of: bytes | None
    factor: str | None

    @property
    def limit(self) -> Quantity:
        """How much can be taken in all."""
        return Quantity(*(self.available or self.quantity))

    @property
    def left(self) -> Quantity:
        """How much can still be taken; never negative."""
        left = difference(self.limit, Quantity(*self.taken))
        return left if left.n > 0 else left._replace(n=0)

    @property
    def is_met(self) -> bool:
        """Whether all of it has come."""
        return not is_less(Quantity(*self.met), self.limit)

    @property
    def is_of_community(self) -> bool:
        """Whether it is the community's, and its member only wrote it."""
        return self.member not in (self.provider, self.receiver)

    def is_open(self, now_ms: int) -> bool:
        """Return whether it can be taken at a time, as far as its own row says."""
        return self.status == OPEN and (self.end is None or self.end > now_ms)


def intent_row(state: State, intent: bytes) -> IntentRow | None:
    """Return an intent; None when there is none of this id."""
    value = state.get(INTENT + intent)
    return None if value is None else IntentRow(*value)


def intend(state: State, record: Record, context: Context) -> Verdict:
    """Note what the author's member, or the community, wants to give or to have."""
    data = record.data
    fields = flow_fields.read(state, context, data)
    if isinstance(fields, Reason):
        return fields
    row = _row(record, context, fields)
    if isinstance(row, Reason):
        return row
    if not _may_write(state, context, row):
        return Reason.NOT_YOURS
    if data.get("plannedWithin") is not None:
        placed = _placed(state, record, context, row)
        if isinstance(placed, Reason):
            return placed
        row = placed
    refused = None
    if data.get("replaces") is not None:
        refused = _replace(state, record, context, data["replaces"])
    if refused is None and not row.is_of_community:
        refused = open_records.note(state, context, record.id, open_records.INTENT)
    if refused is None:
        state.put(INTENT + record.id, [*row])
    return refused


def pause(state: State, record: Record, context: Context) -> Verdict:
    """Pause an intent, so that nothing is taken of it, or open it again."""
    paused = record.data.get("paused")
    if type(paused) is not bool:
        return Reason.SHAPE
    row = _standing(state, context, record.data.get("intent"))
    if isinstance(row, Reason):
        return row
    status = PAUSED if paused else OPEN
    if row.status == status:
        return Reason.NOTHING_NEW
    state.put(INTENT + record.data["intent"], [*row._replace(status=status)])
    return None


def withdraw(state: State, record: Record, context: Context) -> Verdict:
    """Withdraw an intent for good; what is promised of it stands."""
    row = _standing(state, context, record.data.get("intent"))
    if isinstance(row, Reason):
        return row
    close(state, record.data["intent"], WITHDRAWN, record.id)
    return None


def close(state: State, intent: bytes, status: str, by: bytes) -> None:
    """Close an intent. status: WITHDRAWN or REPLACED. by: the record or the member that does."""
    row = intent_row(state, intent)
    assert row is not None, "the intent is known"
    state.put(INTENT + intent, [*row._replace(status=status, by=by)])
    open_records.forget(state, row.member, intent)


def is_open(state: State, row: IntentRow, now_ms: int) -> bool:
    """Return whether an intent can be taken at a time (ms since 1970)."""
    return row.is_open(now_ms) and (row.plan is None or not plans.has_ended(state, row.plan))


def may_manage(state: State, context: Context, row: IntentRow) -> bool:
    """Return whether the author's member may pause, publish, replace and withdraw an intent.

    Where nobody speaks for the community, any member manages what a former one wrote for it.
    """
    if row.is_of_community and context.rules.speaks_for_community:
        return roles.may_speak_for_community(state, context)
    is_left = row.is_of_community and not registry.is_active(state, row.member)
    return row.member == context.member or is_left


def add(
    state: State,
    intent: bytes,
    taken: Quantity | None,
    met: Quantity | None,
    by: bytes | None = None,
) -> Verdict:
    """Add to what is taken and met of an intent, or subtract; refuse with TOO_LARGE.

    by: what took it; None: the intent keeps the one before.
    """
    row = intent_row(state, intent)
    assert row is not None, "the intent is known"
    sums = []
    for was, more in ((row.taken, taken), (row.met, met)):
        now = Quantity(*was) if more is None else total(Quantity(*was), more.n, more.scale)
        if now is None:
            return Reason.TOO_LARGE
        sums.append([*now])
    changed = row._replace(taken=sums[0], met=sums[1], by=row.by if by is None else by)
    state.put(INTENT + intent, [*changed])
    if changed.is_met and not row.is_met:
        open_records.forget(state, row.member, intent)
    return None


def _row(record: Record, context: Context, fields: FlowFields) -> IntentRow | Reason:
    """Return the row of a new intent, outside any plan."""
    data, unit = record.data, fields.quantity.unit
    tags, scope = data.get("resourceClassifiedAs", []), data.get("inScopeOf")
    if "resourceClassifiedAs" in data and not is_tags(tags):
        return Reason.SHAPE
    if scope is not None and not is_name(scope):
        return Reason.SHAPE
    amounts: list[Quantity | None] = []
    for key in ("minimumQuantity", "availableQuantity"):
        amount = read(data.get(key))
        if key in data and (amount is None or amount.n < 1):
            return Reason.SHAPE
        if amount is not None and amount.unit != unit:
            return Reason.WRONG_UNIT
        amounts.append(amount)
    minimum, available = amounts
    if minimum is not None and is_less(available or fields.quantity, minimum):
        return Reason.UNDER_MINIMUM
    nothing = [0, fields.quantity.scale, unit]
    return IntentRow(
        member=context.member,
        clock=record.clock,
        action=fields.action.name,
        provider=fields.provider,
        receiver=fields.receiver,
        quantity=[*fields.quantity],
        taken=nothing,
        met=nothing,
        spec=fields.spec,
        resource=fields.resource,
        tags=tags,
        scope=scope,
        minimum=None if minimum is None else [*minimum],
        available=None if available is None else [*available],
        begin=fields.begin,
        end=fields.end,
        due=fields.due,
        status=OPEN,
        by=None,
        plan=None,
        input_of=None,
        output_of=None,
        factor=None,
    )


def is_tags(value: Any) -> bool:
    """Return whether a value is a list of tags: names, ascending, no two of which look alike."""
    if type(value) is not list or not 1 <= len(value) <= TAGS_MAX or not all(map(is_name, value)):
        return False
    return value == sorted(value) and len({skeleton(tag) for tag in value}) == len(value)


def _may_write(state: State, context: Context, row: IntentRow) -> bool:
    sides = {row.provider, row.receiver} - {None}
    if context.member in sides:
        return True
    return sides == {context.community} and roles.may_speak_for_community(state, context)


def _standing(state: State, context: Context, intent: Any) -> IntentRow | Reason:
    """Return an intent that the author's member may manage and that is not closed."""
    if not is_bytes(intent):
        return Reason.SHAPE
    row = intent_row(state, intent)
    if row is None:
        return Reason.UNKNOWN_PLAN
    if not may_manage(state, context, row):
        return Reason.NOT_YOURS
    return row if row.status in (OPEN, PAUSED) else Reason.NOT_OPEN


def _replace(state: State, record: Record, context: Context, replaced: Any) -> Verdict:
    """Close an intent of which nothing is taken: another one takes its place."""
    row = _standing(state, context, replaced)
    if isinstance(row, Reason):
        return row
    if row.taken[0]:
        return Reason.INTENT_TAKEN
    close(state, replaced, REPLACED, record.id)
    return None


def _placed(state: State, record: Record, context: Context, row: IntentRow) -> IntentRow | Reason:
    """Return the row of an intent with its place in a plan, to which it now belongs."""
    data = record.data
    within, factor = data["plannedWithin"], data.get("factor")
    refused = plans.join(state, context, within, record.id, "intent")
    for key, side in (("inputOf", "input"), ("outputOf", "output")):
        process = data.get(key)
        if process is None or refused is not None:
            continue
        if not is_bytes(process):
            return Reason.SHAPE
        if state.get(plans.OF_PLAN + within + process) != "process":
            return Reason.UNKNOWN_PROCESS
        if not flows.is_on_side(ACTIONS[row.action], side):
            return Reason.NOT_THIS_SIDE
    refused = refused or flows.fits_factor(context, factor)
    if refused is not None:
        return refused
    row = row._replace(plan=within, input_of=data.get("inputOf"), output_of=data.get("outputOf"))
    return row._replace(factor=factor)


def is_same_person(state: State, wanted: bytes | None, agent: bytes | None) -> bool:
    """Return whether an agent is the person that a side names; a side of None takes anybody."""
    if wanted is None:
        return True
    return agent is not None and agents.person(state, wanted) == agents.person(state, agent)
