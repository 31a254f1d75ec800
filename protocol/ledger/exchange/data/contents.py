"""Contents: which resources are data, and whose they are.

An event that begins a resource names its content by hash and size, `content: {hash, size}`; the
content itself stays with its owner and is in no log. An event that takes of the resource and begins
another takes the content along; what is there already, and no data, does not become data. The owner
may erase it: `body.erase` of the event that began the resource. State: 9F data.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from commonweal.protocol.ledger.members import agents, roles
from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes, is_count
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.ledger.things.event_row import EventRow
from commonweal.protocol.ledger.things.resources import resource_row
from commonweal.protocol.records.record import Record

DATA = Table.DATA.prefix

CONTENT_BYTES_MAX = 1_966_080
"""Size of the content of one resource."""


class DataRow(NamedTuple):
    """A resource that is data. hash, size: of its content.

    owner: whose it is: a member, the community or an agent outside; None when nobody has any of it.
    event: what began the resource. is_erased: its owner erased it.
    """

    hash: bytes
    size: int
    owner: bytes | None
    event: bytes
    is_erased: bool

    @property
    def is_there(self) -> bool:
        """Whether somebody owns it and has not erased it."""
        return self.owner is not None and not self.is_erased


def data_row(state: State, resource: bytes) -> DataRow | None:
    """Return a resource that is data; None when it is not."""
    value = state.get(DATA + resource)
    if value is None:
        return None
    event, content_hash, size, is_erased = value
    return DataRow(content_hash, size, _owner(state, resource), event, is_erased)


def note(state: State, record: Record, row: EventRow) -> Verdict:
    """Note the content that a new event names, or takes along to what it begins."""
    content: Any = record.data.get("content")
    if "content" in record.data:
        if type(content) is not dict or not is_bytes(content.get("hash")):
            return Reason.SHAPE
        if not is_count(content.get("size"), 1, CONTENT_BYTES_MAX):
            return Reason.SHAPE
        if row.source != record.id:
            return Reason.NO_NEW_RESOURCE
        state.put(DATA + record.id, [record.id, content["hash"], content["size"], False])
        return None
    known = None if row.source is None else data_row(state, row.source)
    if known is not None and row.target == record.id:
        state.put(DATA + record.id, [record.id, known.hash, known.size, known.is_erased])
    return None


def is_own(state: State, context: Context, owner: bytes) -> bool:
    """Return whether the author may dispose of the data of `owner`: theirs, or the community's."""
    if owner == context.community:
        return roles.may_speak_for_community(state, context)
    return owner == context.member


def erase(state: State, context: Context, resource: bytes) -> bool:
    """Erase the content of a resource, if it is the author's data; return whether it was."""
    row = data_row(state, resource)
    if row is None or not row.is_there or row.owner is None:
        return False
    if not is_own(state, context, row.owner):
        return False
    state.put(DATA + resource, [row.event, row.hash, row.size, True])
    return True


def _owner(state: State, resource: bytes) -> bytes | None:
    row = resource_row(state, resource)
    return agents.person(state, row.accountable) if row is not None and row.accounting > 0 else None
