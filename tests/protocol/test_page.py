"""docs/protocol.md names all that is registered, and its numbers are those of the code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import commonweal.node.gate
from commonweal.node import heads, intake, link, live, peering, replica, serving, session
from commonweal.protocol import (
    codec,
    credentials,
    frontier,
    hello,
    identity,
    invite,
    keys,
    succession,
    wire,
)
from commonweal.protocol import record as records
from commonweal.protocol.ledger.kinds import KINDS
from tests.protocol.test_wire import MESSAGES

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
        *sorted({str(codec.decode(wire.encode(one))[0]) for one in MESSAGES.values()}),  # type: ignore[index]
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
    tree = ast.parse(Path(commonweal.node.gate.__file__ or "").read_text("utf-8"))
    codes = [
        ast.literal_eval(call.args[1])
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "self._refuse"
    ]
    assert codes
    for code in codes:
        assert f"`{code}`" in SECTIONS[10]


@pytest.mark.parametrize(
    ("section", "words", "value"),
    [
        (1, "most {} deep", codec.DEPTH_MAX),
        (1, "({} in a frame", wire.DEPTH_MAX),
        (3, "1 to {} member keys", identity.KEYS_MAX),
        (3, "most {} bytes", identity.INCEPTION_BYTES_MAX),
        (4, "65 to {} bytes", records.RECORD_BYTES_MAX),
        (4, "most {} ids", records.DEPS_MAX),
        (4, "at most {} keys, or empty", succession.SPONSORS_MAX),
        (4, "ascending, at most {})", succession.DEVICES_MAX),
        (4, "1 to {} characters", records.KIND_CHARS_MAX),
        (4, "most {} characters", records.MEDIA_TYPE_CHARS_MAX),
        (4, "most\n{} bytes", records.ERASABLE_BYTES_MAX),
        (4, "most {}, of a `community.found`", records.PERMANENT_BYTES_MAX),
        (7, "the first {} bytes of\nthe hash", frontier.BUCKET_DIGEST_BYTES),
        (7, "{} zero bytes when it is empty", frontier.BUCKET_DIGEST_BYTES),
        (7, "the {} bucket digests", frontier.BUCKETS),
        (8, "most {} MiB between members", link.FRAME_BYTES_MAX >> 20),
        (8, "{} KiB from a guest", link.GUEST_FRAME_BYTES_MAX >> 10),
        (8, "{} KiB before that", link.HELLO_BYTES_MAX >> 10),
        (8, "within {} s is closed", link.HELLO_MS_MAX // 1000),
        (8, "heard of for {} s", peering.SILENCE_MS_MAX // 1000),
        (8, "goes out after {})", peering.PING_MS // 1000),
        (9, "32 and {} characters", wire.TEXT_CHARS_MAX),
        (9, "`buckets` | digests | {} bytes", frontier.BUCKETS * frontier.BUCKET_DIGEST_BYTES),
        (9, "| {}; 0 <= start < stop", wire.RANGES_MAX),
        (9, "{}, of 32,960 bytes", wire.EVIDENCE_MAX),
        (9, "24, of {} bytes", 2 * records.RECORD_BYTES_MAX + 64),
        (9, "`want-bodies` | [hash …] | {} |", wire.IDS_MAX),
        (9, "{} KiB of data", wire.PART_BYTES_MAX >> 10),
        (9, "{}, of 5,120 bytes", wire.ADDRESSES_MAX),
        (9, "64, of {} bytes", wire.ADDRESS_BYTES_MAX),
        (10, "at most {} ints", hello.VERSIONS_MAX),
        (10, "Credentials: at most {} records", credentials.CREDENTIALS_MAX),
        (10, "records, {} bytes together", credentials.CREDENTIALS_BYTES_MAX),
        (10, "({} records and 16 KiB", intake.NEWCOMER_RECORDS_MAX),
        (10, "4 records and {} KiB", intake.NEWCOMER_BYTES_MAX >> 10),
        (10, "{} such logs", replica.NEWCOMERS_MAX),
        (10, "{} of them under invites of one member", replica.NEWCOMERS_PER_INVITER_MAX),
        (10, "{} under none", replica.UNINVITED_MAX),
        (11, "about {} KiB", wire.RUNS_BYTES_AIM >> 10),
        (11, "Permanent bodies up to\n{} KiB", serving.INLINE_BODY_BYTES_MAX >> 10),
        (11, "most {} such frames", session.FRAMES_IN_FLIGHT_MAX),
        (11, "than {} KiB of one", live.PUSH_BYTES_MAX >> 10),
        (12, "most {} pairs", heads.HEADS_MAX),
        (12, "pairs and {} bytes", heads.HEADS_BYTES_MAX),
        (12, "one in\n  {} ms", heads.HEADS_PAUSE_MS),
        (13, "1 to {} peers", invite.PEERS_MAX),
        (13, "with\nat most {} addresses", invite.ADDRESSES_MAX),
        (13, "at most {} ASCII", invite.ADDRESS_CHARS_MAX),
        (13, "At most {} characters", invite.LINK_CHARS_MAX),
    ],
)
def test_the_numbers_of_the_page_are_those_of_the_code(
    section: int, words: str, value: int
) -> None:
    assert words.format(f"{value:,}") in SECTIONS[section]
