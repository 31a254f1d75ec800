"""Re-founding: a community that continues from the final state of another, its parent.

When too many witnesses are lost for good, nothing more becomes final, and nobody can change that
from inside: there is no hidden key. Any active member may found anew. Their founding record names
the parent's community, height, seal and state root, and the next records of their log carry that
state, chunk by chunk, each checked against the root. What continues:

- members, with the keys and sponsors they had, though with no device: each enrols new ones; - rules
in force, and the founding document, byte for byte; roles other than witness; - units,
specifications, resources, plans, contributions with their values, pools, what was
  paid, claims, and what was settled of them. Heights continue to count.

What does not: devices, invites, requests, open votes, witnesses, frozen logs. Where the parent was
an agent the new community is. Two members who found anew from one parent make two communities with
two ids; no rule chooses between them, members do by which they join.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from commonweal.protocol.errors import InvalidRecord, Malformed, WrongState
from commonweal.protocol.identity.identity import Inception
from commonweal.protocol.identity.parent import Parent, parent_of
from commonweal.protocol.keys import HASH_BYTES
from commonweal.protocol.ledger.checkpoint.snapshot import read_chunk, value_of
from commonweal.protocol.ledger.governance import proposals, witness_set
from commonweal.protocol.ledger.members import budgets, forks, invites, member_keys, registry, roles
from commonweal.protocol.ledger.members.registry import MemberRow
from commonweal.protocol.ledger.state.advance import CutHeader
from commonweal.protocol.ledger.state.context import Context, Verdict
from commonweal.protocol.ledger.state.rejections import REFUSED, Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.time_jumps import LAST
from commonweal.protocol.ledger.things.event_row import EVENT, EventRow
from commonweal.protocol.records.record import CommunityId, Record

DROPPED_TABLES = (
    *(registry.FOUNDING, registry.DEVICE, registry.DEVICE_OF, registry.PEER, registry.FROZEN),
    *(invites.INVITE, invites.REQUEST_OF, invites.REQUEST, invites.VOUCH, LAST),
    *(invites.BROUGHT, registry.COUNT),
    *(proposals.PROPOSAL, proposals.OPEN, proposals.VOTE, proposals.ELECTOR),
    *(proposals.COMMENT, proposals.OF_MEMBER, proposals.DECIDED, forks.KEPT),
    *(roles.OFFER, witness_set.GUILTY, budgets.SPENT),
)
"""Tables of which nothing continues; of the roles, that of a witness does not.

Nor does what was refused: records of the parent are none of the child.
"""

FORMER_TABLES = (b"q", b"b")
"""Tables of fold 1: the cut that took an event in, and whether it waits for a value."""

_WITNESS = roles.WITNESS.encode()


def inherit(state: State, record: Record, context: Context) -> Verdict:
    """Accept a chunk of the parent's state from the founding device; the ledger begins with it."""
    founding = state.get(registry.FOUNDING)
    device = registry.device_row(state, record.author)
    is_founder = founding is not None and device is not None and device.member == founding[0]
    is_chunk = record.body is not None and record.body.permanent
    return None if is_founder and is_chunk else Reason.NOT_FOUNDING


def inherited_state(founding: Record, chunks: Sequence[bytes]) -> dict[bytes, Any]:
    """Return the state from which a re-founded community begins, by key, without local rows.

    chunks: the whole state of the parent, in order, as its records carry it. Raises `WrongState` or
    `Malformed` when they are not that state, and `InvalidRecord` when the founder was no active
    member of the parent by these keys, or changes the document.
    """
    parent = parent_of(founding)
    assert parent is not None, "asked only of one that names a parent"
    if len(chunks) != parent.chunks:
        raise WrongState(f"it has {len(chunks)} chunks of {parent.chunks}")
    whole: dict[bytes, Any] = {}
    for number, data in enumerate(chunks):
        for pair in read_chunk(data, parent.state_root, parent.depth, number).pairs:
            whole[pair.key] = value_of(pair)
    _check_founder(founding, whole)
    return _in_this_layout(dict(_carried(whole.items(), parent, CommunityId(founding.id))))


def first_cut(founding: Record) -> CutHeader:
    """Return the cut with which a re-founded community begins, before any seal of its own."""
    parent = parent_of(founding)
    assert parent is not None, "asked only of one that names a parent"
    return CutHeader(parent.height, parent.time_ms, 0, parent.seal)


def _check_founder(founding: Record, state: dict[bytes, Any]) -> None:
    try:
        inception = Inception.from_bytes(founding.data["inception"])
    except (KeyError, TypeError, Malformed) as error:
        raise InvalidRecord(f"{founding} founds no community") from error
    value = state.get(registry.MEMBER + inception.member)
    row = None if value is None else MemberRow(*value)
    if row is None or row.status != registry.ACTIVE:
        raise InvalidRecord("the founder was no active member of the parent")
    if (row.keys, row.threshold) != ([*inception.keys], inception.threshold):
        raise InvalidRecord("the founder has other keys now than those of their inception")
    before = state.get(registry.FOUNDING)
    if founding.body is None or before is None or before[2] != founding.body.hash:
        raise InvalidRecord("a re-founded community keeps the document of its parent")


def _carried(
    state: Iterable[tuple[bytes, Any]], parent: Parent, community: CommunityId
) -> Iterable[tuple[bytes, Any]]:
    for key, value in state:
        table = key[:1]
        is_witness = table == roles.ROLE and key[1 + HASH_BYTES :] == _WITNESS
        if table in DROPPED_TABLES or is_witness or key.startswith(REFUSED):
            continue
        if table == registry.MEMBER:
            row = MemberRow(*value)
            value = [*row._replace(since=1, devices=0, rekeys=0, profile=None)]
        if table == member_keys.SUCCESSION:
            value = member_keys.inherited_row(value, community)
        yield key.replace(parent.community, community), _renamed(value, parent, community)


def _in_this_layout(state: dict[bytes, Any]) -> dict[bytes, Any]:
    """Return an inherited state in the layout of this fold; it may be one of fold 1."""
    booked, pending = FORMER_TABLES
    rows = {key: value for key, value in state.items() if key[:1] not in FORMER_TABLES}
    for key, value in state.items():
        if key[:1] == booked:
            event, (height, time_ms, earned_by) = key[1:], value
            covered = {"height": height, "time_ms": time_ms, "earned_by": earned_by}
            row = EventRow(*rows[EVENT + event])._replace(**covered)
            row = row._replace(pending=state.get(pending + event))
            rows[EVENT + event] = row.to_value()
    return rows


def _renamed(value: Any, parent: Parent, community: CommunityId) -> Any:
    """Return a value with the community in place of its parent."""
    match value:
        case bytes():
            return bytes(community) if value == parent.community else value
        case list():
            return [_renamed(item, parent, community) for item in value]
        case dict():
            return {key: _renamed(field, parent, community) for key, field in value.items()}
        case _:
            return value
