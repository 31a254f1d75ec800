"""What stands in tests/vectors/, made anew by the code that is tested.

`python -m tests.protocol.golden` writes the files that are not there yet, and no other:
bytes of a released format never change.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from commonweal.protocol import codec, keys
from commonweal.protocol.identity import (
    founding,
    identity,
    invite,
    join_code,
    key_rotation,
    signed_address,
)
from commonweal.protocol.identity.identity import Inception
from commonweal.protocol.identity.invite import CommunityLink, Contact, Invite, RekeyedMember
from commonweal.protocol.identity.join_code import JoinCode
from commonweal.protocol.identity.key_rotation import MemberKeys
from commonweal.protocol.keys import DeviceKey, PeerKey, Signer
from commonweal.protocol.records import fork_proof, record
from commonweal.protocol.records.frontier import Frontier, FrontierEntry
from commonweal.protocol.records.record import Record
from commonweal.protocol.wire import frame_codec, hello
from commonweal.protocol.wire.hello import Greeting
from tests.protocol.authors import (
    BO,
    COMMUNITY,
    EVE,
    FIRST,
    FOUNDING,
    MEI,
    NOW_MS,
    chain,
    seed,
    spoiled,
    tip,
    write,
)
from tests.protocol.sealed_vectors import sealed_vectors
from tests.protocol.test_codec import NOT_OURS, NOT_SHORTEST
from tests.protocol.wire.test_messages import LIMITS, MESSAGES

VECTORS = Path(__file__).parent.parent / "vectors"

VALUES: list[Any] = [
    *(None, False, True, 0, 127, 128, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**63 - 1),
    *(-1, -32, -33, -128, -129, -32_768, -32_769, -(2**31), -(2**31) - 1, -(2**63)),
    *("", "a", "共益", "\U0001f600", "a" * 31, "a" * 32, "a" * 255, "a" * 256),
    *(b"", b"\0", bytes(255), bytes(256)),
    *([], [0], [0] * 15, [0] * 16, [[[[[[[[1]]]]]]]]),
    *({}, {"a": 1}, {"": 0, "a": 1, "ab": 2, "b": 3, "\uffff": 4, "\U00010000": 5}),
    {"n": 250, "scale": 2, "unit": "hour"},
]


def told(value: Any) -> Any:
    """Return a value as JSON holds it: bytes as {"hex"}, a map as {"map": [[key, value]]}."""
    match value:
        case bytes():
            return {"hex": value.hex()}
        case list() | tuple():
            return [told(item) for item in value]
        case dict():
            return {"map": [[key, told(value[key])] for key in sorted(value)]}
        case _:
            return value


def codec_vectors() -> dict[str, Any]:
    """Values with their one encoding, and bytes that are the encoding of nothing."""
    bad = {name: data for name, data in (NOT_OURS | NOT_SHORTEST).items() if len(data) < 1024}
    return {
        "good": [{"value": told(one), "bytes": codec.encode(one).hex()} for one in VALUES],
        "bad": bad,
    }


ENROLMENT = founding.enrol(
    BO.member_signer, BO.inception, BO.signer, BO.host, COMMUNITY, NOW_MS + 1
)
INVITE_KEY = Signer(seed("invite key"))
INVITATION = write(MEI, FIRST, kind="invite.create", data={"key": INVITE_KEY.key, "uses": 1})
INVITE = Invite(INVITATION.id, INVITATION.clock, seed("invite key"))
REQUEST = founding.request(
    BO.signer,
    BO.inception,
    COMMUNITY,
    tip(ENROLMENT),
    INVITE,
    NOW_MS + 2,
)
VOUCH = write(
    MEI,
    INVITATION,
    clock=REQUEST.clock + 1,
    deps=(REQUEST.id,),
    kind="member.vouch",
    data={"member": bytes(BO.id), "request": bytes(REQUEST.id)},
)
NOTE, NOTE_REF = record.erasable_body(bytes(range(16)), "text/plain", "谢谢".encode())
EVENT = write(
    BO,
    REQUEST,
    clock=VOUCH.clock + 1,
    deps=(VOUCH.id,),
    data={
        "action": "work",
        "effortQuantity": {"n": 250, "scale": 2, "unit": "hour"},
        "provider": bytes(BO.id),
    },
    body=NOTE_REF,
)
RECORDS: dict[str, tuple[Record, bytes]] = {
    "community.found": (FIRST, FOUNDING.body),
    "device.enrol": (ENROLMENT, b""),
    "invite.create": (INVITATION, b""),
    "member.request": (REQUEST, b""),
    "member.vouch": (VOUCH, b""),
    "event": (EVENT, NOTE),
}


def record_vectors() -> dict[str, Any]:
    """The first records of a community: each header, signature, id and body."""
    return {
        "community": COMMUNITY.hex(),
        "seeds": {
            "founder's member key": keys.derive(seed("Mei"), keys.MEMBER_SEED).hex(),
            "founder's device": seed("Mei", 0).hex(),
            "newcomer's member key": keys.derive(seed("Bo"), keys.MEMBER_SEED).hex(),
            "newcomer's device": seed("Bo", 0).hex(),
            "invite": seed("invite key").hex(),
        },
        "records": [
            {
                "name": name,
                "fields": told(codec.decode(one.header)),
                "header": one.header.hex(),
                "signature": one.signature.hex(),
                "id": one.id.hex(),
                "body": body.hex(),
            }
            for name, (one, body) in RECORDS.items()
        ],
    }


def log_vectors() -> dict[str, Any]:
    """Runs of one log after the founding record: which hold, and which break where."""
    good = chain(BO, 4)
    bad = [*good[:2], spoiled(good[2])]
    bad.append(write(BO, bad[-1]))
    skewed = write(BO, good[0], clock=9)
    rival = write(BO, good[0], data={"n": "another"})
    citing = write(BO, good[0], clock=FIRST.clock + 4, deps=(good[2].id,))
    cases: dict[str, tuple[Sequence[Record], bool]] = {
        "four records": (good, True),
        "a bad signature before a good one": (bad, True),
        "a bad signature at the end": (bad[:3], False),
        "a gap": ([good[0], good[2]], False),
        "a wrong clock": ([good[0], skewed], False),
        "another branch": ([good[0], rival, good[2]], False),
        "a dependency that is not here": ([good[0], citing], False),
        "another's record": ([good[0], write(EVE, good[0])], False),
    }
    return {
        "community": COMMUNITY.hex(),
        "author": BO.device.hex(),
        "held": [[FIRST.id.hex(), FIRST.clock]],
        "runs": [
            {"name": name, "wires": [one.wire.hex() for one in run], "holds": holds}
            for name, (run, holds) in cases.items()
        ],
    }


def evidence_vectors() -> dict[str, Any]:
    """Proofs with what they say, and pairs that prove nothing."""
    good = chain(BO, 4)
    rival = write(BO, good[1], data={"n": "another"})
    bad = spoiled(good[2])
    after = write(BO, bad)
    false = {
        "one record twice": (good[2], good[2]),
        "two records in a row": (good[1], good[2]),
        "a rival under a bad signature": (good[2], spoiled(rival)),
        "rivals that follow different records": (good[3], write(BO, rival)),
        "records of two devices": (good[0], write(EVE, None)),
    }
    proofs = {"a fork": (rival, good[2]), "a bad signature": (bad, after)}
    made = {name: fork_proof.check(*pair, COMMUNITY) for name, pair in proofs.items()}
    return {
        "community": COMMUNITY.hex(),
        "proofs": [
            {
                "name": name,
                "bytes": fork_proof.to_bytes(one).hex(),
                "id": one.id.hex(),
                "author": one.author.hex(),
                "seq": one.seq,
                "prev": one.prev.hex(),
            }
            for name, one in made.items()
        ],
        "false": {
            name: codec.encode(["commonweal/1/proof", one.wire, two.wire]).hex()
            for name, (one, two) in false.items()
        },
    }


def frontier_vectors() -> dict[str, Any]:
    """Logs with their digests."""
    cases = []
    for count in (0, 1, 2, 40):
        entries = [
            FrontierEntry(
                DeviceKey(seed("log", n)),
                n,
                seed("head", n) if n else b"",
                n + 1 if n % 7 == 0 else None,
            )
            for n in range(count)
        ]
        held = Frontier(entries)
        digests = held.buckets()
        cases.append(
            {
                "entries": [told(list(one)) for one in entries],
                "buckets": {
                    str(n): digests[20 * n : 20 * n + 20].hex()
                    for n in range(256)
                    if any(digests[20 * n : 20 * n + 20])
                },
                "digest": held.digest().hex(),
            }
        )
    return {"frontiers": cases}


def wire_vectors() -> dict[str, Any]:
    """Every message as a frame, and frames just beyond a limit."""
    bad = {name: codec.encode(outside).hex() for name, (_, outside) in LIMITS.items()}
    return {
        "good": {name: frame_codec.encode(one).hex() for name, one in MESSAGES.items()},
        "bad": {name: frame for name, frame in bad.items() if len(frame) < 512},
    }


def hello_vectors() -> dict[str, Any]:
    """A newcomer's hello and a member's, closed and open."""
    nonce = bytes(range(24))
    proof = hello.invite_proof(INVITE_KEY, COMMUNITY, INVITATION.id, BO.peer, MEI.peer)
    digest = Frontier().digest()
    newcomer = Greeting((1,), BO.device, (), proof, 0, b"", b"", digest, NOW_MS)
    wires = (FIRST.wire, ENROLMENT.wire, VOUCH.wire)
    member = Greeting((1,), BO.device, wires, None, 0, b"", b"", digest, NOW_MS)
    return {
        "community": COMMUNITY.hex(),
        "sender": BO.peer.hex(),
        "receiver": MEI.peer.hex(),
        "device": BO.device.hex(),
        "invite_key": INVITE_KEY.key.hex(),
        "newcomer": frame_codec.encode(
            hello.encrypt(newcomer, COMMUNITY, BO.peer, MEI.peer, nonce)
        ).hex(),
        "invite_signature": proof.signature.hex(),
        "member": frame_codec.encode(
            hello.encrypt(member, COMMUNITY, BO.peer, MEI.peer, nonce[::-1])
        ).hex(),
        "member_id": BO.id.hex(),
        "credentials": [one.hex() for one in wires],
    }


def link_vectors() -> dict[str, Any]:
    """Links as they are pasted, and the signed address of a node."""
    addresses = ("/ip4/192.0.2.7/tcp/4001", "/ip6/2001:db8::7/tcp/4001", "/dns/example.org/tcp/1")
    contact = Contact(MEI.peer, addresses)
    signed = signed_address.sign(MEI.host, COMMUNITY, NOW_MS, addresses)
    return {
        "community": COMMUNITY.hex(),
        "peer": MEI.peer.hex(),
        "addresses": list(addresses),
        "stamp_ms": NOW_MS,
        "invite": {"id": INVITE.id.hex(), "clock": INVITE.clock, "seed": INVITE.seed.hex()},
        "with_invite": invite.to_text(CommunityLink(COMMUNITY, (contact,), INVITE)),
        "without_invite": invite.to_text(CommunityLink(COMMUNITY, (contact,), None)),
        "signed_address": signed.to_bytes().hex(),
    }


def join_code_vectors() -> dict[str, Any]:
    """A join code of each kind of address, its keys, and the question and the answer on a link."""
    secret = bytes.fromhex("00112233445566778899")
    code = JoinCode("/ip4/192.0.2.7/tcp/4001", secret)
    keys = join_code.keys_of(secret)
    asker, host, nonce = PeerKey(bytes(range(32))), PeerKey(bytes(range(32, 64))), bytes(range(24))
    link = link_vectors()["with_invite"]
    return {
        "code": join_code.to_text(code),
        "code_ip6": join_code.to_text(JoinCode("/ip6/2001:db8::7/tcp/4001", secret)),
        "address": code.address,
        "secret": secret.hex(),
        "ask_key": keys.ask.hex(),
        "answer_key": keys.answer.hex(),
        "asker": asker.hex(),
        "host": host.hex(),
        "question": join_code.question(keys, asker, host).hex(),
        "nonce": nonce.hex(),
        "link": link,
        "answer": join_code.answer(keys, link, asker, host, nonce).hex(),
    }


def succession_vectors() -> dict[str, Any]:
    """Sponsors named by a member, and a new key: by the old one, and by two sponsors."""
    first = MemberKeys.first(BO.inception)
    circle = Inception(tuple(sorted(MEI.inception.keys + EVE.inception.keys)), 2, bytes(32))
    named = key_rotation.sign_sponsors(BO.member_signer, first, COMMUNITY, circle)
    sponsored = key_rotation.apply_sponsors(first, COMMUNITY, named)
    wanted = identity.inception_from_entropy(seed("new words"))
    signers = {"own": BO.member_signer, "Mei": MEI.member_signer, "Eve": EVE.member_signer}
    words = {
        name: key_rotation.sign_rekey(signer, sponsored, COMMUNITY, wanted, [BO.device])
        for name, signer in signers.items()
    }
    after = key_rotation.apply_rekey(sponsored, COMMUNITY, words["Mei"])
    assert key_rotation.apply_rekey(after, COMMUNITY, words["Eve"]).keys == wanted.keys
    contact = Contact(MEI.peer, ("/ip4/192.0.2.7/tcp/4001",))
    place = RekeyedMember(BO.id, INVITE.id, INVITE.clock)
    return {
        "community": COMMUNITY.hex(),
        "member": BO.id.hex(),
        "inception": BO.inception.to_bytes().hex(),
        "sponsors": told(named),
        "words": {name: told(data) for name, data in words.items()},
        "code": key_rotation.key_to_text(wanted),
        "link": invite.to_text(CommunityLink(COMMUNITY, (contact,), None, rekeyed=place)),
    }


FILES: dict[str, Callable[[], dict[str, Any]]] = {
    "codec": codec_vectors,
    "record": record_vectors,
    "log": log_vectors,
    "evidence": evidence_vectors,
    "frontier": frontier_vectors,
    "wire": wire_vectors,
    "hello": hello_vectors,
    "link": link_vectors,
    "join_code": join_code_vectors,
    "succession": succession_vectors,
    "sealed": sealed_vectors,
}


def read(name: str) -> dict[str, Any]:
    """Return what is kept under a name."""
    kept: dict[str, Any] = json.loads((VECTORS / f"{name}.json").read_text("utf-8"))
    return kept


def main() -> None:
    """Write the files that are not there yet."""
    for name, build in FILES.items():
        path = VECTORS / f"{name}.json"
        if not path.exists():
            text = json.dumps(build(), ensure_ascii=False, indent=1)
            path.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
