"""docs/protocol.md names all that is registered, and its numbers are those of the code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from commonweal.node import transport
from commonweal.node.service.peers import handshake, overlay
from commonweal.node.service.replica import replica
from commonweal.node.service.sync import announce, newcomers, push, serve
from commonweal.protocol import codec, keys
from commonweal.protocol.identity import identity, invite, key_rotation, membership_proof
from commonweal.protocol.ledger.contributions import conditions
from commonweal.protocol.ledger.fold.kinds import KINDS
from commonweal.protocol.ledger.governance import proposal_records as proposals
from commonweal.protocol.ledger.members import invites
from commonweal.protocol.records import frontier
from commonweal.protocol.records import record as records
from commonweal.protocol.seal import cut
from commonweal.protocol.wire import frame_codec, hello, lookup, messages
from tests.protocol.wire.test_messages import MESSAGES

DOCS = Path(__file__).parents[2] / "docs"
KINDS_PAGE = (DOCS / "protocol" / "kinds.md").read_text("utf-8")
PAGE = (Path(__file__).parent.parent.parent / "docs" / "protocol.md").read_text("utf-8")
MEMBERSHIP = ("community.", "device.", "invite.", "member.")
SECTIONS = {
    int(number): text for number, text in re.findall(r"(?ms)^## (\d+)\. (.*?)(?=^## |\Z)", PAGE)
}


@pytest.mark.parametrize(
    "word",
    [
        *sorted(keys.SIGNED_CONTEXTS),
        *sorted(purpose.decode() for purpose in keys.HASH_PURPOSES | keys.SEED_PURPOSES),
        *sorted({str(codec.decode(frame_codec.encode(one))[0]) for one in MESSAGES.values()}),  # type: ignore[index]
        *(kind for kind in KINDS if kind.startswith(MEMBERSHIP)),
        identity.INCEPTION_FORM,
        invite.FORM,
        invite.SCHEME,
        "commonweal/1/proof",
    ],
)
def test_the_page_names_what_is_registered(word: str) -> None:
    assert re.search(rf"(?<![\w/-]){re.escape(word)}(?![\w-])", PAGE)


def test_the_page_names_every_reason_to_refuse_a_peer() -> None:
    tree = ast.parse(Path(handshake.__file__ or "").read_text("utf-8"))
    codes = [
        ast.literal_eval(call.args[1])
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "self._refuse"
    ]
    assert codes
    for code in codes:
        assert f"`{code}`" in SECTIONS[10]


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("document of 1 to {} keys", key_rotation.SPONSORS_MAX),
        ("devices: at most {} ids", key_rotation.DEVICES_MAX),
        ("a list of 1 to {} `[key, signature]`", key_rotation.SIGNATURES_MAX),
        ("(`OF_MEMBER` is {})", proposals.OPEN_PER_MEMBER_MAX),
        ("UTF-8 of 1 to {} bytes", proposals.TEXT_BYTES_MAX),
        ("uses: 1 to {};", invites.USES_MAX),
        ("more than {} of fuel", conditions.ADMISSION_FUEL_MAX),
    ],
)
def test_the_numbers_of_the_page_of_kinds_are_those_of_the_code(words: str, value: int) -> None:
    known = {_flowing(words.format(number)) for number in (f"{value:,}", str(value))}
    assert any(text in _flowing(KINDS_PAGE) for text in known)


def _flowing(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(
    ("section", "words", "value"),
    [
        (1, "most {} deep", codec.DEPTH_MAX),
        (1, "({} in a frame", frame_codec.DEPTH_MAX),
        (3, "1 to {} member keys", identity.KEYS_MAX),
        (3, "most {} bytes", identity.INCEPTION_BYTES_MAX),
        (4, "65 to {} bytes", records.RECORD_BYTES_MAX),
        (4, "most {} ids", records.DEPS_MAX),
        (4, "1 to {} characters", records.KIND_CHARS_MAX),
        (4, "most {} characters", records.MEDIA_TYPE_CHARS_MAX),
        (4, "most\n{} bytes", records.ERASABLE_BYTES_MAX),
        (4, "most {}, of a `community.found`", records.PERMANENT_BYTES_MAX),
        (7, "the first {} bytes of\nthe hash", frontier.BUCKET_DIGEST_BYTES),
        (7, "{} zero bytes when it is empty", frontier.BUCKET_DIGEST_BYTES),
        (7, "the {} bucket digests", frontier.BUCKETS),
        (8, "most {} MiB between members", transport.FRAME_BYTES_MAX >> 20),
        (8, "{} KiB from a guest", transport.GUEST_FRAME_BYTES_MAX >> 10),
        (8, "{} KiB before that", transport.HELLO_BYTES_MAX >> 10),
        (8, "within {} s is closed", transport.HELLO_MS_MAX // 1000),
        (8, "heard of for {} s", overlay.SILENCE_MS_MAX // 1000),
        (8, "goes out after {})", overlay.PING_MS // 1000),
        (9, "32 and {} characters", messages.TEXT_CHARS_MAX),
        (9, "`buckets` | digests | {} bytes", frontier.BUCKETS * frontier.BUCKET_DIGEST_BYTES),
        (9, "| {}; 0 <= start < stop", messages.RANGES_MAX),
        (9, "{}, of 32,960 bytes", messages.EVIDENCE_MAX),
        (9, "24, of {} bytes", 2 * records.RECORD_BYTES_MAX + 64),
        (9, "`want-bodies` | [hash …] | {} |", messages.IDS_MAX),
        (9, "{} KiB of data", messages.PART_BYTES_MAX >> 10),
        (9, "id, skip | 32 bytes; {} |", cut.CUT_RECORDS_MAX),
        (9, "body | {}; a body", lookup.GIVEN_RECORDS_MAX),
        (9, "a body of {} KiB or nil", lookup.TEXT_BYTES_MAX >> 10),
        (9, "{}, of 5,120 bytes", messages.ADDRESSES_MAX),
        (9, "64, of {} bytes", messages.ADDRESS_BYTES_MAX),
        (10, "at most {} ints", hello.VERSIONS_MAX),
        (10, "{} answers `want-record`", hello.LOOKUP_VERSION),
        (10, "and {} stands there in a", hello.LIGHT_HOME),
        (10, "Credentials: at most {} records", membership_proof.CREDENTIALS_MAX),
        (10, "records, {} bytes together", membership_proof.CREDENTIALS_BYTES_MAX),
        (10, "({} records and 16 KiB", newcomers.NEWCOMER_RECORDS_MAX),
        (10, "4 records and {} KiB", newcomers.NEWCOMER_BYTES_MAX >> 10),
        (10, "{} such logs", replica.NEWCOMERS_MAX),
        (10, "{} of them under invites of one member", replica.NEWCOMERS_PER_INVITER_MAX),
        (10, "{} under none", replica.UNINVITED_MAX),
        (11, "about {} KiB", messages.RUNS_BYTES_AIM >> 10),
        (11, "Permanent bodies up to\n{} KiB", serve.INLINE_BODY_BYTES_MAX >> 10),
        (11, "most {} such frames", serve.FRAMES_IN_FLIGHT_MAX),
        (11, "than {} KiB of one", push.PUSH_BYTES_MAX >> 10),
        (12, "most {} pairs", announce.HEADS_MAX),
        (12, "pairs and {} bytes", announce.HEADS_BYTES_MAX),
        (12, "one in\n  {} ms", announce.HEADS_PAUSE_MS),
        (13, "1 to {} peers", invite.PEERS_MAX),
        (13, "with\nat most {} addresses", invite.ADDRESSES_MAX),
        (13, "at most {} ASCII", invite.ADDRESS_CHARS_MAX),
        (13, "At most {} characters", invite.LINK_CHARS_MAX),
    ],
)
def test_the_numbers_of_the_page_are_those_of_the_code(
    section: int, words: str, value: int
) -> None:
    assert _flowing(words.format(f"{value:,}")) in _flowing(SECTIONS[section])
