"""A re-founded community begins with the state of its parent, and with no other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from commonweal.protocol import codec, merkle
from commonweal.protocol.errors import CommonwealError, InvalidRecord, Malformed, WrongState
from commonweal.protocol.identity import founding
from commonweal.protocol.identity.parent import INHERIT, Parent, parent_of
from commonweal.protocol.ledger.checkpoint import snapshot
from commonweal.protocol.ledger.checkpoint.inheritance import inherited_state
from commonweal.protocol.ledger.claims.claims import CLAIM
from commonweal.protocol.ledger.claims.pools import PAID, POOL
from commonweal.protocol.ledger.exchange.commitments import COMMITMENT
from commonweal.protocol.ledger.exchange.deals.agreement_row import (
    AGREEMENT,
    OPEN_DEAL,
    SIGNED,
    AgreementRow,
    SignedRow,
)
from commonweal.protocol.ledger.governance import active_ruleset, proposals, witness_set
from commonweal.protocol.ledger.members import forks, invites, registry, roles
from commonweal.protocol.ledger.members.member_keys import SUCCESSION
from commonweal.protocol.ledger.members.registry import MemberRow
from commonweal.protocol.ledger.state.rejections import REFUSED as REFUSED_TABLE
from commonweal.protocol.ledger.state.time_jumps import LAST
from commonweal.protocol.ledger.things.event_row import EVENT as EVENT_TABLE
from commonweal.protocol.ledger.things.event_row import EventRow
from commonweal.protocol.ledger.things.resources import RESOURCE
from commonweal.protocol.records import record
from commonweal.protocol.records.record import CommunityId, Record, RecordId, from_bytes
from tests.protocol.authors import BO, EVE, FIRST, FOUNDING, MEI, NOW_MS, Author, write

OLD = CommunityId(FIRST.id)
NONCE = b"\x77" * 32
THING, EVENT = b"\x01" * 32, b"\x02" * 32
DEAL, OTHER = b"\x03" * 32, b"\x04" * 32
BETWEEN = AgreementRow(
    *(bytes(BO.id), 5, [THING], [], sorted([bytes(BO.id), bytes(OLD)]), 2, None, None),
    *([], "agreed", None),
)


def member(author: Author, status: str = registry.ACTIVE, **changed: Any) -> list[Any]:
    row = MemberRow(status, 9, [*author.inception.keys], 1, 2, 1, b"\x05" * 32)
    return [*row._replace(**changed)]


STATE: dict[bytes, Any] = {
    registry.FOUNDING: [bytes(MEI.id), bytes(OLD), FOUNDING.record.body.hash],  # type: ignore[union-attr]
    registry.MEMBER + MEI.id: member(MEI),
    registry.MEMBER + BO.id: member(BO),
    registry.MEMBER + EVE.id: member(EVE, registry.LEFT),
    registry.DEVICE + MEI.device: [bytes(MEI.id), None, bytes(MEI.peer), 1],
    registry.DEVICE_OF + MEI.id + MEI.device: True,
    registry.PEER + MEI.peer + MEI.device: True,
    invites.INVITE + EVENT: [bytes(MEI.id), bytes(32), 1, 0, None, False],
    invites.REQUEST + EVENT: [bytes(BO.id)],
    invites.VOUCH + EVENT: True,
    registry.FROZEN + EVE.device: 3,
    LAST: [7, 70, bytes(32), b"", 40],
    witness_set.SEATED: [[bytes(MEI.device), bytes(MEI.id)]],
    witness_set.GUILTY + EVE.device: True,
    roles.OFFER + MEI.id: [bytes(MEI.device), 7],
    roles.ROLE + MEI.id + b"witness": [True, 0, 1, bytes(32)],
    roles.ROLE + BO.id + b"speaker": [True, 1, 4, bytes(32)],
    proposals.PROPOSAL + EVENT: ["open"],
    proposals.VOTE + EVENT: ["yes"],
    proposals.DECIDED + EVENT: [bytes(EVE.device), 3],
    forks.KEPT + EVE.device: [3, EVENT],
    REFUSED_TABLE + EVENT: "SHAPE",
    SUCCESSION + BO.id: [1, b"", [], b"", b"", 0],
    active_ruleset.STANDING: [b"\x08" * 32, EVENT, 5, 50, 0, b""],
    active_ruleset.DOCUMENT + b"\x08" * 32: b"rules",
    RESOURCE + THING: ["tool", {"accountable": bytes(OLD), "onhand": 3}, [bytes(BO.id)]],
    POOL + b"cash\0EUR\x002\0": [100, 5, ""],
    PAID + b"cash\0EUR\x002\0" + bytes(OLD): 5,
    CLAIM + EVENT: [3, "cash", "EUR", 2, bytes(BO.id), b"", 5, 0, 0, 5],
    AGREEMENT + DEAL: [*BETWEEN],
    SIGNED + DEAL + OLD: [*SignedRow("yes", THING)],
    OPEN_DEAL + OLD + OTHER: True,
    COMMITMENT + THING: ["work", bytes(BO.id), bytes(OLD), [3, 0, "hour"]],
}


def handed(state: dict[bytes, Any] | None = None, depth: int = 0) -> tuple[bytes, list[bytes]]:
    listed = list(snapshot.pairs_of((STATE if state is None else state).items()))
    top = merkle.root_of(listed)
    nodes = merkle.restore(listed, top)
    chunks = []
    for number in range(1 << depth):
        below = [one for one in listed if merkle.prefix_of(one.key, depth) == number]
        chunks.append(snapshot.chunk_to_bytes(nodes, depth, number, below))
    return top, chunks


def refounded(
    top: bytes, depth: int = 0, by: Author = MEI, document: bytes = FOUNDING.body
) -> Record:
    parent = Parent(OLD, 7, b"\x07" * 32, top, 70, depth)
    return founding.refound(
        *(by.member_signer, by.inception, by.signer, by.host, NONCE),
        *(document, parent.to_value(), NOW_MS),
    ).record


TOP, CHUNKS = handed()
AGAIN = refounded(TOP)
HERE = AGAIN.id


@pytest.mark.parametrize("depth", [0, 1])
def test_members_rules_and_balances_go_on(depth: int) -> None:
    top, chunks = handed(depth=depth)
    again = refounded(top, depth)
    state = inherited_state(again, chunks)
    for author in (MEI, BO, EVE):
        row = MemberRow(*state[registry.MEMBER + author.id])
        assert row.keys == [*author.inception.keys]
        assert (row.devices, row.rekeys, row.profile, row.since) == (0, 0, None, 1)
    assert state[registry.MEMBER + EVE.id][0] == registry.LEFT, "who left has left"
    same = (
        *(SUCCESSION + BO.id, active_ruleset.STANDING, active_ruleset.DOCUMENT + b"\x08" * 32),
        *(POOL + b"cash\0EUR\x002\0", CLAIM + EVENT, roles.ROLE + BO.id + b"speaker"),
    )
    assert {key: state[key] for key in same} == {key: STATE[key] for key in same}
    assert state[RESOURCE + THING][1] == {"accountable": bytes(again.id), "onhand": 3}


def test_devices_votes_invites_and_witnesses_stay_behind() -> None:
    state = inherited_state(AGAIN, CHUNKS)
    kept = {registry.MEMBER, SUCCESSION, RESOURCE, POOL, PAID, CLAIM, roles.ROLE}
    kept |= {AGREEMENT, SIGNED, OPEN_DEAL[:1], COMMITMENT}
    assert {key[:1] for key in state} == kept | {active_ruleset.STANDING, active_ruleset.DOCUMENT}
    assert roles.ROLE + MEI.id + b"witness" not in state
    assert REFUSED_TABLE + EVENT not in state
    assert not any(bytes(OLD) in key for key in state)
    assert state[PAID + b"cash\0EUR\x002\0" + bytes(HERE)] == 5


def test_deals_go_on_with_the_community_in_place_of_its_parent() -> None:
    state = inherited_state(AGAIN, CHUNKS)
    row = AgreementRow(*state[AGREEMENT + DEAL])
    assert sorted(row.parties) == sorted([bytes(BO.id), bytes(HERE)])
    assert (row.status, row.stipulates) == ("agreed", [THING])
    assert SignedRow(*state[SIGNED + DEAL + bytes(HERE)]).say == "yes"
    assert state[OPEN_DEAL + bytes(HERE) + OTHER] is True
    assert state[COMMITMENT + THING][1:3] == [bytes(BO.id), bytes(HERE)]


def test_a_founding_record_says_from_whom_it_goes_on() -> None:
    assert parent_of(FIRST) is None
    found = parent_of(AGAIN)
    assert found is not None
    assert (found.community, found.height, found.state_root, found.chunks) == (OLD, 7, TOP, 1)


@pytest.mark.parametrize(
    "bad",
    [
        7,
        [],
        [bytes(OLD), 7, b"\x07" * 32, TOP, 70],
        [bytes(31), 7, b"\x07" * 32, TOP, 70, 0],
        [bytes(OLD), 0, b"\x07" * 32, TOP, 70, 0],
        [bytes(OLD), True, b"\x07" * 32, TOP, 70, 0],
        [bytes(OLD), 7, b"", TOP, 70, 0],
        [bytes(OLD), 7, b"\x07" * 32, TOP, -1, 0],
        [bytes(OLD), 7, b"\x07" * 32, TOP, 70, 15],
        [bytes(OLD), 7, b"\x07" * 32, TOP, 70, -1],
    ],
)
def test_a_parent_in_another_form_is_refused(bad: Any) -> None:
    data = {**FIRST.data, "parent": bad}
    one = write(MEI, None, kind="community.found", data=data, community=CommunityId(b""), clock=1)
    with pytest.raises(InvalidRecord, match="no known form"):
        parent_of(one)


@pytest.fixture(autouse=True)
def _founding_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """A founding record follows nothing, so `write` gives it no basis either."""
    plain = record.sign

    def signed(signer: Any, place: record.LogPosition, draft: record.RecordDraft) -> Record:
        if draft.kind == "community.found":
            place = record.LogPosition(CommunityId(b""), 0, record.NO_ID, 1, RecordId(b""))
        return plain(signer, place, draft)

    monkeypatch.setattr(record, "sign", signed)


def test_another_state_than_the_one_that_is_named_is_refused() -> None:
    richer = STATE | {POOL + b"cash\0EUR\x002\0": [1_000_000, 5, ""]}
    with pytest.raises(WrongState):
        inherited_state(AGAIN, handed(richer)[1])
    with pytest.raises(WrongState):
        inherited_state(AGAIN, [])
    with pytest.raises(WrongState):
        inherited_state(AGAIN, [*CHUNKS, *CHUNKS])
    with pytest.raises(Malformed):
        inherited_state(AGAIN, [b"\xc1"])


REFUSED: dict[str, tuple[dict[bytes, Any], Author, bytes, str]] = {
    "a stranger": (STATE, Author("Zoe"), FOUNDING.body, "no active member"),
    "one who left": (STATE, EVE, FOUNDING.body, "no active member"),
    "one with other keys": (
        STATE | {registry.MEMBER + MEI.id: member(MEI, keys=[bytes(32)])},
        MEI,
        FOUNDING.body,
        "has other keys now",
    ),
    "one with another document": (
        STATE,
        BO,
        codec.encode({"name": "Mine"}),
        "keeps the document",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_nothing_is_inherited_by(name: str) -> None:
    state, by, document, words = REFUSED[name]
    top, chunks = handed(state)
    with pytest.raises(CommonwealError, match=words):
        inherited_state(refounded(top, by=by, document=document), chunks)


def test_any_active_member_can_and_two_make_two_communities() -> None:
    mine, other = refounded(TOP), refounded(TOP, by=BO)
    assert len(inherited_state(mine, CHUNKS)) == len(inherited_state(other, CHUNKS))
    assert mine.id != other.id


def test_chunks_are_permanent_bodies_of_the_founders_next_records() -> None:
    one = founding.inherit(
        MEI.signer, CommunityId(HERE), founding.tip_after(AGAIN), CHUNKS[0], NOW_MS
    )
    assert (one.record.kind, one.record.seq, one.record.clock) == (INHERIT, 1, 2)
    body = one.record.body
    assert body is not None and body.permanent and record.is_body(body, CHUNKS[0])
    with pytest.raises(InvalidRecord):
        founding.inherit(
            *(MEI.signer, CommunityId(HERE), founding.tip_after(AGAIN)),
            *(bytes(record.PERMANENT_BYTES_MAX + 1), NOW_MS),
        )


def test_no_two_tables_of_the_state_have_one_letter() -> None:
    from importlib import import_module
    from pathlib import Path
    from pkgutil import walk_packages

    import commonweal.protocol.ledger as package

    folder = Path(package.__path__[0])
    letters: dict[bytes, set[str]] = {}
    for module in walk_packages([str(folder)], f"{package.__name__}."):
        found = import_module(module.name)
        text = Path(found.__file__ or "").read_text()
        for name, value in vars(found).items():
            is_ours = any(
                line.startswith(name) or f", {name}" in line
                for line in text.splitlines()
                if ' = b"' in line and not line.startswith(" ")
            )
            if is_ours and name.isupper() and isinstance(value, bytes) and len(value) == 1:
                letters.setdefault(value, set()).add(name)
    del letters[b"i"], letters[b"o"]
    assert {one for one, names in letters.items() if len(names) > 1} == set()


def test_a_state_of_fold_1_is_inherited_in_the_layout_of_today() -> None:
    file = Path(__file__).parents[3] / "vectors" / "fold_1" / "parent.json"
    kept = json.loads(file.read_text("utf-8"))
    first = from_bytes(bytes.fromhex(kept["records"][0]["wire"]))
    state = inherited_state(first, [bytes.fromhex(one["body"]) for one in kept["records"][1:]])
    leaves = snapshot.pairs_of(state.items())
    assert merkle.root_of(leaves).hex() == kept["begins with in fold 2"]
    rows = [EventRow(*value) for key, value in state.items() if key[:1] == EVENT_TABLE]
    assert {row.height > 0 for row in rows} == {True}
    assert {row.pending is None for row in rows} == {True, False}
