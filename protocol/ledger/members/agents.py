"""Agents: who gives and receives. Members, the community itself, and agents outside it.

An agent is 32 bytes, a member's id or the community's, or 16 random bytes for an agent outside.
Records:
  agent.claim  agent: 16 bytes. "Those contributions are mine." Takes effect once as many
               other members attest it as the rules ask; the first that takes effect stands.
  agent.name   agent: 16 bytes; the body is what the agent is called, and can be erased. Who named
               an agent first may name it again.
  referral     referrer: a member. "They brought me here." Once, and never in a circle.
State: A agents that were claimed, c claims, @ names, f who brought a member.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeGuard

from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.members.registry import MEMBER, NEW
from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.records.record import Record

CLAIMED, CLAIM = Table.CLAIMED.prefix, Table.AGENT_CLAIM.prefix
AGENT_NAME, REFERRER = Table.AGENT_NAME.prefix, Table.REFERRER.prefix

OUTSIDE_BYTES = 16
REFERRAL_DEPTH_MAX = 64
"""How far a chain of referrals is followed; one that would grow longer is refused."""


class AgentClaimRow(NamedTuple):
    """A member's claim to be an outside agent, in the state."""

    agent: bytes
    member: MemberId
    attested: int


def is_outside(agent: Any) -> TypeGuard[bytes]:
    """Return whether `agent` is outside the community."""
    return is_bytes(agent, OUTSIDE_BYTES)


def is_known(agent: Any, state: State, context: Context) -> TypeGuard[bytes]:
    """Return whether `agent` can give or receive."""
    if type(agent) is not bytes:
        return False
    if len(agent) == OUTSIDE_BYTES or agent == context.community:
        return True
    row = state.get(MEMBER + agent)
    return row is not None and row[0] != NEW


def speaks_for(state: State, context: Context, agent: bytes) -> bool:
    """Return whether the author may dispose of what `agent` owns: it is theirs, or no member's."""
    owner = person(state, agent)
    return owner == context.member or state.get(MEMBER + owner) is None


def person(state: State, agent: bytes) -> bytes:
    """Return the member who claimed an outside agent; otherwise the agent itself."""
    claimed: bytes | None = state.get(CLAIMED + agent)
    return agent if claimed is None else claimed


def claim(state: State, record: Record, context: Context) -> Verdict:
    """Note that the author's member claims to be an outside agent."""
    agent = record.data.get("agent")
    if not is_outside(agent):
        return Reason.SHAPE
    if state.get(CLAIMED + agent) is not None:
        return Reason.AGENT_CLAIMED
    state.put(CLAIM + record.id, [*AgentClaimRow(agent, context.member, 0)])
    return None


def name_agent(state: State, record: Record, context: Context) -> Verdict:
    """Name an outside agent by the body of this record."""
    agent = record.data.get("agent")
    if not is_outside(agent) or record.body is None:
        return Reason.SHAPE
    known = state.get(AGENT_NAME + agent)
    if known is not None and known[0] != context.member:
        return Reason.NOT_YOURS
    state.put(AGENT_NAME + agent, [context.member, record.id])
    return None


def attest_claim(
    state: State, context: Context, id: bytes, row: AgentClaimRow, more: int
) -> Verdict:
    """Count `more` members behind a claim; with enough of them it takes effect."""
    taken = state.get(CLAIMED + row.agent)
    if taken is not None:
        return Reason.AGENT_CLAIMED
    row = row._replace(attested=row.attested + more)
    state.put(CLAIM + id, [*row])
    if row.attested >= max(1, context.rules.attestations):
        state.put(CLAIMED + row.agent, row.member)
    return None


def refer(state: State, record: Record, context: Context) -> Verdict:
    """Note who brought the author's member here."""
    referrer = record.data.get("referrer")
    if not is_bytes(referrer):
        return Reason.SHAPE
    row = state.get(MEMBER + referrer)
    if row is None or row[0] == NEW:
        return Reason.UNKNOWN_AGENT
    if state.get(REFERRER + context.member) is not None:
        return Reason.ALREADY_REFERRED
    above: bytes = referrer
    for _ in range(REFERRAL_DEPTH_MAX):
        if above == context.member:
            return Reason.CIRCLE
        above = state.get(REFERRER + above) or b""
        if not above:
            state.put(REFERRER + context.member, referrer)
            return None
    return Reason.CIRCLE


def referrer(state: State, member: MemberId) -> MemberId | None:
    """Return the member who brought `member` here, as `member` says; None when not said."""
    member_id: MemberId | None = state.get(REFERRER + member)
    return member_id
