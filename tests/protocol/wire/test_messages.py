"""Messages: each is read back, each limit holds at its edge, and other bytes are malformed."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.protocol import codec
from commonweal.protocol.codec import INT_MAX
from commonweal.protocol.errors import Malformed
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records.frontier import FrontierEntry
from commonweal.protocol.records.record import PERMANENT_BYTES_MAX, RECORD_BYTES_MAX, RecordId
from commonweal.protocol.wire import frame_codec, lookup, messages, seals, state_sync
from tests.protocol.authors import seed

A, B = DeviceKey(seed("a")), DeviceKey(seed("b"))
HEAD = bytes(32)
ENTRY = FrontierEntry(A, 3, HEAD, None)
DIGEST = bytes(32)

MESSAGES: dict[str, messages.Message] = {
    "hello": messages.Hello(bytes(24), b"box"),
    "hello, empty": messages.Hello(bytes(24), b""),
    "bye": messages.Bye("not-a-member", "你不是成员"),
    "bye, empty": messages.Bye("", ""),
    "ping": messages.Ping(0),
    "pong": messages.Pong(INT_MAX),
    "compare": messages.Compare(DIGEST, DIGEST),
    "compare for the first time": messages.Compare(DIGEST, b""),
    "same": messages.Same(DIGEST),
    "buckets": messages.Buckets(bytes(5120)),
    "entries": messages.Entries(
        bytes([0, 7, 255]), (ENTRY, FrontierEntry(B, 5, HEAD, 5)), reply=True
    ),
    "entries, empty": messages.Entries(b"", (), reply=False),
    "an entry of a log frozen at once": messages.Entries(
        b"", (FrontierEntry(A, 0, b"", 0),), reply=False
    ),
    "an entry behind its freeze": messages.Entries(
        b"", (FrontierEntry(A, 2, HEAD, 9),), reply=False
    ),
    "fetch": messages.WantRecords((messages.Range(A, 0, 1), messages.Range(B, 7, INT_MAX))),
    "fetch, empty": messages.WantRecords(()),
    "runs": messages.Runs((messages.Run(A, 4, (b"one", b"two"), ((1, b"body"),)),), 9, asked=True),
    "runs, empty": messages.Runs((), 0, asked=False),
    "a run, empty": messages.Runs((messages.Run(A, 0, ()),), 0, asked=False),
    "have": messages.Have(((A, 0), (B, INT_MAX)), 4),
    "have, empty": messages.Have((), 0),
    "evidence": messages.Evidence((b"proof", b"another")),
    "want-evidence": messages.WantEvidence((A, B)),
    "want-branch": messages.WantBranch((RecordId(seed("id")),)),
    "branch": messages.Branch((b"one", b"two")),
    "want-bodies": messages.WantBodies((seed("body"),)),
    "part": messages.BodyChunk(DIGEST, 5, 2, b"abc"),
    "a part of nothing": messages.BodyChunk(DIGEST, 0, 0, b""),
    "addresses": messages.Addresses((b"one", b"two")),
    "height": seals.HeightStatus(7, DIGEST, b""),
    "height, none": seals.HeightStatus(0, b"", DIGEST),
    "said": seals.ConsensusMessage(b"vote"),
    "want-proposal": seals.WantProposal(7, 0, DIGEST),
    "want-seal": seals.WantSeal(7),
    "want-seals": seals.WantSeals(1),
    "seals": seals.Seals(((b"sealed", b"delta"),)),
    "want-state": state_sync.WantState(0, 0, 0),
    "state": state_sync.StatePart(7, 2, 3, 10, 4, b"abc"),
    "want-record": lookup.WantRecord(RecordId(DIGEST), 0),
    "given-record": lookup.GivenRecord(RecordId(DIGEST), 0, (b"one", b"two"), b"a text"),
    "given-record, none": lookup.GivenRecord(RecordId(DIGEST), 7, (), None),
    "state, none": state_sync.StatePart(0, 0, 0, 0, 0, b""),
}


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
def test_every_message_is_read_back(message: messages.Message) -> None:
    frame = frame_codec.encode(message)
    assert frame_codec.decode(frame) == message
    with pytest.raises(Malformed):
        frame_codec.decode(frame + b"\xc0")
    with pytest.raises(Malformed):
        frame_codec.decode(frame[:-1])


def test_every_kind_of_message_is_tried_here() -> None:
    assert {type(message) for message in MESSAGES.values()} == set(get_args(messages.Message))


STATE = ["state", 7, 2, 3, 10, 4, b"abc"]
AUTHORS = [seed("author", n) for n in range(257)]
LIMITS: dict[str, tuple[Any, Any]] = {
    "a height": (["height", 7, DIGEST, b""], ["height", 7, b"", b""]),
    "no height": (["height", 0, b"", b""], ["height", 0, DIGEST, b""]),
    "what is held": (["height", 0, b"", DIGEST], ["height", 0, b"", DIGEST[:31]]),
    "what a witness said": (["said", b"x"], ["said", b""]),
    "a proposal": (["want-proposal", 1, 0, b""], ["want-proposal", 0, 0, b""]),
    "the round of a proposal": (["want-proposal", 1, 0, b""], ["want-proposal", 1, -1, b""]),
    "a seal": (["want-seal", 1], ["want-seal", 0]),
    "the first of the seals": (["want-seals", 1], ["want-seals", 0]),
    "seals": (["seals", [[b"x", b"y"]] * 256], ["seals", [[b"x", b"y"]] * 257]),
    "a sealed height": (["seals", [[bytes(16384), b"y"]]], ["seals", [[bytes(16385), b"y"]]]),
    "a delta": (["seals", [[b"x", bytes(524288)]]], ["seals", [[b"x", bytes(524289)]]]),
    "the id of a record": (["want-record", DIGEST, 0], ["want-record", DIGEST[:31], 0]),
    "what is skipped": (["want-record", DIGEST, 50000], ["want-record", DIGEST, 50001]),
    "the id of a given record": (
        ["given-record", DIGEST, 0, [], None],
        ["given-record", DIGEST + b"x", 0, [], None],
    ),
    "what a given record skips": (
        ["given-record", DIGEST, 0, [], None],
        ["given-record", DIGEST, -1, [], None],
    ),
    "given records": (
        ["given-record", DIGEST, 0, [b"x"] * 16384, None],
        ["given-record", DIGEST, 0, [b"x"] * 16385, None],
    ),
    "a given body": (
        ["given-record", DIGEST, 0, [], bytes(131072)],
        ["given-record", DIGEST, 0, [], bytes(131073)],
    ),
    "the height of a state": (["want-state", 0, 0, 0], ["want-state", -1, 0, 0]),
    "a chunk": (["want-state", 0, 16383, 0], ["want-state", 0, 16384, 0]),
    "where a part begins": (["want-state", 0, 0, 4194304], ["want-state", 0, 0, 4194305]),
    "the depth of a state": (
        ["state", 7, 14, 3, 10, 4, b"abc"],
        ["state", 7, 15, 3, 10, 4, b"abc"],
    ),
    "the number of a chunk": (STATE, ["state", 7, 2, 4, 10, 4, b"abc"]),
    "the size of a chunk": (
        ["state", 7, 2, 3, 4194304, 4, b"abc"],
        ["state", 7, 2, 3, 4194305, 4, b"abc"],
    ),
    "the end of a part of a chunk": (
        ["state", 7, 2, 3, 7, 4, b"abc"],
        ["state", 7, 2, 3, 6, 4, b"abc"],
    ),
    "the length of a part of a chunk": (
        ["state", 7, 0, 0, 4194304, 0, bytes(448 * 1024)],
        ["state", 7, 0, 0, 4194304, 0, bytes(448 * 1024 + 1)],
    ),
    "a part with data": (STATE, ["state", 7, 2, 3, 10, 4, b""]),
    "a part without height": (["state", 0, 0, 0, 0, 0, b""], ["state", 0, 2, 3, 10, 4, b"abc"]),
    "a nonce": (["hello", bytes(24), b""], ["hello", bytes(25), b""]),
    "a short nonce": (["hello", bytes(24), b""], ["hello", bytes(23), b""]),
    "the code of a bye": (["bye", "c" * 32, ""], ["bye", "c" * 33, ""]),
    "the text of a bye": (["bye", "", "共" * 200], ["bye", "", "共" * 201]),
    "a ping": (["ping", 0], ["ping", -1]),
    "a pong": (["pong", 0], ["pong", -1]),
    "a digest to compare": (["compare", DIGEST, b""], ["compare", DIGEST[:31], b""]),
    "a base": (["compare", DIGEST, DIGEST], ["compare", DIGEST, DIGEST[:31]]),
    "the same": (["same", DIGEST], ["same", DIGEST + b"x"]),
    "the buckets": (["buckets", bytes(5120)], ["buckets", bytes(5119)]),
    "more than the buckets": (["buckets", bytes(5120)], ["buckets", bytes(5121)]),
    "bucket numbers": (
        ["entries", bytes(range(256)), [], True],
        ["entries", bytes(range(256)) + b"\xff", [], True],
    ),
    "bucket numbers in order": (
        ["entries", b"\1\2", [], True],
        ["entries", b"\2\1", [], True],
    ),
    "bucket numbers once": (["entries", b"\1", [], True], ["entries", b"\1\1", [], True]),
    "entries": (
        ["entries", b"", [[A, 0, b"", None]] * 4096, True],
        ["entries", b"", [[A, 0, b"", None]] * 4097, True],
    ),
    "the author of an entry": (
        ["entries", b"", [[A, 0, b"", None]], True],
        ["entries", b"", [[A[:31], 0, b"", None]], True],
    ),
    "the head of an entry": (
        ["entries", b"", [[A, 1, HEAD, None]], True],
        ["entries", b"", [[A, 1, HEAD[:31], None]], True],
    ),
    "the head of an empty entry": (
        ["entries", b"", [[A, 0, b"", None]], True],
        ["entries", b"", [[A, 0, HEAD, None]], True],
    ),
    "an entry without head": (
        ["entries", b"", [[A, 1, HEAD, None]], True],
        ["entries", b"", [[A, 1, b"", None]], True],
    ),
    "the end of a frozen entry": (
        ["entries", b"", [[A, 2, HEAD, 2]], True],
        ["entries", b"", [[A, 2, HEAD, 1]], True],
    ),
    "the length of an entry": (
        ["entries", b"", [[A, 0, b"", None]], True],
        ["entries", b"", [[A, -1, HEAD, None]], True],
    ),
    "ranges": (["fetch", [[A, 0, 1]] * 4096], ["fetch", [[A, 0, 1]] * 4097]),
    "the end of a range": (["fetch", [[A, 1, 2]]], ["fetch", [[A, 2, 2]]]),
    "the start of a range": (["fetch", [[A, 0, 2]]], ["fetch", [[A, -1, 2]]]),
    "runs": (
        ["runs", [[A, 0, [], []]] * 4096, 0, True],
        ["runs", [[A, 0, [], []]] * 4097, 0, True],
    ),
    "what remains": (["runs", [], 0, True], ["runs", [], -1, True]),
    "the start of a run": (
        ["runs", [[A, 0, [], []]], 0, True],
        ["runs", [[A, -1, [], []]], 0, True],
    ),
    "a record in a run": (
        ["runs", [[A, 0, [bytes(RECORD_BYTES_MAX)], []]], 0, True],
        ["runs", [[A, 0, [bytes(RECORD_BYTES_MAX + 1)], []]], 0, True],
    ),
    "an empty record in a run": (
        ["runs", [[A, 0, [b"x"], []]], 0, True],
        ["runs", [[A, 0, [b""], []]], 0, True],
    ),
    "bodies of a run": (
        ["runs", [[A, 0, [b"x"], [[0, b""]]]], 0, True],
        ["runs", [[A, 0, [b"x"], [[0, b""], [0, b""]]]], 0, True],
    ),
    "the record of a body": (
        ["runs", [[A, 0, [b"x"], [[0, b""]]]], 0, True],
        ["runs", [[A, 0, [b"x"], [[1, b""]]]], 0, True],
    ),
    "lengths": (["have", [[A, 0]] * 4096, 0], ["have", [[A, 0]] * 4097, 0]),
    "a length": (["have", [[A, 0]], 0], ["have", [[A, -1]], 0]),
    "frames taken": (["have", [], 0], ["have", [], -1]),
    "proofs": (["evidence", [b"p"] * 24], ["evidence", [b"p"] * 25]),
    "a proof": (
        ["evidence", [bytes(2 * RECORD_BYTES_MAX + 64)]],
        ["evidence", [bytes(2 * RECORD_BYTES_MAX + 65)]],
    ),
    "wanted proofs": (["want-evidence", AUTHORS[:256]], ["want-evidence", AUTHORS]),
    "a wanted proof": (["want-evidence", [A]], ["want-evidence", [A[:31]]]),
    "wanted branches": (["want-branch", AUTHORS[:256]], ["want-branch", AUTHORS]),
    "a wanted branch": (["want-branch", [A]], ["want-branch", [A + b"x"]]),
    "a record of a branch": (
        ["branch", [bytes(RECORD_BYTES_MAX)]],
        ["branch", [bytes(RECORD_BYTES_MAX + 1)]],
    ),
    "wanted bodies": (["want-bodies", AUTHORS[:256]], ["want-bodies", AUTHORS]),
    "a wanted body": (["want-bodies", [A]], ["want-bodies", [b""]]),
    "the size of a body": (
        ["part", DIGEST, PERMANENT_BYTES_MAX, 0, b"x"],
        ["part", DIGEST, PERMANENT_BYTES_MAX + 1, 0, b"x"],
    ),
    "the end of a part": (["part", DIGEST, 5, 4, b"x"], ["part", DIGEST, 5, 5, b"x"]),
    "the start of a part": (["part", DIGEST, 5, 0, b"x"], ["part", DIGEST, 5, -1, b"x"]),
    "the length of a part": (
        ["part", DIGEST, 2**20, 0, bytes(256 * 1024)],
        ["part", DIGEST, 2**20, 0, bytes(256 * 1024 + 1)],
    ),
    "addresses": (["addresses", [b"a"] * 64], ["addresses", [b"a"] * 65]),
    "an address": (["addresses", [bytes(5 * 1024)]], ["addresses", [bytes(5 * 1024 + 1)]]),
}


@pytest.mark.parametrize(("inside", "outside"), LIMITS.values(), ids=LIMITS)
def test_every_limit_holds_at_its_edge(inside: Any, outside: Any) -> None:
    frame_codec.decode(codec.encode(inside))
    with pytest.raises(Malformed):
        frame_codec.decode(codec.encode(outside))


def test_a_frame_ends_at_its_limit() -> None:
    room = (
        messages.FRAME_BYTES_MAX
        - len(frame_codec.encode(messages.Hello(bytes(24), bytes(2**17))))
        + 2**17
    )
    largest = frame_codec.encode(messages.Hello(bytes(24), bytes(room)))
    assert len(largest) == messages.FRAME_BYTES_MAX == 1024 * 1024
    frame_codec.decode(largest)
    with pytest.raises(Malformed, match="a frame of 1048577 bytes"):
        frame_codec.decode(frame_codec.encode(messages.Hello(bytes(24), bytes(room + 1))))


def test_what_a_node_may_send_fits_a_frame() -> None:
    """Every message that is full by its own limits is no larger than a frame."""
    full: list[messages.Message] = [
        messages.Entries(
            bytes(range(256)), (FrontierEntry(A, INT_MAX, HEAD, INT_MAX),) * 4096, reply=True
        ),
        messages.WantRecords((messages.Range(A, INT_MAX - 1, INT_MAX),) * 4096),
        messages.Have(((A, INT_MAX),) * 4096, INT_MAX),
        messages.Evidence((bytes(2 * RECORD_BYTES_MAX + 64),) * 24),
        messages.WantEvidence((A,) * 256),
        messages.Addresses((bytes(5 * 1024),) * 64),
        messages.BodyChunk(DIGEST, PERMANENT_BYTES_MAX, 0, bytes(256 * 1024)),
        messages.Buckets(bytes(5120)),
        messages.Runs(
            (messages.Run(A, 1, (bytes(200),), ((0, bytes(40)),)),) * 3500, 0, asked=True
        ),
    ]
    for message in full:
        assert frame_codec.decode(frame_codec.encode(message)) == message


WRONG: list[Any] = [
    *(None, 0, "ping", b"ping", {}, [], [[]], [None], [b"ping", 1]),
    *(["unheard", 1], ["Ping", 1], ["ping"], ["ping", 1, 1], ["ping", "1"]),
    *(["ping", True], ["pong", False], ["bye", b"code", ""], ["bye", "", None], ["bye", ""]),
    *(["hello", bytes(24)], ["hello", "n" * 24, b""], ["hello", bytes(24), "box"]),
    *(["compare", DIGEST], ["compare", "d" * 32, b""], ["same", None], ["buckets", None]),
    *(["entries", b"", []], ["entries", b"", [], 1], ["entries", b"", {}, True]),
    *(["entries", [], [], True], ["entries", b"", [None], True], ["entries", b"", [[A]], True]),
    ["entries", b"", [[A, True, HEAD, None]], True],
    ["entries", b"", [[A, 0, b"", True]], True],
    ["entries", b"", [[A, 0, b"", False]], True],
    *(
        ["fetch", None],
        ["fetch", [[A, 0]]],
        ["fetch", [[A, False, True]]],
        ["fetch", [[A, 0, 1, 2]]],
    ),
    *(["runs", [], 0], ["runs", [], 0, 0], ["runs", [], True, True], ["runs", {}, 0, True]),
    *(["runs", [[A, 0, []]], 0, True], ["runs", [[A, 0, {}, []]], 0, True]),
    ["runs", [[A, 0, ["text"], []]], 0, True],
    ["runs", [[A, False, [], []]], 0, True],
    ["runs", [[A, 0, [b"x"], [[False, b""]]]], 0, True],
    ["runs", [[A, 0, [b"x"], [[0, "body"]]]], 0, True],
    ["runs", [[A, 0, [b"x"], [0]]], 0, True],
    *(["have", [[A]], 0], ["have", [], True], ["have", [[A, True]], 0], ["have", {}, 0]),
    *(["evidence", None], ["evidence", ["p"]], ["evidence", [b""]], ["want-evidence", ["a" * 32]]),
    *(["branch", [None]], ["branch", {}], ["want-bodies", None], ["want-branch", [0]]),
    *(["part", DIGEST, 1, 0], ["part", DIGEST[1:], 1, 0, b"x"], ["part", DIGEST, True, 0, b"x"]),
    *(
        ["part", DIGEST, 1, False, b"x"],
        ["part", DIGEST, 1, 0, "x"],
        ["part", DIGEST, None, 0, b""],
    ),
    *(["addresses", b""], ["addresses", [[]]], ["addresses"]),
]


@pytest.mark.parametrize("value", WRONG, ids=lambda value: repr(value)[:60])
def test_what_has_not_the_shape_of_a_message_is_malformed(value: Any) -> None:
    with pytest.raises(Malformed):
        frame_codec.decode(codec.encode(value))


def test_a_message_nests_no_deeper_than_it_must() -> None:
    deepest = MESSAGES["runs"]
    assert codec.decode(frame_codec.encode(deepest), frame_codec.DEPTH_MAX)
    value: Any = ["ping", [[[[[[]]]]]]]
    with pytest.raises(Malformed, match="too deep"):
        frame_codec.decode(codec.encode(value))


def test_the_size_of_records_in_a_frame_is_known_beforehand() -> None:
    for sizes in ((), (70,), (300,) * 100, (70, 255, 256, 16_448)):
        wires = tuple(bytes(size) for size in sizes)
        frame = frame_codec.encode(messages.Runs((messages.Run(A, 0, wires),), 0, asked=True))
        assert abs(len(frame) - messages.size_of(wires)) < 60


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 300) | st.text(max_size=4) | st.binary(max_size=33),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=12,
)
NAMES = st.sampled_from([codec.decode(frame_codec.encode(one))[0] for one in MESSAGES.values()])  # type: ignore[index]


@given(st.binary(max_size=80))
def test_any_bytes_are_a_message_or_malformed(data: bytes) -> None:
    try:
        message = frame_codec.decode(data)
    except Malformed:
        return
    assert frame_codec.encode(message) == data


@given(NAMES, st.lists(VALUES, max_size=5))
def test_any_value_behind_a_name_is_a_message_or_malformed(name: str, rest: list[Any]) -> None:
    data = codec.encode([name, *rest])
    try:
        message = frame_codec.decode(data)
    except Malformed:
        return
    assert frame_codec.encode(message) == data


@given(st.sampled_from(list(MESSAGES.values())), st.data())
def test_a_changed_message_is_another_or_malformed(message: messages.Message, chosen: Any) -> None:
    data = bytearray(frame_codec.encode(message))
    data[chosen.draw(st.integers(0, len(data) - 1))] ^= chosen.draw(st.integers(1, 255))
    try:
        found = frame_codec.decode(bytes(data))
    except Malformed:
        return
    assert frame_codec.encode(found) == data
