"""A village whose people write real, signed records: what ledger tests begin with."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from commonweal.protocol import keys
from commonweal.protocol.identity import identity
from commonweal.protocol.identity.identity import Enrolment, Inception
from commonweal.protocol.keys import DeviceKey, MemberId, MemberKey, PeerKey, Signer
from commonweal.protocol.ledger.fold.fold import Ledger
from commonweal.protocol.ledger.state.context import Verdict
from commonweal.protocol.records import record
from commonweal.protocol.records.record import (
    NO_ID,
    BodyRef,
    CommunityId,
    LogPosition,
    Record,
    RecordDraft,
    RecordId,
)
from commonweal.protocol.vocabulary.rule_params import DEFAULT_PARAMS, RuleParams

NAME = "Lanxi"
DOCUMENT = record.permanent_body(b"\x81\xa4name\xa5Lanxi")
TEXT = record.erasable_body(bytes(16), "text/plain", b"x")[1]


def seed(*words: object) -> bytes:
    """Return 32 bytes that follow from `words`."""
    return blake2b(repr(words).encode(), digest_size=32).digest()


class Person:
    """A member to be: one key, and what follows from it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.signer = Signer(seed(name, "member"))
        self.inception = Inception((MemberKey(self.signer.key),), 1, seed(name, "nonce"))
        self.id: MemberId = self.inception.member


class Pen:
    """A device's log, as its author writes it."""

    def __init__(self, village: Village, owner: Person, number: int = 0) -> None:
        self.village, self.owner = village, owner
        device_seed = seed(owner.name, "device", number)
        self.signer = keys.device_signer(device_seed)
        self.key = DeviceKey(self.signer.key)
        self.host = keys.peer_signer(device_seed)
        self.peer = PeerKey(self.host.key)
        self.log: list[Record] = []
        self.basis: tuple[bytes, int] | None = None
        """Id and clock of the last seal that its author knew; None before any."""

    def write(
        self,
        kind: str,
        data: dict[str, Any] | None = None,
        deps: Sequence[Record] = (),
        body: BodyRef | None = None,
        claimed_at: int = 0,
    ) -> Record:
        """Sign the next record; it stands after everything that it cites."""
        cited = [one for one in deps if not self.log or one.id != self.log[-1].id]
        ids = tuple(sorted({one.id for one in cited}))
        if kind == record.FOUND:
            place = LogPosition(CommunityId(b""), 0, NO_ID, 1, NO_ID)
        else:
            last = self.log[-1] if self.log else None
            community = self.village.community
            basis, known = self.basis or (community, 1)
            clock = 1 + max(known, last.clock if last else 0, *(one.clock for one in cited), 0)
            prev = last.id if last else NO_ID
            place = LogPosition(community, len(self.log), prev, clock, RecordId(basis))
        written = record.sign(
            self.signer, place, RecordDraft(kind, data or {}, claimed_at, ids, body)
        )
        self.log.append(written)
        self.village.records.append(written)
        return written

    def enrol(self, deps: Sequence[Record] = (), is_new: bool = True, **over: Any) -> Record:
        """Begin the log with an enrolment by the owner's key."""
        enrolment = Enrolment(self.village.community, self.owner.id, self.key, self.peer)
        data: dict[str, Any] = {
            "member": self.owner.id,
            "peer": self.peer,
            "proof": identity.sign_as_peer(enrolment, self.host),
            "signatures": signatures(
                self.owner.signer, identity.sign_enrolment(enrolment, self.owner.signer)
            ),
        }
        if is_new:
            data["inception"] = self.owner.inception.to_bytes()
        return self.write("device.enrol", data | over, deps)

    def request(self, invite: Record, invite_key: Signer) -> Record:
        """Ask to be admitted under `invite`."""
        fields = (self.village.community, self.owner.id, self.key)
        proof = keys.sign_array(invite_key, keys.INVITE_CONTEXT, *fields)
        return self.write("member.request", {"invite": invite.id, "proof": proof}, [invite])

    def invite(self, key: Signer, uses: int = 1) -> Record:
        """Make an invite."""
        return self.write("invite.create", {"key": key.key, "uses": uses})

    def vouch(self, request: Record, member: Person) -> Record:
        """Vouch for a request."""
        data = {"member": member.id, "request": request.id}
        return self.write("member.vouch", data, [request])

    def revoke(self, pen: Pen, seq: int, by: Person | None = None, **over: Any) -> Record:
        """Carry the word of `by` that ends another device's log after `seq`."""
        person = by or pen.owner
        last = pen.log[seq].id
        fields = (self.village.community, person.id, pen.key, seq, last)
        signature = keys.sign_array(person.signer, keys.REVOKE_CONTEXT, *fields)
        data = {"device": pen.key, "seq": seq, "id": last}
        data["signatures"] = signatures(person.signer, signature)
        return self.write("device.revoke", data | over)


class Village:
    """A community, its founder, and every record written in it."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.founder = Person("Mei")
        self.mei = Pen(self, self.founder)
        self.community = CommunityId(b"")
        self.invite_key = Signer(seed("invite"))
        founding = self.mei.write(record.FOUND, self.founding(), body=DOCUMENT)
        self.community = CommunityId(founding.id)

    def founding(self) -> dict[str, Any]:
        """Return the data of the founding record."""
        nonce = seed("nonce")
        enrolment = Enrolment(nonce, self.founder.id, self.mei.key, self.mei.peer)
        signature = identity.sign_enrolment(enrolment, self.founder.signer)
        return {
            "nonce": nonce,
            "inception": self.founder.inception.to_bytes(),
            "peer": self.mei.peer,
            "proof": identity.sign_as_peer(enrolment, self.mei.host),
            "signatures": signatures(self.founder.signer, signature),
        }

    def pen(self, name: str, number: int = 0) -> Pen:
        """Return an empty log of a device of the person `name`."""
        return Pen(self, Person(name), number)

    def join(self, name: str) -> Pen:
        """Let `name` enrol, ask, and be admitted; return the log."""
        pen = self.pen(name)
        invite = self.mei.invite(self.invite_key)
        pen.enrol([invite])
        asked = pen.request(invite, self.invite_key)
        # What the founder writes next stands after the admission.
        seen = self.mei.write("member.profile", {}, [asked], TEXT)
        pen.write("member.profile", {}, [seen], TEXT)
        return pen

    def ledger(self, *deliveries: Sequence[Record], rules: RuleParams = DEFAULT_PARAMS) -> Ledger:
        """Return the ledger of `deliveries`, or of everything written."""
        ledger = Ledger(self.community, rules=rules)
        for records in deliveries or (self.records,):
            ledger.add(records)
        return ledger


def signatures(signer: Signer, signature: bytes) -> list[Any]:
    """Return one member key's signature as records hold it."""
    return [[signer.key, signature]]


def outcome(ledger: Ledger, records: Sequence[Record]) -> tuple[bytes, dict[RecordId, Verdict]]:
    """Return all that a ledger says: the bytes of its state, and the verdict on each record."""
    verdicts = {one.id: ledger.verdict(one.id) for one in records}
    return ledger.state.to_bytes(), verdicts
