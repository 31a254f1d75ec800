"""Links and signed addresses: read back whole, and refused when cut, changed or hostile."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.protocol import codec, keys
from commonweal.protocol.errors import BadLink, BadSignature, Malformed
from commonweal.protocol.identity import invite, signed_address
from commonweal.protocol.identity.invite import (
    ADDRESS_CHARS_MAX,
    ADDRESSES_MAX,
    LINK_CHARS_MAX,
    PEERS_MAX,
    CommunityLink,
    Contact,
    Invite,
    RekeyedMember,
)
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.wire import frame_codec, messages
from tests.protocol.authors import BO, COMMUNITY, EVE, MEI, NOW_MS, OTHER_COMMUNITY, seed

ADDRESSES = ("/ip4/192.0.2.7/tcp/4001", "/ip6/2001:db8::7/tcp/4001", "/dns/example.org/tcp/1")
CONTACT = Contact(MEI.peer, ADDRESSES)
INVITE = Invite(RecordId(seed("invite")), 7, seed("invite key"))
LINK = CommunityLink(COMMUNITY, (CONTACT,), INVITE)
TEXT = invite.to_text(LINK)
REKEYED = RekeyedMember(BO.id, RecordId(seed("rekey")), 9)


def link_of(value: Any) -> str:
    """Return the text that holds any value, however wrong."""
    return "weal://" + urlsafe_b64encode(codec.encode(value)).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "link",
    [
        LINK,
        CommunityLink(COMMUNITY, (CONTACT,), None),
        CommunityLink(COMMUNITY, (Contact(MEI.peer, ()),), INVITE),
        CommunityLink(COMMUNITY, (CONTACT,) * 8, None),
        CommunityLink(COMMUNITY, (Contact(MEI.peer, ADDRESSES[:1] * 16),), INVITE),
        CommunityLink(COMMUNITY, (CONTACT,), INVITE, 12, seed("seal")),
        CommunityLink(COMMUNITY, (CONTACT,), None, rekeyed=REKEYED),
    ],
)
def test_a_link_is_read_back(link: CommunityLink) -> None:
    text = invite.to_text(link)
    assert invite.from_text(text) == link
    assert set(text) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_:/")


@pytest.mark.parametrize("chars", [20, 60, 61, 62, 63, ADDRESS_CHARS_MAX])
def test_a_link_is_never_longer_than_one_that_is_read(chars: int) -> None:
    name = "x" * (chars - len("/dns//tcp/4001"))
    contacts = tuple(
        Contact(keys.PeerKey(bytes([n]) * 32), (f"/dns/{name}/tcp/4001",) * (ADDRESSES_MAX + 1))
        for n in range(PEERS_MAX + 1)
    )
    text = invite.to_text(
        CommunityLink(COMMUNITY, contacts, INVITE, 2**63 - 1, seed("seal"), REKEYED)
    )
    assert len(text) <= LINK_CHARS_MAX
    found = invite.from_text(text)
    assert (found.invite, found.rekeyed) == (INVITE, REKEYED)
    assert [one.peer for one in found.contacts] == [one.peer for one in contacts[:PEERS_MAX]]
    assert all(one.addresses for one in found.contacts), "each can still be tried"
    room = LINK_CHARS_MAX - len(text)
    assert len(found.contacts[0].addresses) == ADDRESSES_MAX or room < 2 * chars


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        [bytes(32), bytes(32)],
        [bytes(31), bytes(32), 9],
        [bytes(32), bytes(31), 9],
        [bytes(32), bytes(32), 0],
        [bytes(32), bytes(32), True],
        ["Bo", bytes(32), 9],
    ],
    ids=repr,
)
def test_a_member_in_a_link_is_read_whole_or_not_at_all(wrong: list[Any]) -> None:
    with pytest.raises(BadLink, match="member in it"):
        invite.from_text(link_of([*GOOD, wrong]))


def test_a_link_is_read_however_it_was_pasted() -> None:
    broken = "\n".join(TEXT[at : at + 40] for at in range(0, len(TEXT), 40))
    for pasted in (f"  {TEXT}\r\n", broken, broken.replace("\n", " \u3000"), TEXT + "/"):
        assert invite.from_text(pasted) == LINK


@pytest.mark.parametrize("length", range(len(TEXT)))
def test_a_link_that_was_cut_is_refused(length: int) -> None:
    with pytest.raises(BadLink):
        invite.from_text(TEXT[:length])


def test_a_link_that_lost_a_character_is_refused() -> None:
    for at in range(len(TEXT)):
        with pytest.raises(BadLink):
            invite.from_text(TEXT[:at] + TEXT[at + 1 :])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "starts with weal://"),
        ("https://example.org", "starts with weal://"),
        (TEXT.replace("weal", "WEAL", 1), "starts with weal://"),
        (TEXT[7:], "starts with weal://"),
        ("weal://", "missing or changed"),
        ("weal://共益", "missing or changed"),
        ("weal://" + "A" * 4090, "4097 characters"),
        ("weal://" + "A" * 4089, "missing or changed"),
        ("weal://" + "/" * 20, "missing or changed"),
        (TEXT + "AAAA", "missing or changed"),
        (TEXT + TEXT, "missing or changed"),
    ],
)
def test_what_is_no_link_is_refused_and_said_why(text: str, why: str) -> None:
    with pytest.raises(BadLink, match=why):
        invite.from_text(text)


GOOD: list[Any] = codec.decode(urlsafe_b64decode(TEXT[7:] + "=" * (-len(TEXT[7:]) % 4)))  # type: ignore[assignment]
WRONG: dict[str, tuple[int, Any]] = {
    "another form": (0, "commonweal/2/link"),
    "a form as bytes": (0, b"commonweal/1/link"),
    "a community too short": (1, bytes(31)),
    "no contact": (2, []),
    "nine contacts": (2, [[MEI.peer, []]] * 9),
    "contacts nil": (2, None),
    "a contact without addresses": (2, [[MEI.peer]]),
    "a contact with a short key": (2, [[MEI.peer[:31], []]]),
    "a contact with a text key": (2, [["p" * 32, []]]),
    "seventeen addresses": (2, [[MEI.peer, [ADDRESSES[0]] * 17]]),
    "an address as bytes": (2, [[MEI.peer, [b"/ip4/192.0.2.7/tcp/1"]]]),
    "an address nil": (2, [[MEI.peer, [None]]]),
    "an address that is none": (2, [[MEI.peer, ["example.org"]]]),
    "an invite true": (3, True),
    "an invite of two": (3, [INVITE.id, 7]),
    "an invite with a short id": (3, [INVITE.id[:31], 7, INVITE.seed]),
    "an invite with a short seed": (3, [INVITE.id, 7, INVITE.seed[:31]]),
    "an invite of clock 0": (3, [INVITE.id, 0, INVITE.seed]),
    "an invite of clock true": (3, [INVITE.id, True, INVITE.seed]),
    "a height negative": (4, -1),
    "a height true": (4, True),
    "a seal too short": (5, bytes(31)),
    "a seal nil": (5, None),
}


@pytest.mark.parametrize(("place", "value"), WRONG.values(), ids=WRONG)
def test_a_link_with_one_wrong_part_is_refused(place: int, value: Any) -> None:
    assert invite.from_text(link_of(GOOD)) == LINK
    fields = list(GOOD)
    fields[place] = value
    with pytest.raises(BadLink):
        invite.from_text(link_of(fields))


@pytest.mark.parametrize("value", [None, {}, [], GOOD[:5], [*GOOD, None]], ids=repr)
def test_a_link_has_six_parts(value: Any) -> None:
    with pytest.raises(BadLink, match="another version or is not a link"):
        invite.from_text(link_of(value))


@given(st.text(max_size=200))
def test_any_text_is_a_link_or_refused_by_name(text: str) -> None:
    for pasted in (text, "weal://" + text):
        with pytest.raises(BadLink):
            invite.from_text(pasted)


# Addresses.


@pytest.mark.parametrize(
    "text",
    [
        *ADDRESSES,
        "/dns4/a/tcp/1",
        "/dns6/a/tcp/65535",
        "/ip4/127.0.0.1/tcp/4001",
        "/dns/" + "a" * (256 - 11) + "/tcp/1",
    ],
)
def test_a_tcp_address_is_one(text: str) -> None:
    assert invite.is_address(text)


RELAY = "12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo"


@pytest.mark.parametrize("way", ["/ip4/192.0.2.7/tcp/4001", "/dns/relay.example/tcp/1"])
def test_an_address_may_lead_through_a_relay(way: str) -> None:
    text = f"{way}/p2p/{RELAY}/p2p-circuit"
    assert invite.is_address(text)
    assert invite.is_circuit(text)
    assert not invite.is_circuit(way)


@pytest.mark.parametrize(
    "text",
    [
        f"/p2p/{RELAY}/p2p-circuit",
        f"/ip4/192.0.2.7/tcp/4001/p2p/{RELAY}",
        f"/ip4/192.0.2.7/tcp/4001/p2p/{RELAY[:-1]}/p2p-circuit",
        f"/ip4/192.0.2.7/tcp/4001/p2p/{RELAY[:-1]}0/p2p-circuit",
        f"/ip4/192.0.2.7/tcp/4001/p2p/{RELAY}/p2p-circuit/",
        f"/ip4/192.0.2.7/tcp/4001/p2p/{RELAY}/p2p-circuit/p2p/{RELAY}",
        f"/ip4/192.0.2.7/tcp/4001/p2p/{RELAY}/p2p-circuit/p2p/{RELAY}/p2p-circuit",
        f"/ip4/192.0.2.7/tcp/0/p2p/{RELAY}/p2p-circuit",
        "/ip4/192.0.2.7/tcp/4001/p2p-circuit",
        "/dns/" + "a" * (257 - 11 - 69) + f"/tcp/1/p2p/{RELAY}/p2p-circuit",
    ],
)
def test_what_leads_through_no_one_relay_is_no_address(text: str) -> None:
    assert not invite.is_address(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "/", "////", "//////", "example.org:4001", "ip4/192.0.2.7/tcp/4001"),
        *("/ip4/192.0.2.7", "/ip4/192.0.2.7/tcp", "/ip4/192.0.2.7/tcp/", "/ip4//tcp/4001"),
        *("/ip4/192.0.2.7/tcp/4001/", "/ip4/192.0.2.7/tcp/4001/p2p/12D3KooW"),
        *("/ip4/192.0.2.7/tcp/4001/ws", "/ip4/192.0.2.7/udp/4001/quic-v1"),
        *("/ip4/192.0.2.7/udp/4001", "/unix/tmp/tcp/1", "/IP4/192.0.2.7/tcp/1"),
        *("/ip4/192.0.2.7/tcp/0", "/ip4/192.0.2.7/tcp/65536", "/ip4/192.0.2.7/tcp/-1"),
        *("/ip4/192.0.2.7/tcp/+1", "/ip4/192.0.2.7/tcp/1.0", "/ip4/192.0.2.7/tcp/ 1"),
        *("/ip4/192.0.2.7/tcp/1_0", "/ip4/192.0.2.7/tcp/１", "/ip4/192.0.2.7/tcp/²"),
        *("/dns/exämple.org/tcp/1", "/dns/共益/tcp/1", "/dns/a\n/tcp/1", "/dns/a\0/tcp/1"),
        *("/dns/\x1b[2J/tcp/1", "/dns/a\x7f/tcp/1", "/ip4/192.0.2.7/tcp/1\n"),
        "/dns/" + "a" * (257 - 11) + "/tcp/1",
        "/ip4/192.0.2.7/tcp/" + "9" * 10_000,
    ],
    ids=lambda text: repr(text)[:40],
)
def test_what_is_no_tcp_address_is_refused(text: str) -> None:
    assert not invite.is_address(text)
    with pytest.raises(BadLink):
        invite.from_text(link_of([*GOOD[:2], [[MEI.peer, [text]]], None, 0, b""]))
    signed = codec.encode([BO.peer, 0, [text], bytes(64)])
    with pytest.raises(Malformed, match="address cannot be read"):
        signed_address.from_bytes(signed, COMMUNITY)


def test_a_signed_address_is_read_back() -> None:
    for addresses in ((), ADDRESSES):
        signed = signed_address.sign(BO.host, COMMUNITY, NOW_MS, addresses)
        read = signed_address.from_bytes(signed.to_bytes(), COMMUNITY)
        assert read == signed
        assert (read.peer, read.stamp_ms) == (BO.peer, NOW_MS)
        assert read.addresses == addresses


def test_the_largest_signed_address_fits_its_message() -> None:
    longest = ("/dns/" + "a" * (256 - 15) + "/tcp/65535",) * 20
    signed = signed_address.sign(BO.host, COMMUNITY, codec.INT_MAX, longest)
    assert len(signed.addresses) == 16
    assert len(longest[0]) == 256
    message = messages.Addresses((signed.to_bytes(),))
    assert frame_codec.decode(frame_codec.encode(message)) == message
    assert signed_address.from_bytes(signed.to_bytes(), COMMUNITY) == signed


def test_an_address_is_signed_by_its_peer_for_one_community() -> None:
    signed = signed_address.sign(BO.host, COMMUNITY, NOW_MS, ADDRESSES)
    with pytest.raises(BadSignature):
        signed_address.from_bytes(signed.to_bytes(), OTHER_COMMUNITY)
    good: list[Any] = codec.decode(signed.to_bytes())  # type: ignore[assignment]
    for place, value in (
        (0, EVE.peer),
        (0, BO.device),
        (1, NOW_MS + 1),
        (2, list(ADDRESSES[:1])),
        (3, bytes(64)),
        (3, b""),
    ):
        fields = list(good)
        fields[place] = value
        with pytest.raises(BadSignature):
            signed_address.from_bytes(codec.encode(fields), COMMUNITY)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, bytes(31)),
        (0, "d" * 32),
        (0, bytes(33)),
        (0, None),
        (1, -1),
        (1, True),
        (1, "now"),
        (2, None),
        (2, [ADDRESSES[0]] * 17),
        (2, [None]),
        (3, "s" * 64),
        (3, None),
    ],
)
def test_a_signed_address_of_wrong_shape_is_malformed(place: int, value: Any) -> None:
    fields: list[Any] = [BO.peer, 0, [ADDRESSES[0]], bytes(64)]
    fields[place] = value
    with pytest.raises(Malformed):
        signed_address.from_bytes(codec.encode(fields), COMMUNITY)


@given(st.binary(max_size=120))
def test_any_bytes_are_no_signed_address(data: bytes) -> None:
    with pytest.raises((Malformed, BadSignature)):
        signed_address.from_bytes(data, COMMUNITY)


def test_a_signature_for_another_use_is_no_address() -> None:
    fields: list[codec.Value] = [BO.peer, 0, []]
    signature = keys.sign_array(BO.host, keys.HEADS_CONTEXT, COMMUNITY, *fields)
    with pytest.raises(BadSignature):
        signed_address.from_bytes(codec.encode([*fields, signature]), COMMUNITY)
