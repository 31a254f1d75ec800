"""Agents outside the community: named, listed and claimed; and who brought a member here."""

from __future__ import annotations

from dataclasses import dataclass
from os import urandom

from commonweal.client.access import HomeAccess, prefix
from commonweal.client.ledger.names.named import find_outside, outside_name
from commonweal.client.ledger.words.notes import note_body
from commonweal.client.ledger.words.texts import text_of
from commonweal.protocol.errors import UnusableText
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.members import agents
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.vocabulary.identifiers import NAME_CHARACTERS_MAX, displayed_name
from commonweal.storage.ledger.contributions.contribution_list import given_by_outsiders


@dataclass(frozen=True, slots=True)
class OutsideAgent:
    """Somebody outside, what they gave, and who claimed to be them.

    name: as a member named them; None without, or where it was erased. note: of one contribution.
    """

    agent: bytes
    name: str | None
    events: int
    member: MemberId | None
    member_name: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class NamedAgent:
    """An agent outside who was given a name. agent: 16 bytes."""

    id: RecordId
    seq: int
    agent: bytes


@dataclass(frozen=True, slots=True)
class AgentClaim:
    """A claim to be an agent outside; it counts once another member attests it."""

    id: RecordId
    seq: int
    agent: bytes


@dataclass(frozen=True, slots=True)
class RecordedReferral:
    """Who brought this member here, as they say."""

    id: RecordId
    seq: int
    referrer: MemberId


class OutsideAgents(HomeAccess):
    """Who gives and receives without being a member."""

    def outside_agents(self) -> list[OutsideAgent]:
        """Return the agents outside by their first contribution, then those who gave nothing."""
        view = self.view
        given = given_by_outsiders(view.kept)
        counts = {agent: count for agent, count, _first in given}
        firsts = {agent: RecordId(first) for agent, _count, first in given}
        for key, _ in view.state.items(agents.AGENT_NAME):
            counts.setdefault(key[1:], 0)
        rows = []
        for agent, count in counts.items():
            claimed = view.state.get(agents.CLAIMED + agent)
            member = None if claimed is None else MemberId(claimed)
            first = firsts.get(agent)
            rows.append(
                OutsideAgent(
                    agent,
                    outside_name(view, agent),
                    count,
                    member,
                    None if member is None else view.name(member),
                    None if first is None else text_of(view.store, first),
                )
            )
        return rows

    def new_agent(self, name: str) -> NamedAgent:
        """Name somebody outside who was in no record so far. Raises UnusableText."""
        return self._name(urandom(agents.OUTSIDE_BYTES), name)

    def name_agent(self, agent: str | bytes, name: str) -> NamedAgent:
        """Name an agent outside, by the name or id that they have. Raises UnknownId."""
        return self._name(find_outside(self.view, prefix(agent)), name)

    def claim_agent(self, agent: str | bytes) -> AgentClaim:
        """Say that this member is an agent outside. Raises UnknownId, WouldNotCount."""
        outside = find_outside(self.view, prefix(agent))
        written = self._write_one("agent.claim", {"agent": outside})
        return AgentClaim(written.id, written.seq, outside)

    def refer(self, member: str) -> RecordedReferral:
        """Say who brought this member here; once. Raises UnknownId, WouldNotCount."""
        referrer = self.view.member(member)
        written = self._write_one("referral", {"referrer": bytes(referrer)})
        return RecordedReferral(written.id, written.seq, referrer)

    def _name(self, agent: bytes, name: str) -> NamedAgent:
        plain = displayed_name(name)
        if not plain or len(name.strip()) > NAME_CHARACTERS_MAX:
            most = self.words("a name has 1 to {most} characters, not all of them invisible")
            raise UnusableText(most.format(most=NAME_CHARACTERS_MAX))
        body = note_body(plain, words=self.words)
        written = self._write_one("agent.name", {"agent": agent}, (), body)
        return NamedAgent(written.id, written.seq, agent)
