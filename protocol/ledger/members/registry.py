"""The registry of members and devices: the rows that every package reads.

How rows come about is in `enrolment`, `invites` and `member_keys`. State: F founding, # how many
are members and ever were, M members, D devices, E a member's devices, P devices by peer, Z frozen
logs.
"""

from __future__ import annotations

from typing import NamedTuple

from commonweal.protocol.keys import MemberId, PeerKey
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.records.record import Record

FOUNDING = Table.FOUNDING.prefix
COUNT = Table.COUNT.prefix
"""The key of how many are members now, and how many ever were: [active, ever]."""
MEMBER, DEVICE = Table.MEMBER.prefix, Table.DEVICE.prefix
DEVICE_OF, PEER = Table.DEVICE_OF.prefix, Table.PEER.prefix
FROZEN = Table.FROZEN.prefix

NEW, ACTIVE, LEFT, REMOVED = "new", "active", "left", "removed"


class MemberRow(NamedTuple):
    """A member in the state.

    since: the clock at which the member got this status. powers_ms: the seal time from which on
    they may vote, attest for others, hold seats and invite; 0: at once.
    """

    status: str
    since: int
    keys: list[bytes]
    threshold: int
    devices: int
    rekeys: int
    profile: bytes | None
    powers_ms: int = 0


class DeviceRow(NamedTuple):
    """A device in the state. last: the seq of its last valid record, once it is revoked."""

    member: MemberId
    last: int | None
    peer: PeerKey
    clock: int
    revocations: int = 0


def member_row(state: State, member: bytes) -> MemberRow | None:
    """Return the row of a member; None when the member is not known."""
    value = state.get(MEMBER + member)
    return None if value is None else MemberRow(*value)


def device_row(state: State, device: bytes) -> DeviceRow | None:
    """Return the row of a device; None when it was never enrolled."""
    value = state.get(DEVICE + device)
    return None if value is None else DeviceRow(*value)


def is_active(state: State, member: bytes) -> bool:
    """Return whether `member` is a member now."""
    row = state.get(MEMBER + member)
    return row is not None and bool(row[0] == ACTIVE)


def writer(state: State, record: Record) -> MemberId | Reason:
    """Return the active member in whose name `record` is written, or why there is none."""
    device = state.get(DEVICE + record.author)
    if device is None:
        return Reason.NOT_ENROLLED
    last = device[1]
    if last is not None and record.seq > last:
        return Reason.DEVICE_REVOKED
    member: MemberId = device[0]
    if state.get(MEMBER + member)[0] != ACTIVE:
        return Reason.NOT_A_MEMBER
    return member


def counts(state: State) -> tuple[int, int]:
    """Return how many are members now, and how many ever were."""
    active, ever = state.get(COUNT) or (0, 0)
    return active, ever


def set_status(state: State, member: MemberId, status: str, clock: int, powers_ms: int = 0) -> None:
    """Give a known member another status. powers_ms: for a member who becomes active."""
    row = member_row(state, member)
    assert row is not None, "the member is known"
    state.put(MEMBER + member, [*row._replace(status=status, since=clock, powers_ms=powers_ms)])
    active, ever = counts(state)
    active += (status == ACTIVE) - (row.status == ACTIVE)
    state.put(COUNT, [active, ever + (row.status == NEW)])
