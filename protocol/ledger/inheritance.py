"""Re-founding: a community that goes on from the final state of another, its parent.

When too many witnesses are gone for ever nothing more becomes final, and nobody can change
that from inside: there is no hidden key. Any active member may found anew: his founding
record names the parent's community, height, seal and state root, and the next records of
his log carry that state, chunk by chunk, each checked against the root. What goes on:

- members, with the keys and sponsors they had, though with no device: each enrols new ones;
- rules in force, and the founding document, byte for byte; roles other than witness;
- units, specifications, resources, plans, contributions with what they were worth, pools,
  what was paid, claims, and what was settled of them. Heights go on counting.

What stays behind: devices, invites, requests, open votes, witnesses, frozen logs. Where the
parent stood as an agent the new community stands. Two who found anew from one parent make
two communities with two ids; no rule chooses between them, members do, by whom they join.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from commonweal.protocol import codec
from commonweal.protocol.errors import InvalidRecord, Malformed, WrongState
from commonweal.protocol.identity import Inception
from commonweal.protocol.keys import HASH_BYTES
from commonweal.protocol.ledger import governance, joining, roles, seats
from commonweal.protocol.ledger.closing import LAST
from commonweal.protocol.ledger.joining import MemberRow
from commonweal.protocol.ledger.snapshot import DEPTH_CHUNKS_MAX, read_chunk, value_of
from commonweal.protocol.record import FOUND, CommunityId, Record
from commonweal.protocol.seal.votes import SealId, is_count

KIND = "community.inherit"
"""The records after a founding one that carry the parent's state, one chunk each, as bodies."""

PARENT = "parent"
"""The field of a founding record that names the parent."""

LEFT_BEHIND = (
    *(joining.FOUNDING, joining.DEVICE, joining.DEVICE_OF, joining.PEER, joining.FROZEN),
    *(joining.INVITE, joining.REQUEST_OF, joining.REQUEST, joining.VOUCH, LAST),
    *(governance.PROPOSAL, governance.OPEN, governance.VOTE, governance.ELECTOR),
    *(governance.COMMENT, governance.OF_MEMBER, roles.OFFER, seats.GUILTY),
)
"""Tables of which nothing goes on; of the roles, that of a witness does not."""

_WITNESS = roles.WITNESS.encode()


class Parent(NamedTuple):
    """From where a community goes on. time_ms: of the seal; depth: of the chunks of its state."""

    community: CommunityId
    height: int
    seal: SealId
    state_root: bytes
    time_ms: int
    depth: int

    @property
    def chunks(self) -> int:
        """How many records after the founding one carry the state."""
        return 1 << self.depth

    def to_value(self) -> list[codec.Value]:
        """Return what stands in the founding record."""
        return [*self]


def parent_of(founding: Record) -> Parent | None:
    """Return the parent that a founding record names; None when it names none.

    Raises `InvalidRecord` when what it names has not the form of one.
    """
    match founding.data.get(PARENT):
        case None:
            return None
        case [bytes(community), height, bytes(seal), bytes(root), time_ms, depth] if (
            founding.kind == FOUND
            and len(community) == len(seal) == len(root) == HASH_BYTES
            and is_count(height)
            and height > 0
            and is_count(time_ms)
            and is_count(depth)
            and depth <= DEPTH_CHUNKS_MAX
        ):
            return Parent(CommunityId(community), height, SealId(seal), root, time_ms, depth)
        case _:
            raise InvalidRecord(f"{founding} names a parent in no known form")


def inherited(founding: Record, chunks: Sequence[bytes]) -> dict[bytes, Any]:
    """Return the state from which a re-founded community begins, by key.

    chunks: all that the parent's state has, in order, as its records carry them. Raises
    `WrongState` or `Malformed` when they are not that state, and `InvalidRecord` when who
    founds was no active member of the parent by these keys, or changes the document.
    """
    parent = parent_of(founding)
    assert parent is not None, "asked only of one that names a parent"
    if len(chunks) != parent.chunks:
        raise WrongState(f"it has {len(chunks)} chunks of {parent.chunks}")
    whole: dict[bytes, Any] = {}
    for number, data in enumerate(chunks):
        for pair in read_chunk(data, parent.state_root, parent.depth, number):
            whole[pair.key] = value_of(pair)
    _check_founder(founding, whole)
    return dict(_carried(whole.items(), parent, CommunityId(founding.id)))


def _check_founder(founding: Record, state: dict[bytes, Any]) -> None:
    try:
        inception = Inception.from_bytes(founding.data["inception"])
    except (KeyError, TypeError, Malformed) as error:
        raise InvalidRecord(f"{founding} founds no community") from error
    value = state.get(joining.MEMBER + inception.member)
    row = None if value is None else MemberRow(*value)
    if row is None or row.status != joining.ACTIVE:
        raise InvalidRecord("who founds anew was no active member of the parent")
    if (row.keys, row.threshold) != ([*inception.keys], inception.threshold):
        raise InvalidRecord("who founds anew has other keys now than he began with")
    before = state.get(joining.FOUNDING)
    if founding.body is None or before is None or before[2] != founding.body.hash:
        raise InvalidRecord("a re-founded community keeps the document of its parent")


def _carried(
    state: Iterable[tuple[bytes, Any]], parent: Parent, community: CommunityId
) -> Iterable[tuple[bytes, Any]]:
    for key, value in state:
        table = key[:1]
        if table in LEFT_BEHIND or (table == roles.ROLE and key[1 + HASH_BYTES :] == _WITNESS):
            continue
        if table == joining.MEMBER:
            row = MemberRow(*value)
            value = [*row._replace(since=1, devices=0, rekeys=0, profile=None)]
        yield key.replace(parent.community, community), _renamed(value, parent, community)


def _renamed(value: Any, parent: Parent, community: CommunityId) -> Any:
    """Return a value in which the community stands wherever its parent stood."""
    match value:
        case bytes():
            return bytes(community) if value == parent.community else value
        case list():
            return [_renamed(one, parent, community) for one in value]
        case dict():
            return {key: _renamed(one, parent, community) for key, one in value.items()}
        case _:
            return value
