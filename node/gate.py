"""The gate: who may stay on a link, and as what.

A stranger gets one message, hello. Who knows the community and proves to be a member's
device is admitted; who holds a good invite stays as a guest and may leave his request
here; anybody else is shown nothing. Before any quorum exists it is the founder's node
that vouches for requests, by itself.
"""

from __future__ import annotations

from commonweal.node.events import Admit, Tolerate
from commonweal.node.session import Desk, Session, Standing
from commonweal.protocol import credentials, hello, wire
from commonweal.protocol.errors import BadSignature, CommonwealError, NotPermitted
from commonweal.protocol.hello import Greeting, InviteProof
from commonweal.protocol.invite import Invite
from commonweal.protocol.keys import DeviceKey, Signer
from commonweal.protocol.ledger import membership
from commonweal.protocol.record import FOUND, RECORD_BYTES_MAX, Record, RecordId, from_bytes


class Gate:
    """Hellos of both sides, and the admission of guests."""

    def __init__(self, desk: Desk, invite: Invite | None) -> None:
        self.desk = desk
        self.invite = invite
        """The invite that we hold while we are not admitted ourselves."""
        self.refusal: tuple[str, str] | None = None
        """The last reason that another node gave for refusing us: (code, text)."""
        self._credentials: tuple[bytes, ...] = ()

    def greet(self, session: Session) -> None:
        """Send our hello."""
        desk = self.desk
        replica, me = desk.replica, desk.me
        proof: InviteProof | None = None
        if self.invite is not None and not replica.is_member(me.device):
            key = Signer(self.invite.seed)
            proof = hello.invite_proof(
                key, replica.community, self.invite.id, me.peer, session.peer
            )
        greeting = Greeting(
            hello.VERSIONS,
            me.device,
            self._own_credentials(),
            proof,
            replica.height,
            b"",
            replica.ruleset,
            replica.frontier.digest(),
            desk.now_ms,
        )
        nonce = desk.rng.randbytes(hello.NONCE_BYTES)
        desk.send(session, hello.close(greeting, replica.community, me.peer, session.peer, nonce))
        session.greeted = True

    def receive(self, session: Session, message: wire.Hello) -> bool:
        """Take in the peer's hello; say whether comparing may begin.

        Who is refused is dropped, with a reason only if he knows the community.
        """
        desk, community = self.desk, self.desk.replica.community
        try:
            greeting = hello.open_(message, community, session.peer, desk.me.peer)
        except NotPermitted:
            desk.drop(session, "does not know the community")
            return False
        session.skew_ms = greeting.clock_ms - desk.now_ms
        if not set(greeting.versions) & set(hello.VERSIONS):
            self._refuse(session, "version", "this node speaks another version; upgrade one of us")
        elif self._is_member(session, greeting):
            self._admit(session, greeting.device)
        elif greeting.invite is not None:
            self._host(session, greeting, greeting.invite)
        else:
            self._refuse(session, "not-a-member", "you are not a member here, as far as known")
        return session.is_member

    def promote(self) -> list[Session]:
        """Admit guests whose membership has come; return their sessions."""
        found = []
        replica = self.desk.replica
        for session in list(self.desk.sessions.values()):
            device = session.device
            if session.standing is not Standing.GUEST or device is None:
                continue
            if replica.is_member(device):
                self._admit(session, device)
                found.append(session)
            elif session.invite is not None:
                self._turn_away(session, session.invite)
        return found

    def _is_member(self, session: Session, greeting: Greeting) -> bool:
        replica = self.desk.replica
        status = membership.status_of(replica.ledger.state, greeting.device)
        if status in ("revoked", "left", "removed") or replica.is_removed(greeting.device):
            return False
        if status == "active":
            return membership.peer_of(replica.ledger.state, greeting.device) == session.peer
        if status is None and self._is_new_device(session, greeting):
            return True
        try:
            credentials.check(
                greeting.credentials, replica.community, greeting.device, session.peer
            )
        except CommonwealError:
            return False
        return True

    def _is_new_device(self, session: Session, greeting: Greeting) -> bool:
        """Say whether a member whom we know enrolled this device, as one who restores does."""
        replica = self.desk.replica
        for data in greeting.credentials:
            try:
                return credentials.is_enrolled(
                    from_bytes(data),
                    replica.community,
                    greeting.device,
                    session.peer,
                    lambda id: membership.active(replica.ledger.state, id),
                )
            except CommonwealError:
                continue
        return False

    def _admit(self, session: Session, device: DeviceKey) -> None:
        session.standing, session.device = Standing.MEMBER, device
        self.desk.do(Admit(session.peer))
        if not session.greeted:
            self.greet(session)

    def _host(self, session: Session, greeting: Greeting, proof: InviteProof) -> None:
        replica = self.desk.replica
        invite = membership.invite(replica.ledger.state, proof.invite)
        if invite is None:
            return self._refuse(session, "invite-unknown", "this node has not heard of the invite")
        try:
            hello.check_invite_proof(
                proof, invite.key, replica.community, session.peer, self.desk.me.peer
            )
        except BadSignature:
            return self.desk.drop(session, "an invite without its key")
        if self._turn_away(session, invite.id):
            return None
        session.standing, session.device = Standing.GUEST, greeting.device
        session.invite = invite.id
        self.desk.do(Tolerate(session.peer))
        if not session.greeted:
            self.greet(session)
        return None

    def _turn_away(self, session: Session, id: RecordId) -> bool:
        """Refuse a guest whose invite admits nobody more; say whether he was."""
        state = self.desk.replica.ledger.state
        invite = membership.invite(state, id)
        if invite is None:
            self._refuse(session, "invite-unknown", "this node has not heard of the invite")
        elif invite.revoked:
            self._refuse(session, "invite-revoked", "the invite was taken back")
        elif invite.expires is not None and invite.expires < self.desk.now_ms:
            self._refuse(session, "invite-expired", "the invite is too old; ask for another")
        elif invite.used >= invite.uses:
            self._refuse(session, "invite-used", "the invite was used by another")
        return session.peer not in self.desk.sessions

    def _refuse(self, session: Session, code: str, text: str) -> None:
        self.desk.send(session, wire.Bye(code, text))
        self.desk.drop(session, code)

    def _own_credentials(self) -> tuple[bytes, ...]:
        """Return the records that make us a member to who has not met us; our enrolment before."""
        replica, device = self.desk.replica, self.desk.me.device
        member = replica.member_of(device)
        if member is None:
            return tuple(replica.store.wires(device, 0, 1, RECORD_BYTES_MAX))
        if self._credentials:
            return self._credentials
        founder = membership.founder(replica.ledger.state)
        chosen: list[Record] = []
        for record in replica.store.rare():
            whose = replica.member_of(record.author)
            if record.kind == FOUND or (
                record.kind == credentials.ENROL
                and whose is not None
                and (record.author == device or whose in (member, founder))
            ):
                chosen.append(record)
            elif record.kind == credentials.VOUCH and whose == founder:
                chosen += [record] if record.data.get("member") == member else []
        self._credentials = tuple(record.wire for record in chosen[: credentials.CREDENTIALS_MAX])
        return self._credentials
