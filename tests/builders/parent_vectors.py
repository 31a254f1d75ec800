"""A community that goes on from the practice community: its records, chunks and first height.

It writes tests/vectors/parent.json, which never changes. `python -m tests.builders.parent_vectors`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from commonweal.protocol import codec, keys, merkle
from commonweal.protocol.identity import founding
from commonweal.protocol.identity.parent import Parent
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.ledger.checkpoint import inheritance, snapshot
from commonweal.protocol.ledger.checkpoint.roots import first_trees, leaf
from commonweal.protocol.ledger.checkpoint.snapshot import Pair
from commonweal.protocol.ledger.finality.history import History
from commonweal.protocol.ledger.finality.seal_contents import seal_of
from commonweal.protocol.ledger.state import evidence
from commonweal.protocol.records.record import CommunityId, Record
from commonweal.protocol.seal.cut import delta_to_bytes
from commonweal.protocol.seal.formats import SealedHeight, sealed_to_bytes
from commonweal.protocol.seal.votes import Step, certify, sign_vote
from tests.builders.practice_community import Practice
from tests.protocol.ledger.village import Pen, seed

FILE = Path(__file__).parents[1] / "vectors" / "parent.json"
DEPTH = 2


def chunks_of(practice: Practice, root: bytes) -> list[bytes]:
    """Return the state of the last height in chunks."""
    pairs = [Pair(key, leaf(value)) for key, value in practice.history.final.changes()]
    nodes = merkle.restore(pairs, root)
    return [
        snapshot.chunk_to_bytes(
            nodes, DEPTH, number, [p for p in pairs if merkle.prefix_of(p.key, DEPTH) == number]
        )
        for number in range(1 << DEPTH)
    ]


def records_of(
    practice: Practice, parent: Parent, chunks: list[bytes]
) -> list[founding.RecordWithBody]:
    """Return the founding record of the new community, and those that carry the state."""
    mei = practice.mei.owner
    pen = Pen(practice, mei, 7)
    document = practice.documents[bytes.fromhex(_document(practice))]
    nonce = seed("again")
    who = (mei.signer, mei.inception, pen.signer, pen.host)
    first = founding.refound(*who, nonce, document, parent.to_value(), parent.time_ms)
    written = [first]
    community = CommunityId(first.record.id)
    for chunk in chunks:
        tip = founding.tip_after(written[-1].record)
        written.append(founding.inherit(pen.signer, community, tip, chunk, parent.time_ms))
    return written


def _document(practice: Practice) -> str:
    first = practice.records[0]
    assert first.body is not None
    return first.body.hash.hex()


def first_height(practice: Practice, written: list[founding.RecordWithBody]) -> dict[str, Any]:
    """Return what the first seal of the new community comes to."""
    first = written[0].record
    history = History(CommunityId(first.id))
    state = inheritance.inherited_state(first, [one.body for one in written[1:]])
    history.begin(state, inheritance.first_cut(first))
    history.add_documents({keys.hash32(keys.BODY, one.body): one.body for one in written})
    history.add(one.record for one in written)
    device = DeviceKey(first.author)
    advance = history.next_advance(history.cut.time_ms + 60_000, (device,))
    assert advance is not None
    outcome = history.conclude(advance, history.covered(advance).records)
    roots = history.roots(outcome)
    seal = seal_of(history.community, outcome, roots)
    signer = Pen(practice, practice.mei.owner, 7).signer
    vote = sign_vote(signer, history.community, seal.height, 0, Step.PRECOMMIT, seal.id)
    sealed = SealedHeight(seal, certify([vote], 1), outcome.witnesses)
    return {
        "height": seal.height,
        "sealed": sealed_to_bytes(sealed).hex(),
        "delta": delta_to_bytes(advance.delta).hex(),
        "state root": seal.state_root.hex(),
        "changes": [
            [key.hex(), None if value is None else leaf(value).hex()]
            for key, value in outcome.changes
        ],
    }


def vectors() -> dict[str, Any]:
    """Return what the file holds."""
    practice = Practice(bakes=False)
    last = practice.heights[-1]
    root = bytes.fromhex(last["state root"])
    community, seal = practice.community, bytes.fromhex(last["seal id"])
    parent = Parent(community, last["height"], seal, root, practice.history.cut.time_ms, DEPTH)
    chunks = chunks_of(practice, root)
    written = records_of(practice, parent, chunks)
    state = inheritance.inherited_state(written[0].record, chunks)
    leaves = {key: leaf(value) for key, value in state.items()}
    assert first_trees(state)
    return {
        "about": "a community that goes on from the practice community: its records with their"
        " bodies, the root of the state that it begins with, and its first sealed height; and what"
        " evidence in a seal says",
        "parent state root": root.hex(),
        "records": [_record(one.record, one.body) for one in written],
        "begins with": merkle.root_of(leaves.items()).hex(),
        "height": first_height(practice, written),
        "facts": _facts(practice),
    }


def _record(record: Record, body: bytes) -> dict[str, str]:
    return {"id": record.id.hex(), "wire": record.wire.hex(), "body": body.hex()}


def _facts(practice: Practice) -> list[dict[str, Any]]:
    device = practice.pens["Bo"].key
    ends = evidence.log_end_id(practice.community, device, 5)
    return [
        {
            "array": codec.encode(["log ends", practice.community, device, 5]).hex(),
            "id": ends.hex(),
        },
        {
            "array": codec.encode(["voted twice", practice.community, device]).hex(),
            "id": evidence.equivocation_id(practice.community, device).hex(),
        },
    ]


if __name__ == "__main__":
    FILE.write_text(json.dumps(vectors(), indent=1) + "\n", "utf-8")
