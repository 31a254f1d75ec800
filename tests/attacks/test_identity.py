"""Whoever names a device, a host or a place that is not theirs is not taken for its owner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

import pytest

from commonweal.node.service.events import (
    Action,
    Admit,
    Answer,
    Committed,
    Dial,
    Send,
    Submitted,
    Ticket,
    Wish,
    Woke,
)
from commonweal.node.service.peers.handshake import PARTING_MS
from commonweal.node.service.peers.rollback import CLAIM_MS_MAX
from commonweal.node.transport import (
    Connected,
    Disconnected,
    FrameReceived,
    PeerDiscovered,
    TrustLevel,
)
from commonweal.protocol.codec import Value
from commonweal.protocol.errors import OlderCopy
from commonweal.protocol.identity import founding, signed_address
from commonweal.protocol.identity.invite import Invite
from commonweal.protocol.identity.signed_address import STAMP_AHEAD_MS_MAX
from commonweal.protocol.keys import DeviceKey, PeerKey, Signer
from commonweal.protocol.records.frontier import Frontier
from commonweal.protocol.records.record import Record
from commonweal.protocol.wire import frame_codec, hello, messages
from commonweal.protocol.wire.hello import Greeting
from tests.sim.world.node import OPEN, Node, Person, by_hand
from tests.sim.world.world import World

FAR = "/ip4/10.9.9.9/tcp/1"


class Outsider(Person):
    """Keys that no member knows."""

    def __init__(self, number: int) -> None:
        super().__init__(Random(number))


class Place:
    """One node of a small community, taken out of it, and an unused invite."""

    def __init__(self, at: int, rules: Mapping[str, Value] = OPEN) -> None:
        world = World(31, rules=rules)
        world.grow(4)
        self.invite: Invite = world.invited(world.nodes[0])
        for node in world.nodes:
            node.write("a note")
        world.settle()
        self.nodes: list[Node] = world.nodes
        self.node = world.nodes[at]
        self.service = self.node.service
        self.community = self.node.community
        self.now_ms = self.node.now_ms
        self.actions: list[Action] = []

    def handle(self, *events: object) -> list[Action]:
        """Let the node take in events; return what it does."""
        done = [one for event in events for one in self.service.handle(event, self.now_ms)]  # type: ignore[arg-type]
        self.actions += done
        return done

    def pass_time(self, seconds: int = 1) -> list[Action]:
        """Let seconds pass."""
        done: list[Action] = []
        for _ in range(seconds):
            self.now_ms += 1_000
            for session in self.service.core.peers.values():
                session.heard_ms = self.now_ms
            done += self.handle(Woke())
            self.node.store.commit()
            done += self.handle(Committed())
            self.node.store.commit()
        return done

    def knock(
        self,
        person: Person,
        device: DeviceKey,
        credentials: Sequence[bytes],
        invite: Invite | None = None,
    ) -> None:
        """Let a person's host come in and say which device it is."""
        me, peer = self.service.core.me.peer, person.peer
        proof = None
        if invite is not None:
            signer = Signer(invite.seed)
            proof = hello.invite_proof(signer, self.community, invite.id, peer, me)
        seen = (0, b"", b"", Frontier().digest(), self.now_ms)
        greeting = Greeting(hello.VERSIONS, device, tuple(credentials), proof, *seen)
        message = hello.encrypt(greeting, self.community, peer, me, bytes(24))
        self.handle(
            Connected(peer, FAR, outbound=False), FrameReceived(peer, frame_codec.encode(message))
        )

    def frames(self, peer: PeerKey) -> list[bytes]:
        """Return all that the node ever sent to a peer."""
        return [one.frame for one in self.actions if isinstance(one, Send) and one.peer == peer]

    def device_of(self, member: Person, number: int) -> tuple[Person, Record]:
        """Return another device of a member's and its enrolment, which no ledger has."""
        other = Outsider(number)
        other.member_signer, other.inception = member.member_signer, member.inception
        return other, other.enrol(self.community, 1)

    def write(self) -> object:
        """Let the node's own member write; return the answer."""
        self.handle(Submitted(Ticket(1), (Wish("event", {}),)))
        self.node.store.commit()
        (answer,) = [one.value for one in self.handle(Committed()) if isinstance(one, Answer)]
        return answer


def stolen(place: Place, outsider: Outsider, owner: Node, how: str) -> list[bytes]:
    """Return credentials with which somebody may claim to be the device of `owner`."""
    if how == "nothing":
        return []
    if how == "its credentials":
        return list(owner.service.handshake._own_credentials())
    fields = (outsider.member_signer, outsider.inception)
    if how == "an own enrolment":
        return [outsider.enrol(place.community, 1).wire]
    made = founding.enrol(*fields, outsider.signer, outsider.host, place.community, 1)
    return [*owner.service.handshake._own_credentials(), made.wire]


@pytest.mark.parametrize("how", ["nothing", "its credentials", "an own enrolment", "both"])
@pytest.mark.parametrize("whose", [0, 1, 2])
def test_a_guest_who_names_the_device_of_a_member_is_nobody_and_gets_nothing(
    whose: int, how: str
) -> None:
    place = Place(at=2)
    owner, outsider = place.nodes[whose], Outsider(7)
    place.knock(outsider, owner.person.device, stolen(place, outsider, owner, how), place.invite)
    place.pass_time(5)
    assert outsider.peer not in place.service.core.peers
    assert Admit(outsider.peer) not in place.actions
    said = [frame_codec.decode(frame) for frame in place.frames(outsider.peer)]
    assert [type(one) for one in said] == [messages.Bye]
    shown = [one for one in place.service.queries.peers() if one["peer"] == outsider.peer]
    assert [(one["device"], one["member"]) for one in shown] == [(None, None)]


def test_a_guest_who_names_the_device_of_another_newcomer_is_nobody() -> None:
    place = Place(at=2)
    newcomer, outsider = Outsider(6), Outsider(7)
    enrolment = newcomer.enrol(place.community, 1)
    place.knock(outsider, newcomer.device, [enrolment.wire], place.invite)
    assert outsider.peer not in place.service.core.peers
    place.knock(newcomer, newcomer.device, [enrolment.wire], place.invite)
    assert place.service.core.peers[newcomer.peer].trust is TrustLevel.GUEST


def test_a_guest_gets_no_record_name_or_address_of_others_before_the_vouch() -> None:
    """The founding circle is full, so the invite alone does not admit."""
    place = Place(at=2, rules=by_hand(4))
    guest = Outsider(8)
    own = guest.enrol(place.community, 1)
    asked = founding.request(
        *(guest.signer, guest.inception, place.community, founding.tip_after(own)),
        *(place.invite, 1),
    )
    place.knock(guest, guest.device, [own.wire], place.invite)
    founder = place.nodes[0].person.device
    questions: list[messages.Message] = [
        messages.Runs((messages.Run(guest.device, 0, (own.wire, asked.wire)),), 0, asked=False),
        messages.Compare(bytes(32), b""),
        messages.WantRecords((messages.Range(founder, 0, 9),)),
        messages.WantEvidence(()),
        messages.Ping(7),
    ]
    for question in questions:
        place.handle(FrameReceived(guest.peer, frame_codec.encode(question)))
    place.pass_time(10)
    assert place.service.core.peers[guest.peer].trust is TrustLevel.GUEST
    said = [frame_codec.decode(frame) for frame in place.frames(guest.peer)]
    assert {type(one) for one in said} == {messages.Hello, messages.Pong, messages.Have}
    assert all(
        one.lengths == ((guest.device, 2),) for one in said if isinstance(one, messages.Have)
    )
    (greeted,) = [one for one in said if isinstance(one, messages.Hello)]
    greeting = hello.decrypt(greeted, place.community, place.service.core.me.peer, guest.peer)
    assert greeting.credentials == tuple(
        place.node.store.wires(place.node.person.device, 0, 1, 1 << 20)
    )
    others = [one.person for one in place.nodes if one is not place.node]
    named = [bytes(key) for one in others for key in (one.device, one.peer, one.inception.member)]
    shown = b"".join((*place.frames(guest.peer), *greeting.credentials))
    assert not any(name in shown for name in named)


def test_a_device_that_its_owner_enrolled_for_another_host_ends_the_link_of_this_one() -> None:
    place = Place(at=0)
    device, enrolment = place.device_of(place.nodes[1].person, 9)
    place.knock(device, device.device, [enrolment.wire])
    assert place.service.core.peers[device.peer].is_member
    device.host = Signer(bytes(32))
    other = device.enrol(place.community, 2)
    place.service.core.replica.append(device.device, [other], {}, checked=True)
    place.pass_time(2 + PARTING_MS // 1_000)
    assert device.peer not in place.service.core.peers


def test_a_member_who_claims_later_records_by_many_devices_is_believed_once() -> None:
    place = Place(at=0)
    me = place.service.core.me.device
    held = place.service.core.replica.row(me).length
    refused = 0
    for number in range(20):
        device, enrolment = place.device_of(place.nodes[1].person, 100 + number)
        place.knock(device, device.device, [enrolment.wire])
        assert place.service.core.peers[device.peer].is_member
        claim = frame_codec.encode(messages.Have(((me, held + 9),), 0))
        place.handle(FrameReceived(device.peer, claim))
        for _ in range(10):
            place.pass_time()
            answer = place.write()
            refused += isinstance(answer, OlderCopy)
            held = place.service.core.replica.row(me).length
        place.handle(Disconnected(device.peer, "comes as another"))
    assert 0 < refused <= CLAIM_MS_MAX // 1_000 + 1


def test_strangers_and_guests_keep_nobody_from_writing() -> None:
    place = Place(at=0)
    me = place.service.core.me.device
    for number in range(5):
        person = Outsider(200 + number)
        enrolment = person.enrol(place.community, 1)
        place.knock(person, person.device, [enrolment.wire], place.invite)
        session = place.service.core.peers[person.peer]
        assert session.trust is TrustLevel.GUEST
        place.handle(FrameReceived(person.peer, frame_codec.encode(messages.Have(((me, 999),), 0))))
        assert isinstance(place.write(), dict)


# Addresses.


def told(place: Place, by: Node, signed: signed_address.SignedAddress) -> None:
    place.handle(
        FrameReceived(by.key, frame_codec.encode(messages.Addresses((signed.to_bytes(),))))
    )


def known(place: Place, peer: PeerKey) -> tuple[str, ...]:
    found = [one for one in place.service.overlay.contacts() if one.peer == peer]
    return found[0].addresses if found else ()


def dialled(place: Place, peer: PeerKey) -> tuple[str, ...]:
    for one in list(place.service.core.peers):
        place.handle(Disconnected(one, "gone"))
    for _ in range(60):
        for action in place.pass_time():
            if isinstance(action, Dial) and action.peer == peer:
                return action.addresses
            if isinstance(action, Dial):
                place.service.overlay.left(action.peer)
    raise AssertionError("never dialled")


def test_a_stamp_far_ahead_is_passed_over_and_costs_its_carrier_nothing() -> None:
    place = Place(at=0)
    mover, carrier = place.nodes[1], place.nodes[2]
    host, before = mover.person.host, known(place, mover.key)
    for ahead_ms in (STAMP_AHEAD_MS_MAX + 1, 1 << 62):
        false = signed_address.sign(host, place.community, place.now_ms + ahead_ms, (FAR,))
        told(place, carrier, false)
        assert known(place, mover.key) == before
    assert carrier.key in place.service.core.peers
    there = "/ip4/10.1.1.1/tcp/1"
    true = signed_address.sign(host, place.community, place.now_ms + STAMP_AHEAD_MS_MAX, (there,))
    told(place, carrier, true)
    assert known(place, mover.key) == (there,)


def test_an_address_that_worked_is_tried_beside_the_newest() -> None:
    place = Place(at=0)
    mover, carrier = place.nodes[1], place.nodes[2]
    place.handle(Connected(mover.key, "/ip4/10.7.7.7/tcp/7", outbound=True))
    for number in range(3):
        false = (f"/ip4/127.0.0.1/tcp/{9 + number}",)
        stamp_ms = place.now_ms + STAMP_AHEAD_MS_MAX - 9 + number
        told(
            place, carrier, signed_address.sign(mover.person.host, place.community, stamp_ms, false)
        )
    assert known(place, mover.key) == ("/ip4/127.0.0.1/tcp/11",)
    where = dialled(place, mover.key)
    assert where[0] == "/ip4/10.7.7.7/tcp/7" and "/ip4/127.0.0.1/tcp/11" in where
    (kept,) = [one for one in place.node.store.addresses() if one.peer == mover.key]
    assert kept.worked == "/ip4/10.7.7.7/tcp/7"


def test_where_one_is_who_is_no_member_is_not_kept() -> None:
    place = Place(at=0)
    guest = Outsider(11)
    own = guest.enrol(place.community, 1)
    place.service.core.replica.append(guest.device, [own], {}, checked=True)
    told(
        place,
        place.nodes[1],
        signed_address.sign(guest.host, place.community, place.now_ms, (FAR,)),
    )
    place.handle(PeerDiscovered(guest.peer, (FAR,)))
    place.pass_time(2)
    assert known(place, guest.peer) == ()
