"""The golden bytes: our code makes them still, and a reader that shares nothing reads them."""

from __future__ import annotations

import ast
import json
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any

import pytest
from nacl.exceptions import CryptoError
from nacl.signing import SigningKey

from commonweal.protocol import codec
from commonweal.protocol.errors import CommonwealError, InvalidRecord, Malformed
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records import fork_proof, log
from commonweal.protocol.records.frontier import Frontier, FrontierEntry
from commonweal.protocol.records.log import Tip
from commonweal.protocol.records.record import CommunityId
from commonweal.protocol.wire import frame_codec
from tests.protocol import golden, reader
from tests.protocol.reader import Refused

CODEC, RECORD, LOG, EVIDENCE = (golden.read(n) for n in ("codec", "record", "log", "evidence"))
FRONTIER, WIRE, HELLO, LINK = (golden.read(n) for n in ("frontier", "wire", "hello", "link"))
SUCCESSION, JOIN_CODE = golden.read("succession"), golden.read("join_code")
SEALED = golden.read("sealed")


def from_json(value: Any) -> Any:
    """Return the value that stands in a file as `golden.told` wrote it."""
    match value:
        case {"hex": data}:
            return bytes.fromhex(data)
        case {"map": pairs}:
            return {key: from_json(item) for key, item in pairs}
        case list():
            return [from_json(item) for item in value]
        case _:
            return value


@pytest.mark.parametrize("name", golden.FILES)
def test_golden_bytes_never_change(name: str) -> None:
    assert json.loads(json.dumps(golden.FILES[name]())) == golden.read(name)


def test_the_reader_shares_nothing_with_what_it_checks() -> None:
    tree = ast.parse(Path(reader.__file__).read_text("utf-8"))
    asked = [
        ast.unparse(one) for one in ast.walk(tree) if isinstance(one, ast.Import | ast.ImportFrom)
    ]
    assert asked
    assert not [line for line in asked if "commonweal" in line or "msgpack" in line]


# Values.


@pytest.mark.parametrize("case", CODEC["good"], ids=lambda case: case["bytes"][:20])
def test_a_second_reader_finds_the_value(case: dict[str, Any]) -> None:
    data, value = bytes.fromhex(case["bytes"]), from_json(case["value"])
    assert repr(reader.value(data)) == repr(value) == repr(codec.decode(data))
    assert codec.encode(value) == data


@pytest.mark.parametrize("data", CODEC["bad"].values(), ids=CODEC["bad"])
def test_a_second_reader_refuses_what_ours_refuses(data: str) -> None:
    with pytest.raises(Refused):
        reader.value(bytes.fromhex(data))
    with pytest.raises(Malformed):
        codec.decode(bytes.fromhex(data))


# Records.


@pytest.mark.parametrize("case", RECORD["records"], ids=lambda case: case["name"])
def test_a_second_reader_reads_each_record(case: dict[str, Any]) -> None:
    one = reader.record(bytes.fromhex(case["header"] + case["signature"]))
    assert one["signed"]
    assert one["id"].hex() == case["id"]
    assert one["in"].hex() == RECORD["community"]
    assert one["kind"] == case["name"]
    fields = from_json(case["fields"])
    assert list(one.values())[:12] == fields
    if case["body"]:
        body = bytes.fromhex(case["body"])
        assert one["body"][:2] == [reader.digest("cw1/body", body), len(body)]


def test_a_second_reader_follows_who_enrolled_whom() -> None:
    found, enrol, _, request, vouch, event = (
        reader.record(bytes.fromhex(case["header"] + case["signature"]))
        for case in RECORD["records"]
    )
    founder = reader.enrolment(found, found["data"]["inception"])
    member = reader.enrolment(enrol, enrol["data"]["inception"])
    assert member == enrol["data"]["member"] == vouch["data"]["member"] == event["data"]["provider"]
    assert founder != member
    community = bytes.fromhex(RECORD["community"])
    signed = reader.written(["commonweal/1/invite", community, member, request["author"]])
    seed = bytes.fromhex(RECORD["seeds"]["invite"])
    assert reader.is_signed(SigningKey(seed).verify_key.encode(), signed, request["data"]["proof"])
    assert vouch["data"]["request"] == request["id"]


def test_a_second_writer_signs_the_same_bytes() -> None:
    """Ed25519 is deterministic: whoever has the seed makes the same record."""
    import hmac

    def derived(seed: bytes, purpose: bytes) -> bytes:
        extracted = hmac.digest(b"commonweal/1", seed, "sha256")
        return hmac.digest(extracted, purpose + b"\1", "sha256")

    founder = derived(bytes.fromhex(RECORD["seeds"]["founder's device"]), b"record")
    case = RECORD["records"][0]
    header = bytes.fromhex(case["header"])
    assert SigningKey(founder).sign(header).signature.hex() == case["signature"]


# Runs and proofs.


@pytest.mark.parametrize("case", LOG["runs"], ids=lambda case: case["name"])
def test_a_second_reader_takes_and_refuses_the_same_runs(case: dict[str, Any]) -> None:
    community, author = bytes.fromhex(LOG["community"]), bytes.fromhex(LOG["author"])
    held = {bytes.fromhex(id): clock for id, clock in LOG["held"]}
    wires = [bytes.fromhex(one) for one in case["wires"]]

    def ours() -> None:
        log.read_run(
            CommunityId(community),
            DeviceKey(author),
            Tip(),
            wires,
            held.get,
        )

    if case["holds"]:
        reader.run(community, author, wires, held)
        ours()
    else:
        with pytest.raises(Refused):
            reader.run(community, author, wires, held)
        with pytest.raises(InvalidRecord):
            ours()


@pytest.mark.parametrize("case", EVIDENCE["proofs"], ids=lambda case: case["name"])
def test_a_second_reader_convicts_the_same_device(case: dict[str, Any]) -> None:
    data, community = bytes.fromhex(case["bytes"]), bytes.fromhex(EVIDENCE["community"])
    found = reader.proof(data, community)
    assert {name: one.hex() if type(one) is bytes else one for name, one in found.items()} == {
        name: case[name] for name in ("author", "seq", "prev", "id")
    }
    ours = fork_proof.from_bytes_checked(data, CommunityId(community))
    assert (ours.author, ours.seq, ours.prev, ours.id) == tuple(
        found[name] for name in ("author", "seq", "prev", "id")
    )


@pytest.mark.parametrize("data", EVIDENCE["false"].values(), ids=EVIDENCE["false"])
def test_a_second_reader_convicts_nobody_falsely(data: str) -> None:
    community = bytes.fromhex(EVIDENCE["community"])
    with pytest.raises(Refused):
        reader.proof(bytes.fromhex(data), community)
    with pytest.raises(CommonwealError):
        fork_proof.from_bytes_checked(bytes.fromhex(data), CommunityId(community))


# Frontiers, messages, hellos, links.


@pytest.mark.parametrize("case", FRONTIER["frontiers"], ids=lambda case: len(case["entries"]))
def test_a_second_reader_finds_the_same_digests(case: dict[str, Any]) -> None:
    entries = from_json(case["entries"])
    found = reader.buckets(entries)
    shown = {str(number): one.hex() for number, one in enumerate(found) if any(one)}
    assert shown == case["buckets"]
    assert reader.digest("cw1/frontier", *found).hex() == case["digest"]
    held = Frontier(map(FrontierEntry._make, entries))
    assert held.digest().hex() == case["digest"]


@pytest.mark.parametrize("frame", WIRE["good"].values(), ids=WIRE["good"])
def test_a_second_reader_reads_every_message(frame: str) -> None:
    data = bytes.fromhex(frame)
    fields = reader.value(data)
    assert fields == codec.decode(data)
    assert frame_codec.encode(frame_codec.decode(data)) == data


@pytest.mark.parametrize("frame", WIRE["bad"].values(), ids=WIRE["bad"])
def test_messages_beyond_a_limit_stay_refused(frame: str) -> None:
    with pytest.raises(Malformed):
        frame_codec.decode(bytes.fromhex(frame))


def test_a_second_reader_opens_a_hello() -> None:
    community, sender, receiver = (
        bytes.fromhex(HELLO[name]) for name in ("community", "sender", "receiver")
    )
    newcomer = reader.hello(bytes.fromhex(HELLO["newcomer"]), community, sender, receiver)
    assert newcomer[:3] == [[1], bytes.fromhex(HELLO["device"]), []]
    invite, signature = newcomer[3]
    signed = reader.written(["commonweal/1/hello", community, invite, sender, receiver])
    assert reader.is_signed(bytes.fromhex(HELLO["invite_key"]), signed, signature)
    member = reader.hello(bytes.fromhex(HELLO["member"]), community, sender, receiver)
    assert [one.hex() for one in member[2]] == HELLO["credentials"]
    found, enrol, vouch = map(reader.record, member[2])
    assert found["id"] == community
    assert found["signed"]
    assert enrol["signed"]
    assert vouch["signed"]
    assert (enrol["author"], enrol["data"]["peer"]) == (member[1], sender)
    assert reader.enrolment(enrol, enrol["data"]["inception"]).hex() == HELLO["member_id"]
    assert vouch["data"]["member"].hex() == HELLO["member_id"]
    assert vouch["author"] == found["author"]
    with pytest.raises(Refused):
        reader.hello(bytes.fromhex(HELLO["member"]), community, receiver, sender)


def test_a_second_reader_reads_links_and_signed_addresses() -> None:
    community, peer = bytes.fromhex(LINK["community"]), bytes.fromhex(LINK["peer"])
    for name in ("with_invite", "without_invite"):
        _, where, contacts, invite, height, seal = reader.link(LINK[name])
        assert (where, contacts) == (community, [[peer, LINK["addresses"]]])
        assert (height, seal) == (0, b"")
        if name == "with_invite":
            id, clock, seed = invite
            assert {"id": id.hex(), "clock": clock, "seed": seed.hex()} == LINK["invite"]
        else:
            assert invite is None
    at, stamp_ms, addresses, signature = reader.value(bytes.fromhex(LINK["signed_address"]))
    assert (at, stamp_ms) == (peer, LINK["stamp_ms"])
    assert addresses == LINK["addresses"]
    signed = ["commonweal/1/address", community, peer, stamp_ms, addresses]
    assert reader.is_signed(peer, reader.written(signed), signature)


def test_a_second_reader_fetches_a_link_by_a_join_code() -> None:
    secret, port, address = reader.join_code(JOIN_CODE["code"].lower().replace("0", "o"))
    assert (secret.hex(), port, list(address)) == (JOIN_CODE["secret"], 4001, [192, 0, 2, 7])
    assert reader.join_code(JOIN_CODE["code_ip6"])[2].hex() == "20010db8" + "0" * 23 + "7"
    keys = [key.hex() for key in reader.code_keys(secret)]
    assert keys == [JOIN_CODE["ask_key"], JOIN_CODE["answer_key"]]
    asker, host = (bytes.fromhex(JOIN_CODE[name]) for name in ("asker", "host"))
    assert reader.code_question(secret, asker, host).hex() == JOIN_CODE["question"]
    answer = bytes.fromhex(JOIN_CODE["answer"])
    assert reader.code_link(secret, asker, host, answer) == JOIN_CODE["link"]
    with pytest.raises(CryptoError):
        reader.code_link(secret, host, asker, answer)
    with pytest.raises(Refused):
        reader.join_code(JOIN_CODE["code"].replace("Q", "R"))


# Keys that change.


def test_a_second_reader_checks_who_named_sponsors_and_what_they_said() -> None:
    community, member = (bytes.fromhex(SUCCESSION[name]) for name in ("community", "member"))
    (own,) = reader.value(bytes.fromhex(SUCCESSION["inception"]))[1]
    assert reader.digest("cw1/inception", bytes.fromhex(SUCCESSION["inception"])) == member
    named = from_json(SUCCESSION["sponsors"])
    _, keys, needed, _ = reader.value(named["sponsors"])
    said = reader.written(["commonweal/1/sponsors", community, member, 1, named["sponsors"]])
    assert [key for key, _ in named["signatures"]] == [own]
    assert reader.is_signed(own, said, named["signatures"][0][1])
    words = {name: from_json(data) for name, data in SUCCESSION["words"].items()}
    signers = set()
    for data in words.values():
        change = (community, member, 1, data["inception"], data["devices"])
        ((key, signature),) = data["signatures"]
        assert reader.is_signed(key, reader.written(["commonweal/1/rekey", *change]), signature)
        signers.add(key)
    assert signers == {own, *keys}
    assert (len(keys), needed) == (2, 2)


def test_a_second_reader_reads_a_code_and_a_link_for_a_member() -> None:
    words = from_json(SUCCESSION["words"]["own"])
    coded = SUCCESSION["code"].removeprefix("weal-key:")
    data = urlsafe_b64decode(coded + "=" * (-len(coded) % 4))
    assert data[4:] == words["inception"]
    assert data[:4] == reader.digest("cw1/inception", data[4:])[:4]
    member, id, clock = reader.link(SUCCESSION["link"])[6]
    assert member.hex() == SUCCESSION["member"]
    assert (len(id), clock > 0) == (32, True)


def test_a_second_reader_opens_a_sealed_body() -> None:
    body, part = bytes.fromhex(SEALED["body"]), bytes.fromhex(SEALED["part"])
    assert reader.digest("cw1/body", body).hex() == SEALED["hash"]
    for device_seed in SEALED["devices"].values():
        assert reader.sealed(body, bytes.fromhex(device_seed)) == part
    with pytest.raises(Refused, match="to others"):
        reader.sealed(body, b"s" * 32)
    spoiled = body[:-1] + bytes([body[-1] ^ 1])
    with pytest.raises(Refused, match="does not open"):
        reader.sealed(spoiled, bytes.fromhex(next(iter(SEALED["devices"].values()))))
    key, content = bytes.fromhex(SEALED["content_key"]), bytes.fromhex(SEALED["content"])
    assert part == key + content
    assert reader.digest("cw1/content", key, content).hex() == SEALED["content_hash"]
