"""Hello: it opens for who knows the community, on one link, and for nobody else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.secret import SecretBox

from commonweal.node.transport import HELLO_BYTES_MAX
from commonweal.protocol import codec, keys
from commonweal.protocol.errors import BadSignature, Malformed, NotPermitted
from commonweal.protocol.identity.membership_proof import CREDENTIALS_BYTES_MAX, CREDENTIALS_MAX
from commonweal.protocol.keys import Signer
from commonweal.protocol.records.record import CommunityId, RecordId
from commonweal.protocol.wire import frame_codec, hello
from commonweal.protocol.wire.hello import VERSIONS_MAX, Greeting, InviteProof
from commonweal.protocol.wire.messages import Hello
from tests.protocol.authors import BO, COMMUNITY, EVE, FIRST, MEI, NOW_MS, OTHER_COMMUNITY, seed

NONCE = bytes(range(24))
INVITE = RecordId(seed("invite"))
INVITE_KEY = Signer(seed("invite key"))
GREETING = Greeting((1,), BO.device, (), None, 0, b"", b"", seed("digest"), NOW_MS)


def opened(message: Hello) -> Greeting:
    """Return what Bo says to Mei."""
    return hello.decrypt(message, COMMUNITY, BO.peer, MEI.peer)


def boxed(value: Any) -> Hello:
    """Return the hello from Bo to Mei that holds any value, however wrong."""
    box = SecretBox(keys.hash32(keys.HELLO, COMMUNITY, BO.peer, MEI.peer))
    return Hello(NONCE, box.encrypt(codec.encode(value), NONCE).ciphertext)


def closed(greeting: Greeting) -> Hello:
    """Return the hello from Bo to Mei."""
    return hello.encrypt(greeting, COMMUNITY, BO.peer, MEI.peer, NONCE)


@pytest.mark.parametrize(
    "greeting",
    [
        GREETING,
        replace(GREETING, versions=()),
        replace(GREETING, versions=tuple(range(8))),
        replace(GREETING, credentials=(FIRST.wire,) * 8),
        replace(GREETING, invite=InviteProof(INVITE, bytes(64))),
        replace(GREETING, height=7, seal=seed("seal"), ruleset=seed("rules")),
        replace(GREETING, clock_ms=-1),
    ],
)
def test_who_knows_the_community_reads_the_greeting(greeting: Greeting) -> None:
    assert opened(closed(greeting)) == greeting


def test_the_largest_hello_is_one_frame_of_a_stranger() -> None:
    each = CREDENTIALS_BYTES_MAX // CREDENTIALS_MAX
    last = CREDENTIALS_BYTES_MAX - each * (CREDENTIALS_MAX - 1)
    wires = (*[bytes(each)] * (CREDENTIALS_MAX - 1), bytes(last))
    most = 2**63 - 1
    largest = Greeting(
        (most,) * VERSIONS_MAX,
        BO.device,
        wires,
        InviteProof(INVITE, bytes(64)),
        most,
        seed("seal"),
        seed("rules"),
        seed("digest"),
        most,
    )
    message = closed(largest)
    assert opened(message) == largest
    assert len(frame_codec.encode(message)) <= HELLO_BYTES_MAX
    with pytest.raises(Malformed):
        opened(closed(replace(largest, credentials=(*wires[:-1], bytes(last + 1)))))


def test_the_box_is_bound_to_the_community_and_to_both_ends() -> None:
    message = closed(GREETING)
    for community, sender, receiver in (
        (OTHER_COMMUNITY, BO.peer, MEI.peer),
        (CommunityId(bytes(32)), BO.peer, MEI.peer),
        (COMMUNITY, EVE.peer, MEI.peer),
        (COMMUNITY, BO.peer, EVE.peer),
        (COMMUNITY, MEI.peer, BO.peer),
    ):
        with pytest.raises(NotPermitted, match="does not know the community"):
            hello.decrypt(message, community, sender, receiver)


def test_a_hello_shows_nothing_of_the_community() -> None:
    greeting = replace(GREETING, credentials=(FIRST.wire,))
    for seen in (closed(greeting).box, closed(greeting).nonce):
        for secret in (COMMUNITY, BO.device, FIRST.wire, GREETING.digest):
            assert bytes(secret) not in seen


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 100, 8192])
def test_a_box_of_any_size_is_refused_by_name(size: int) -> None:
    with pytest.raises(NotPermitted):
        opened(Hello(NONCE, bytes(size)))


def test_a_changed_box_does_not_open() -> None:
    message = closed(GREETING)
    for place in range(0, len(message.box), 7):
        changed = bytearray(message.box)
        changed[place] ^= 1
        with pytest.raises(NotPermitted):
            opened(Hello(NONCE, bytes(changed)))
    with pytest.raises(NotPermitted):
        opened(Hello(bytes(24), message.box))


GOOD: list[Any] = [[1], BO.device, [], None, 0, b"", b"", seed("digest"), NOW_MS]
BAD: dict[str, tuple[int, Any]] = {
    "versions nil": (0, None),
    "nine versions": (0, list(range(9))),
    "a version true": (0, [True]),
    "a version as text": (0, ["1"]),
    "a device too short": (1, bytes(31)),
    "a device as text": (1, "d" * 32),
    "credentials nil": (2, None),
    "too many credentials": (2, [b"x"] * (CREDENTIALS_MAX + 1)),
    "a credential as text": (2, ["x"]),
    "a credential too long": (2, [bytes(CREDENTIALS_BYTES_MAX + 1)]),
    "credentials too long together": (2, [bytes(CREDENTIALS_BYTES_MAX // 2), bytes(3585)]),
    "an invite true": (3, True),
    "an invite without signature": (3, [INVITE]),
    "an invite too short": (3, [INVITE[:31], bytes(64)]),
    "an invite with text": (3, [INVITE, "s" * 64]),
    "a height true": (4, True),
    "a height negative": (4, -1),
    "a seal too short": (5, bytes(31)),
    "a seal nil": (5, None),
    "a ruleset too long": (6, bytes(33)),
    "a digest empty": (7, b""),
    "a clock false": (8, False),
    "a clock as text": (8, "now"),
}


@pytest.mark.parametrize(("place", "value"), BAD.values(), ids=BAD)
def test_a_greeting_with_one_wrong_field_is_malformed(place: int, value: Any) -> None:
    fields = list(GOOD)
    fields[place] = value
    with pytest.raises(Malformed, match="not "):
        opened(boxed(fields))


@pytest.mark.parametrize("value", [None, [], {}, GOOD[:8], [*GOOD, None]], ids=repr)
def test_a_greeting_has_nine_fields(value: Any) -> None:
    assert opened(boxed(GOOD)) == GREETING
    with pytest.raises(Malformed, match="not a greeting"):
        opened(boxed(value))


@given(st.binary(max_size=200))
def test_whatever_a_box_holds_is_a_greeting_or_malformed(data: bytes) -> None:
    box = SecretBox(keys.hash32(keys.HELLO, COMMUNITY, BO.peer, MEI.peer))
    with pytest.raises(Malformed):
        opened(Hello(NONCE, box.encrypt(data, NONCE).ciphertext))


def test_an_invite_is_proven_on_one_link() -> None:
    proof = hello.invite_proof(INVITE_KEY, COMMUNITY, INVITE, BO.peer, MEI.peer)
    hello.check_invite_proof(proof, INVITE_KEY.key, COMMUNITY, BO.peer, MEI.peer)
    for community, sender, receiver in (
        (OTHER_COMMUNITY, BO.peer, MEI.peer),
        (COMMUNITY, EVE.peer, MEI.peer),
        (COMMUNITY, BO.peer, EVE.peer),
        (COMMUNITY, MEI.peer, BO.peer),
    ):
        with pytest.raises(BadSignature):
            hello.check_invite_proof(proof, INVITE_KEY.key, community, sender, receiver)


def test_an_invite_is_proven_by_its_own_key() -> None:
    proof = hello.invite_proof(INVITE_KEY, COMMUNITY, INVITE, BO.peer, MEI.peer)
    other = InviteProof(RecordId(seed("another invite")), proof.signature)
    for false, key in ((proof, EVE.device), (other, INVITE_KEY.key)):
        with pytest.raises(BadSignature):
            hello.check_invite_proof(false, key, COMMUNITY, BO.peer, MEI.peer)
    for signature in (b"", bytes(64), proof.signature + b"x"):
        with pytest.raises(BadSignature):
            false = InviteProof(INVITE, signature)
            hello.check_invite_proof(false, INVITE_KEY.key, COMMUNITY, BO.peer, MEI.peer)
