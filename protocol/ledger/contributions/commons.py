"""The commons: what no member owns moves only once others attest it.

An event that takes from the community or from an outside agent, or adds to what the community has,
changes no resource at first. It does so when as many others attest it as the rules ask for the
commons, or when the claimant confirms the payment of a claim by it; and again when it was corrected
and is attested anew. The holder of the role that the rules name as keeper moves it at once, but
never to themselves. State: 9m events of the commons.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from commonweal.protocol.ledger.contributions.inventory import Effect, shift
from commonweal.protocol.ledger.exchange.lending import handovers
from commonweal.protocol.ledger.members import agents, roles
from commonweal.protocol.ledger.state.context import Context, Verdict
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.ledger.things.event_row import EventRow, event_row, put_event
from commonweal.protocol.ledger.things.resources import RESOURCE, resource_row
from commonweal.protocol.records.record import Record
from commonweal.protocol.vocabulary.actions import ACTIONS
from commonweal.protocol.vocabulary.rule_params import RuleParams

COMMON = Table.COMMON.prefix

RESOURCE_FIELDS = ("newInventoriedResource", "state", "atLocation", "containedIn")


class CommonRow(NamedTuple):
    """An event of the commons in the state.

    said: what its record says of resources, until it moves them; then None. moved: the quantity,
    [n, scale], that resources show.
    """

    said: dict[str, Any] | None
    moved: list[int]


def begin(state: State, record: Record, context: Context, row: EventRow) -> EventRow | Reason:
    """Apply a new event to resources; if it touches the commons, only note that it would."""
    said = {key: record.data[key] for key in RESOURCE_FIELDS if key in record.data}
    moved: EventRow | Reason = row
    mark = state.mark()
    if row.source or row.target or "newInventoriedResource" in said:
        before = {id: state.get(RESOURCE + id) for id in (row.source, row.target) if id}
        moved = Effect(state, record.id, said, context, row).apply()
        if isinstance(moved, Reason):
            return moved
        is_common = _touches(state, context, moved, before)
    else:
        is_common = False
    sides = (row.provider, row.receiver)
    if not is_common and not (ACTIONS[row.action].has_two_sides and context.community in sides):
        return moved
    if _is_kept(state, context, row):
        state.put(COMMON + record.id, [*CommonRow(None, _amount(row))])
        return moved
    begun = resource_row(state, record.id)
    state.rollback(mark)
    if begun is not None:
        # The resource that it begins exists but is empty, so that others can name it.
        state.put(RESOURCE + record.id, [*begun._replace(accounting=0, onhand=0)])
        del said["newInventoriedResource"]
    state.put(COMMON + record.id, [*CommonRow(said, [0, 0])])
    return moved


def common_row(state: State, event: bytes) -> CommonRow | None:
    """Return the row of an event of the commons; None when it is no such event."""
    value = state.get(COMMON + event)
    return None if value is None else CommonRow(*value)


def attestations(state: State, event: bytes, rules: RuleParams) -> int:
    """Return how many others must attest an event; at least one."""
    is_common = state.get(COMMON + event) is not None
    return max(1, rules.attestations, rules.common_attestations if is_common else 0)


def is_moved(state: State, event: bytes) -> bool:
    """Return whether resources show what an event now says; always true outside the commons."""
    common, row = common_row(state, event), event_row(state, event)
    return common is None or (row is not None and common.said is None and not _unmoved(common, row))


def correct(state: State, event: bytes, context: Context) -> Verdict:
    """Refuse a correction that could not move; move the difference if its author is the keeper."""
    row = event_row(state, event)
    assert row is not None, "the event was corrected"
    mark = state.mark()
    refused = move(state, event, context)
    if refused is None and not _is_kept(state, context, row):
        state.rollback(mark)
    return refused


def move(state: State, event: bytes, context: Context) -> Verdict:
    """Apply what an event of the commons now says to resources."""
    common, row = common_row(state, event), event_row(state, event)
    assert common is not None and row is not None, "the event is of the commons"
    if common.said is None:
        n, scale = _unmoved(common, row), _amount(row)[1]
        refused = shift(state, row, n, max(scale, common.moved[1])) if n else None
        if refused is not None:
            return refused
    elif row.source or row.target:
        author = context._replace(member=row.member)
        moved = Effect(state, event, common.said, author, row).apply()
        if isinstance(moved, Reason):
            return moved
        put_event(state, event, moved)
        handovers.rehome(state, moved)
    state.put(COMMON + event, [*CommonRow(None, _amount(row))])
    return None


def _touches(
    state: State, context: Context, row: EventRow, before: dict[bytes, list[Any] | None]
) -> bool:
    """Return whether an event adds to what the community has, or takes what its author does not
    own.
    """
    action = ACTIONS[row.action]
    target = None if row.target is None else resource_row(state, row.target)
    if target is not None and context.community in (target.accountable, target.custodian):
        return True
    source = None if row.source is None else resource_row(state, row.source)
    if row.source is None or source is None:
        return False
    if row.source not in before:
        return source.accountable == context.community
    signs = action.accounting_signs[0], action.onhand_signs[0]
    if not any(signs) and before[row.source] == [*source]:
        return False
    owners = [source.accountable, *(() if signs[0] else (source.custodian,))]
    return all(agents.person(state, owner) != row.member for owner in owners)


def _is_kept(state: State, context: Context, row: EventRow) -> bool:
    """Return whether the author keeps the commons, and does not move it to themselves."""
    keeper = context.rules.keeper
    receiver = None if row.receiver is None else agents.person(state, row.receiver)
    return bool(keeper) and receiver != row.member and roles.holds(state, row.member, keeper)


def _amount(row: EventRow) -> list[int]:
    return [0, 0] if row.quantity is None else row.quantity[:2]


def _unmoved(common: CommonRow, row: EventRow) -> int:
    """Return how much of an event resources do not show yet, at the finer of both scales."""
    (n, scale), (moved, moved_scale) = _amount(row), common.moved
    finer = max(scale, moved_scale)
    return int(n * 10 ** (finer - scale) - moved * 10 ** (finer - moved_scale))
