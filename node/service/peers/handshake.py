"""The handshake: which peers may stay on a link, and at which trust level.

A stranger may send one message, its hello. Its device counts only if it was enrolled with the
peer key of this link (`_bind`), and it is a member's only by what the ledger or its credentials
prove (`_admit`). A peer with a valid invite stays as a guest and may leave its request; all
others are refused and shown nothing. No node vouches for a newcomer: the request is judged by the
rules, and members vouch by hand where the rules ask for more.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from commonweal.node.service.core import Core
from commonweal.node.service.events import Admit, AdmitGuest
from commonweal.node.service.peer import PeerState
from commonweal.node.service.peers.membership_evidence import chosen
from commonweal.node.service.peers.overlay import MADE_ROOM
from commonweal.node.transport import GUESTS_MAX, TrustLevel
from commonweal.protocol.errors import BadSignature, CommonwealError, NotPermitted
from commonweal.protocol.identity import membership_proof
from commonweal.protocol.identity.invite import Invite
from commonweal.protocol.keys import DeviceKey, MemberId, PeerKey, Signer
from commonweal.protocol.ledger.members import membership
from commonweal.protocol.records.record import RECORD_BYTES_MAX, RecordId, from_bytes
from commonweal.protocol.wire import hello, messages
from commonweal.protocol.wire.hello import Greeting, InviteProof

PARTING_MS = 1_000
"""Time that a link stays after its device was revoked here, so that the peer learns of it."""


class Handshake:
    """The hellos of both sides, and the admission of guests."""

    def __init__(self, core: Core, invite: Invite | None) -> None:
        self.core = core
        self.invite = invite
        """The invite that this node holds while it is not admitted itself."""
        self.refusal: tuple[str, str] | None = None
        """The last reason that another node gave for refusing us: (code, text)."""
        self._credentials: tuple[bytes, ...] = ()
        self._stamp: object = None
        self._parting: dict[PeerKey, int] = {}
        """Members' links that are about to end, and since when."""
        self._greeted: dict[PeerKey, None] = {}
        """The peers to which our hello was sent."""
        self._invites: dict[PeerKey, RecordId] = {}
        """The invite of each guest."""

    def left(self, key: PeerKey) -> None:
        """Forget what was said on a link that ended."""
        self._greeted.pop(key, None)
        self._invites.pop(key, None)
        self._parting.pop(key, None)

    def greet(self, peer: PeerState) -> None:
        """Send our hello."""
        core = self.core
        replica, me = core.replica, core.me
        proof: InviteProof | None = None
        if self.invite is not None and not replica.is_member(me.device):
            key = Signer(self.invite.seed)
            proof = hello.invite_proof(key, replica.community, self.invite.id, me.peer, peer.key)
        is_guest = peer.trust is TrustLevel.GUEST
        greeting = Greeting(
            (*hello.VERSIONS, hello.LIGHT_HOME) if replica.light.is_light else hello.VERSIONS,
            me.device,
            self._enrolment() if is_guest else self._own_credentials(),
            proof,
            replica.chain.height,
            bytes(replica.chain.seal) if replica.chain.height else b"",
            replica.ruleset,
            replica.frontier.digest(),
            core.now_ms,
        )
        nonce = core.rng.randbytes(hello.NONCE_BYTES)
        core.send(peer, hello.encrypt(greeting, replica.community, me.peer, peer.key, nonce))
        self._greeted[peer.key] = None

    def receive(self, peer: PeerState, message: messages.Hello) -> bool:
        """Take in the peer's hello; say whether comparing may begin.

        A refused peer is dropped, with a reason only if it knows the community.
        """
        core, community = self.core, self.core.replica.community
        try:
            greeting = hello.decrypt(message, community, peer.key, core.me.peer)
        except NotPermitted:
            core.drop(peer, "does not know the community")
            return False
        peer.skew_ms = greeting.clock_ms - core.now_ms
        peer.height = greeting.height
        peer.versions = greeting.versions
        if not set(greeting.versions) & set(hello.VERSIONS):
            self._refuse(peer, "version", "this node speaks another version; upgrade one of us")
        elif not self._bind(peer, greeting):
            text = "the device was not enrolled with the key of this node"
            self._refuse(peer, "not-a-member", text)
        elif self._admit(peer, greeting.credentials):
            core.replica.chain.learn(greeting.credentials)
        elif greeting.invite is not None:
            self._host(peer, greeting.invite)
        else:
            self._refuse(peer, "not-a-member", "you are not a member here, as far as known")
        return peer.is_member

    def promote(self) -> list[PeerState]:
        """Admit guests that became members and return them; drop peers that no longer are."""
        self._demote()
        admitted = []
        for peer in list(self.core.peers.values()):
            if peer.trust is not TrustLevel.GUEST:
                continue
            if self._admit(peer):
                admitted.append(peer)
            elif peer.key in self._invites:
                self._turn_away(peer, self._invites[peer.key])
        return admitted

    def _demote(self) -> None:
        """End the links of revoked devices and of members who left, PARTING_MS after that."""
        now_ms, before = self.core.now_ms, self._parting
        self._parting = {
            peer.key: before.get(peer.key, now_ms)
            for peer in self.core.members()
            if self._is_ended(peer)
        }
        for key, since_ms in self._parting.items():
            if now_ms - since_ms >= PARTING_MS:
                text = "this device was revoked, or its member left"
                self._refuse(self.core.peers[key], "not-a-member", text)

    def _is_ended(self, peer: PeerState) -> bool:
        """Say whether records show that this device is no member's, or belongs to another host."""
        replica, device = self.core.replica, peer.device
        if device is None:
            return False
        status = membership.status_of(replica.ledger.state, device)
        is_over = status in ("revoked", "left", "removed") or replica.is_removed(device)
        if is_over or replica.is_waiting(device):
            return True
        return membership.peer_of(replica.ledger.state, device) not in (None, peer.key)

    def _bind(self, peer: PeerState, greeting: Greeting) -> bool:
        """Give a peer the device that it names, if that was enrolled with this link's peer key.

        Only here does a peer get a device. Whether that is a member's is decided by `_admit`.
        """
        replica, device = self.core.replica, greeting.device
        enrolled = membership.peer_of(replica.ledger.state, device)
        if enrolled is None:
            is_bound = any(self._binds(data, device, peer.key) for data in greeting.credentials)
        else:
            is_bound = enrolled == peer.key
        if is_bound:
            peer.device = device
        return is_bound

    def _binds(self, data: bytes, device: DeviceKey, key: PeerKey) -> bool:
        with suppress(CommonwealError):
            return membership_proof.is_bound_to_peer(
                from_bytes(data), self.core.replica.community, device, key
            )
        return False

    def _admit(self, peer: PeerState, shown: Sequence[bytes] = ()) -> bool:
        """Make a peer a member's, if its device is a member's; this is done only here.

        shown: the credentials of its hello.
        """
        device = peer.device
        if device is None or self._is_ended(peer):
            return False
        member = self._member_of(peer, device, shown)
        if member is None and not self._is_named(peer):
            return False
        peer.trust, peer.member = TrustLevel.MEMBER, member
        self.refusal = None
        self.core.do(Admit(peer.key))
        if peer.key not in self._greeted:
            self.greet(peer)
        return True

    def _member_of(
        self, peer: PeerState, device: DeviceKey, shown: Sequence[bytes]
    ) -> MemberId | None:
        """Return the member of a device, by the records held or by the credentials shown."""
        member = self.core.replica.member_of(device)
        if member is None:
            member = self._enroller(peer, device, shown)
        return self._shown(peer, device, shown) if member is None else member

    def _enroller(
        self, peer: PeerState, device: DeviceKey, shown: Sequence[bytes]
    ) -> MemberId | None:
        """Return the known member who enrolled this device, as a member who restores does."""
        for data in shown:
            with suppress(CommonwealError):
                record = from_bytes(data)
                place = (self.core.replica.community, device, peer.key)
                if membership_proof.is_enrolled(record, *place, self._speaking):
                    return MemberId(record.data["member"])
        return None

    def _shown(self, peer: PeerState, device: DeviceKey, shown: Sequence[bytes]) -> MemberId | None:
        """Return the member that credentials prove, unless records held here contradict them."""
        replica = self.core.replica
        try:
            claim = membership_proof.check(
                shown, replica.community, device, peer.key, replica.member_of
            )
        except CommonwealError:
            return None
        known = membership.member(replica.ledger.state, claim.member)
        if known is None or known.status == "new":
            if any(map(self._is_over, claim.invites[:1])):
                return None
            # A request that is held here and admits nobody needs the vouch of somebody.
            waits = bool(claim.invites) and self._has_asked(claim.member)
            return None if waits else claim.member
        speaking = self._speaking(claim.member)
        is_so = speaking is not None and claim.continues(speaking, known.rekeys)
        return claim.member if is_so else None

    def _is_over(self, id: RecordId) -> bool:
        """Say whether an invite is known to have ended before anyone used it."""
        replica = self.core.replica
        invite = membership.invite(replica.ledger.state, id)
        return invite is not None and (
            invite.closed is not None or invite.author in replica.removed
        )

    def _has_asked(self, member: MemberId) -> bool:
        return any(
            request.member == member
            for request in membership.pending_requests(self.core.replica.ledger.state)
        )

    def _is_named(self, peer: PeerState) -> bool:
        """Say whether we dialled the peer that our link names, and know no member yet."""
        replica = self.core.replica
        if not peer.outbound or membership.founder(replica.ledger.state) is not None:
            return False
        return any(
            (known.peer, known.source) == (peer.key, "link") for known in replica.store.addresses()
        )

    def _speaking(self, member: MemberId) -> membership_proof.KeySet | None:
        """Return the keys that now sign for a member, as far as is known, or None."""
        replica = self.core.replica
        if member in replica.removed:
            return None
        return membership.active(replica.ledger.state, member)

    def _host(self, peer: PeerState, proof: InviteProof) -> None:
        replica = self.core.replica
        invite = membership.invite(replica.ledger.state, proof.invite)
        if invite is None:
            return self._refuse(peer, "invite-unknown", "this node has not heard of the invite")
        try:
            hello.check_invite_proof(
                proof, invite.key, replica.community, peer.key, self.core.me.peer
            )
        except BadSignature:
            return self.core.drop(peer, "an invite without its key")
        if self._turn_away(peer, invite.id):
            return None
        self._make_room()
        peer.trust, self._invites[peer.key] = TrustLevel.GUEST, invite.id
        self.core.do(AdmitGuest(peer.key))
        if peer.key not in self._greeted:
            self.greet(peer)
        return None

    def _make_room(self) -> None:
        """When all places are taken, drop the first guest of the member who invited most of them.

        The request of that guest is held by then, and the guest may connect again.
        """
        guests = [peer for peer in self.core.peers.values() if peer.trust is TrustLevel.GUEST]
        if len(guests) >= GUESTS_MAX:
            inviters = [self._inviter(guest) for guest in guests]
            most = max(inviters, key=inviters.count)
            self.core.drop(guests[inviters.index(most)], MADE_ROOM)

    def _inviter(self, guest: PeerState) -> MemberId | None:
        state = self.core.replica.ledger.state
        id = self._invites.get(guest.key)
        invite = membership.invite(state, id) if id is not None else None
        return invite.author if invite is not None else None

    def _turn_away(self, peer: PeerState, id: RecordId) -> bool:
        """Refuse a guest whose invite admits nobody more; say whether it was refused."""
        state = self.core.replica.ledger.state
        invite = membership.invite(state, id)
        if invite is None:
            self._refuse(peer, "invite-unknown", "this node has not heard of the invite")
        elif invite.revoked:
            self._refuse(peer, "invite-revoked", "the invite was taken back")
        elif invite.expires is not None and invite.expires < self.core.now_ms:
            self._refuse(peer, "invite-expired", "the invite is too old; ask for another")
        elif invite.used >= invite.uses:
            self._refuse(peer, "invite-used", "the invite was used by another")
        elif invite.closed is not None or invite.author in self.core.replica.removed:
            text = "the invite ended with the membership or the device of its author"
            self._refuse(peer, "invite-ended", text)
        return peer.key not in self.core.peers

    def _refuse(self, peer: PeerState, code: str, text: str) -> None:
        self.core.send(peer, messages.Bye(code, text))
        self.core.drop(peer, code)

    def _own_credentials(self) -> tuple[bytes, ...]:
        """Return the records that prove our membership to a peer that does not know us.

        Only our enrolment before we are admitted, or where all records exceed a hello. Guests get
        none of them, since they name other members.
        """
        replica, device = self.core.replica, self.core.me.device
        member = replica.member_of(device)
        founder = membership.founder(replica.ledger.state)
        if member is None or founder is None:
            return self._enrolment()
        known = [membership.member(replica.ledger.state, id) for id in (member, founder)]
        stamp = tuple((row.id, row.since, row.rekeys) for row in known if row is not None)
        if self._stamp != stamp:
            wires = chosen(replica.store, replica.ledger, device, founder)
            if not membership_proof.is_within_limits(wires):
                wires = list(self._enrolment())
            self._credentials, self._stamp = tuple(wires), stamp
        return self._credentials

    def _enrolment(self) -> tuple[bytes, ...]:
        """Return the record that enrols this device."""
        return tuple(self.core.replica.store.wires(self.core.me.device, 0, 1, RECORD_BYTES_MAX))
