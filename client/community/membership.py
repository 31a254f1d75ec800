"""Membership: founding a community, asking to join, vouching, leaving, and proposing who goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from commonweal.client.access import HomeAccess, prefix, wish_of
from commonweal.client.community.homes import found_community
from commonweal.client.community.join_codes import link_of
from commonweal.client.community.join_requests import JOIN_SECONDS_MAX, ask_to_join, knocked, places
from commonweal.client.community.standing import WAITING
from commonweal.client.home.submit import WrittenRecord
from commonweal.client.ledger.names.directory import called
from commonweal.client.ledger.words.notes import note_body
from commonweal.protocol.errors import NotReachable, UnknownId
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.members import invites, membership
from commonweal.protocol.records.record import DEPS_MAX, CommunityId, RecordId

LEAVE = "member.leave"


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """A request to join, and how this home stands after it: a word of `standing.STATES`.

    is_answered: whether a node of the community answered; else the request is kept, and the node
    of this home goes on trying.
    """

    community: CommunityId
    state: str
    tried: tuple[str, ...]
    is_answered: bool


@dataclass(frozen=True, slots=True)
class Vouch:
    """A vouch for somebody who asks to join. given, needed: how many there are, and must be."""

    id: RecordId
    seq: int
    member: MemberId
    given: int
    needed: int


@dataclass(frozen=True, slots=True)
class RemovalProposal:
    """A proposal that somebody is a member no longer. others: how many could vote for it."""

    id: RecordId
    seq: int
    member: MemberId
    others: int


@dataclass(frozen=True, slots=True)
class ForkProposal:
    """A proposal which record of a fork counts all the same."""

    id: RecordId
    seq: int
    record: RecordId


class Membership(HomeAccess):
    """Members that come and go, and what of a fork stays."""

    def found(self, name: str, *, rules: str | None = None) -> CommunityId:
        """Found a community, and be its first member; return its id.

        rules: a template's name or the path of a file; None for none. Raises UnusableText,
        BadRuleset, InCommunityAlready.
        """
        settings = found_community(self.home, name, self._unlock, rules, self.words)
        self.refresh()
        return settings.here

    def join(
        self, link: str, *, names: bool = False, wait_s: float = JOIN_SECONDS_MAX
    ) -> JoinRequest:
        """Ask to join the community of a link, and bring the request to a node for `wait_s`.

        link: or a join code, for which the inviter's node is asked. names: whether names of hosts
        in the link are looked up. Raises BadLink, NotReachable, NotPermitted, InCommunityAlready.
        """
        community = places(link_of(link, self.words), names=names, words=self.words)
        tried = tuple(address for contact in community.contacts for address in contact.addresses)
        state = ask_to_join(self.home, community, self._unlock, self.words)
        is_answered = state != WAITING
        if not is_answered:
            try:
                state = knocked(self.home, community, self._unlock, wait_s, self.words)
                is_answered = self.home.holder() is None
            except NotReachable:  # the request is kept
                pass
        self.refresh()
        return JoinRequest(community.community, state, tried, is_answered)

    def vouch(self, member: str) -> Vouch:
        """Vouch for a member who asks to join. Raises UnknownId, AmbiguousId, WouldNotCount."""
        view = self.view
        asking = {request.member: request for request in membership.pending_requests(view.state)}
        if not asking:
            raise UnknownId(self.words("nobody asks to join now"))
        newcomer = called({asker: view.name(asker) for asker in asking}, member)
        request = asking[newcomer]
        needed = view.kept.rules.membership.vouches
        data = {"member": bytes(newcomer), "request": bytes(request.id)}
        written = self._write_one("member.vouch", data, (request.id,))
        return Vouch(written.id, written.seq, newcomer, request.vouches + 1, needed)

    def check_leaving(self) -> None:
        """Raise WouldNotCount where this member cannot leave now."""
        self.view.check(wish_of(LEAVE, {}))

    def leave(self) -> WrittenRecord:
        """Leave the community; one comes back only by a new invite. Raises WouldNotCount."""
        return self._write_one(LEAVE, {})

    def remove(self, member: str, *, note: str | None = None) -> RemovalProposal:
        """Propose that somebody is a member no longer; the others vote on it.

        note: why; it is never erased. Raises UnknownId, AmbiguousId, WouldNotCount.
        """
        view = self.view
        removed = view.member(member)
        known = membership.member(view.state, removed)
        if known is None or known.status != "active":
            text = self.words("{name} is no member now")
            raise UnknownId(text.format(name=view.name(removed)))
        others = sum(
            other.status == "active" and other.id != removed
            for other in membership.members(view.state)
        )
        data: dict[str, Any] = {"subject": "removal", "member": bytes(removed)}
        cited = invites.admissions(view.state, removed)[-DEPS_MAX + 1 :]
        cited += () if known.profile is None else (known.profile,)
        body = note_body(note, permanent=True, words=self.words)
        written = self._write_one("rules.propose", data, cited, body)
        return RemovalProposal(written.id, written.seq, removed, others)

    def resolve_fork(self, record: str | bytes, *, note: str | None = None) -> ForkProposal:
        """Propose that a record, one of two by which a log forked, counts all the same.

        The log stays frozen after it. note: why; it is never erased. Raises UnknownId.
        """
        from commonweal.protocol.records.record import from_bytes_unchecked

        view = self.view
        kept = view.held(prefix(record))
        proof = view.store.proof(kept.author)
        pair = [] if proof is None else [from_bytes_unchecked(wire) for wire in proof.wires]
        if kept.id not in [record.id for record in pair] or pair[0].seq != pair[1].seq:
            text = self.words("{id} is not one of two records of a fork")
            raise UnknownId(text.format(id=prefix(record)))
        data: dict[str, Any] = {
            "subject": "fork",
            "device": bytes(kept.author),
            "seq": kept.seq,
            "pair": sorted(bytes(record.id) for record in pair),
            "keep": bytes(kept.id),
        }
        body = note_body(note, permanent=True, words=self.words)
        written = self._write_one("rules.propose", data, (kept.id,), body)
        return ForkProposal(written.id, written.seq, kept.id)
