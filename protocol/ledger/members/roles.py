"""Roles: which member serves as what. The rules say which roles exist and which come before.

Records:
  role.claim    role: by the member who wants it; held once endorsed as often as it asks
  role.endorse  role, member: by another member
  role.resign   role
A member may have several. A member who claims to be a witness offers the device that wrote the
claim, and claims again to offer another. State: r roles of members, n endorsements, 1 offers.
"""

from __future__ import annotations

from typing import NamedTuple

from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.ledger.members import registry
from commonweal.protocol.ledger.members.permissions import Permission, writer_denial
from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.records.record import Record
from commonweal.protocol.vocabulary.identifiers import is_name

ROLE, ENDORSED = Table.ROLE.prefix, Table.ENDORSED.prefix
OFFER = Table.OFFER.prefix

WITNESS = "witness"
"""The role that every ruleset has: its holders certify what is final."""


class RoleRow(NamedTuple):
    """A member's role in the state. held: endorsed often enough, since `clock`."""

    held: bool
    endorsements: int
    clock: int
    claim: bytes


class SeatOfferRow(NamedTuple):
    """The device that a member offers as witness. seen: the last height at which it was present."""

    device: DeviceKey
    seen: int | None


def claim(state: State, record: Record, context: Context) -> Verdict:
    """Claim a role of the catalogue for the author's member."""
    name = record.data.get("role")
    if not is_name(name):
        return Reason.SHAPE
    role = context.rules.roles.get(name)
    if role is None:
        return Reason.UNKNOWN_ROLE
    offers = name == WITNESS and not _is_offered(state, context.member, record.author)
    if state.get(_key(context.member, name)) is not None:
        if not offers:
            return Reason.NOTHING_NEW
        state.put(OFFER + context.member, [*SeatOfferRow(record.author, None)])
        return None
    if role.after and not any(holds(state, context.member, earlier) for earlier in role.after):
        return Reason.NO_PATH
    row = RoleRow(role.endorsements == 0, 0, record.clock, record.id)
    state.put(_key(context.member, name), [*row])
    if offers:
        state.put(OFFER + context.member, [*SeatOfferRow(record.author, None)])
    return None


def endorse(state: State, record: Record, context: Context) -> Verdict:
    """Count the author's endorsement of another member's claim."""
    name, member = record.data.get("role"), record.data.get("member")
    if not is_name(name) or not is_bytes(member):
        return Reason.SHAPE
    role = context.rules.roles.get(name)
    if role is None:
        return Reason.UNKNOWN_ROLE
    if member == context.member:
        return Reason.SELF_ENDORSED
    early = writer_denial(state, record, context, Permission.ATTEST)
    if early is not None:
        return early
    value = state.get(_key(member, name))
    if value is None:
        return Reason.NOT_CLAIMED
    row = RoleRow(*value)
    # By claim, so that who resigns and claims again begins again.
    endorsed = ENDORSED + row.claim + context.member
    if state.get(endorsed) is not None:
        return Reason.NOTHING_NEW
    row = row._replace(endorsements=row.endorsements + 1)
    if not row.held and row.endorsements >= role.endorsements:
        row = row._replace(held=True, clock=record.clock)
    state.put(endorsed, record.id)
    state.put(_key(member, name), [*row])
    return None


def resign(state: State, record: Record, context: Context) -> Verdict:
    """Give back a role, or the claim of one, of the author's member."""
    name = record.data.get("role")
    if not is_name(name):
        return Reason.SHAPE
    if state.get(_key(context.member, name)) is None:
        return Reason.NOT_CLAIMED
    state.delete(_key(context.member, name))
    if name == WITNESS:
        state.delete(OFFER + context.member)
    return None


def holds(state: State, member: bytes, role: str) -> bool:
    """Return whether a member is active and holds a role."""
    value = state.get(_key(member, role))
    return registry.is_active(state, member) and value is not None and bool(value[0])


def may_speak_for_community(state: State, context: Context) -> bool:
    """Return whether the author's member may offer, need and agree for the community.

    Those may who hold the role that the rules name; where they name none, every member.
    """
    role = context.rules.speaks_for_community
    return not role or holds(state, context.member, role)


def has_endorsed(state: State, by: MemberId, member: MemberId, role: str) -> bool:
    """Return whether `by` endorsed the present claim of `member` to a role."""
    value = state.get(_key(member, role))
    return value is not None and state.get(ENDORSED + RoleRow(*value).claim + by) is not None


def roles(state: State, member: MemberId) -> dict[str, RoleRow]:
    """Return the roles that a member claimed, by name."""
    prefix = ROLE + member
    return {key[len(prefix) :].decode(): RoleRow(*value) for key, value in state.items(prefix)}


def _is_offered(state: State, member: bytes, device: DeviceKey) -> bool:
    value = state.get(OFFER + member)
    return value is not None and bool(value[0] == device)


def _key(member: bytes, role: str) -> bytes:
    return ROLE + member + role.encode()
