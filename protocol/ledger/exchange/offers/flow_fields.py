"""The fields that intents and commitments share: provider, receiver, what, of which kind, and when.

Nothing is written here.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from commonweal.protocol.ledger.members import agents
from commonweal.protocol.ledger.plans import flows
from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes, is_count
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.quantities import Quantity
from commonweal.protocol.ledger.things.resources import RESOURCE
from commonweal.protocol.vocabulary.actions import Action


class FlowFields(NamedTuple):
    """What the data of an intent or a commitment says. begin, end, due: ms since 1970."""

    action: Action
    provider: bytes | None
    receiver: bytes | None
    quantity: Quantity
    spec: bytes | None
    resource: bytes | None
    begin: int | None
    end: int | None
    due: int | None


def read(state: State, context: Context, data: dict[str, Any]) -> FlowFields | Reason:
    """Return the fields of `data`, or why they are not sound. The quantity is above 0."""
    action = flows.action_of(data)
    if action is None:
        return Reason.UNKNOWN_ACTION
    provider, receiver = data.get("provider"), data.get("receiver")
    if provider is None and receiver is None:
        return Reason.ONE_SIDE
    for agent in (provider, receiver):
        if agent is not None and not agents.is_known(agent, state, context):
            return Reason.UNKNOWN_AGENT
    quantity = flows.quantity_of(state, context, action, data)
    if isinstance(quantity, Reason):
        return quantity
    if not quantity.n:
        return Reason.NO_EFFORT if action.quantity == "effort" else Reason.NO_QUANTITY
    spec, resource = data.get("resourceConformsTo"), data.get("resourceInventoriedAs")
    refused = flows.fits_spec(state, spec, quantity) or _is_resource(state, resource)
    if refused is not None:
        return refused
    begin, end, due = (data.get(key) for key in ("hasBeginning", "hasEnd", "due"))
    if not is_span(begin, end) or (due is not None and not is_count(due)):
        return Reason.SHAPE
    return FlowFields(action, provider, receiver, quantity, spec, resource, begin, end, due)


def is_span(begin: Any, end: Any) -> bool:
    """Return whether two times (ms since 1970), each of which may be missing, make a span."""
    if not all(at is None or is_count(at) for at in (begin, end)):
        return False
    return begin is None or end is None or begin < end


def _is_resource(state: State, resource: Any) -> Verdict:
    if resource is None:
        return None
    if not is_bytes(resource):
        return Reason.SHAPE
    return None if state.get(RESOURCE + resource) is not None else Reason.UNKNOWN_RESOURCE
