"""Invites: links by which others join, listed, and taken back."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from commonweal.client.access import HomeAccess, prefix
from commonweal.client.community.join_codes import offered_code
from commonweal.client.community.link_reach import LinkReach, link_reach, tried_reach
from commonweal.client.home.own_addresses import contacts
from commonweal.client.home.submit import now_ms
from commonweal.client.language.times import read_duration_ms
from commonweal.client.ledger.names.directory import People, begins
from commonweal.protocol import keys
from commonweal.protocol.identity import invite as links
from commonweal.protocol.identity.invite import CommunityLink, Invite
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.members import member_keys, membership
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import RecordId
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.records.seal_store import SealStore

INVITE_USES_MAX = 1000


@dataclass(frozen=True, slots=True)
class InviteLink:
    """A link that admits `uses` people until a time. It admits its holder by its
    author's word.

    reach: whether others can use it from outside, tried when it was made. code: stands for the
    link while this member's node runs, for a day; None where no node runs.
    """

    link: str
    id: RecordId
    uses: int
    expires_ms: int
    reach: LinkReach
    code: str | None


@dataclass(frozen=True, slots=True)
class DeviceLink:
    """A link without an invite, by which a new device of a member finds the community."""

    link: str
    reach: LinkReach


@dataclass(frozen=True, slots=True)
class ListedInvite:
    """An invite and how it stands. state: "open", "used", "expired", "ended" or "revoked"."""

    id: RecordId
    author: MemberId
    author_name: str
    uses: int
    used: int
    expires_ms: int | None
    revoked: bool
    state: str


@dataclass(frozen=True, slots=True)
class InviteRevocation:
    """The record that takes an invite back."""

    id: RecordId
    invite: RecordId
    seq: int


class Invites(HomeAccess):
    """Links for others."""

    def invite(self, *, uses: int = 1, expires: str = "7d") -> InviteLink:
        """Make a link by which `uses` people join until it expires: 30m, 12h, 7d, 2w.

        Raises UnreadableTime, NotAdmittedYet. This member's node has to run while they join.
        """
        until = now_ms() + read_duration_ms(expires)
        seed = os.urandom(keys.SEED_BYTES)
        key = keys.Signer(seed).key
        data = {"key": key, "uses": uses, "expires": until}
        written = self._write_one("invite.create", data)
        link, reach = self._tried_link(written.id, seed)
        code = offered_code(self.home, link, until)
        return InviteLink(links.to_text(link), written.id, uses, until, reach, code)

    def invites(self) -> list[ListedInvite]:
        """Return all invites, used and revoked ones too."""
        return [self._listed(invite) for invite in membership.invites(self.view.state)]

    def has_invited_nobody(self) -> bool:
        """Whether this member is the only one, and there never was an invite."""
        members = membership.members(self.view.state)
        active = [member.id for member in members if member.status == "active"]
        return active == [self.view.me] and not membership.invites(self.view.state)

    def revoke_invite(self, id: str | bytes) -> InviteRevocation:
        """Take an invite back; those who joined by it stay. Raises UnknownId."""
        known = (invite.id for invite in membership.invites(self.view.state))
        invite = begins(known, prefix(id))
        written = self._write_one("invite.revoke", {"invite": bytes(invite)}, (invite,))
        return InviteRevocation(written.id, invite, written.seq)

    def device_link(self, member: str | None = None) -> DeviceLink:
        """Return a link for a new device of a member, else of this one; it holds no invite."""
        owner = self.view.member(member) if member else self.view.me
        rekeyed = member_keys.rekeyed(self.view.state, owner)
        link, reach = self._tried_link()
        return DeviceLink(links.to_text(replace(link, rekeyed=rekeyed)), reach)

    def _tried_link(
        self, id: RecordId | None = None, seed: bytes = b""
    ) -> tuple[CommunityLink, LinkReach]:
        """Have members dial this node; return a link with what they reached, and its reach."""
        tried = tried_reach(self.home)
        link = link_to(self.home, id, seed)
        return link, link_reach(self.home, link, tried, self._owner_of, self.words)

    def _owner_of(self, peer: bytes) -> tuple[MemberId | None, str]:
        """Return the member whose node has this peer key, and their name."""
        for device in membership.devices(self.view.state):
            if device.peer == peer:
                return device.member, self.view.name(device.member)
        return None, ""

    def _listed(self, invite: membership.InviteStatus) -> ListedInvite:
        is_late = invite.expires is not None and invite.expires < now_ms()
        is_ended = invite.closed == Reason.INVITE_ENDED
        state = "revoked" if invite.revoked else "ended" if is_ended else "open"
        state = "used" if state == "open" and invite.used >= invite.uses else state
        return ListedInvite(
            id=invite.id,
            author=invite.author,
            author_name=self.view.name(invite.author),
            uses=invite.uses,
            used=invite.used,
            expires_ms=invite.expires,
            revoked=invite.revoked,
            state="expired" if is_late and state == "open" else state,
        )


def link_to(home: Home, id: RecordId | None = None, seed: bytes = b"") -> CommunityLink:
    """Return a link to this home's community, with the invite `id` when it is given."""
    with home.store(readonly=True) as store:
        settings = Settings.read(store)
        people = People(store, settings.here)
        peer = next(
            device.peer
            for device in membership.devices(people.state)
            if device.key == settings.device
        )
        invite = None
        if id is not None:
            clock = store.clock_of(id)
            assert clock is not None, "an invite that was written is held"
            invite = Invite(id, clock, seed)
        last = SealStore(store, settings.here).last()
        return CommunityLink(settings.here, contacts(store, home, settings, peer), invite, *last)
