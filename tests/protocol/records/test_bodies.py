"""Bodies of records: erasable and permanent."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol import codec, keys
from commonweal.protocol.errors import (
    InvalidRecord,
    Malformed,
)
from commonweal.protocol.records import record
from commonweal.protocol.records.record import (
    ERASABLE_BYTES_MAX,
    PERMANENT_BYTES_MAX,
    BodyRef,
)
from tests.protocol.authors import (
    FIRST,
    FOUNDING,
)
from tests.protocol.records.test_record import HASH


def test_an_erasable_body_is_salted_and_read_back() -> None:
    data, ref = record.erasable_body(b"s" * 16, "text/plain", b"thank you")
    assert codec.decode(data) == [b"s" * 16, "text/plain", b"thank you"]
    assert record.read_erasable_body(data) == ("text/plain", b"thank you")
    assert ref == BodyRef(keys.hash32(keys.BODY, data), len(data), permanent=False)
    assert record.is_body(ref, data)
    assert not record.is_body(ref, data[:-1] + b"!")
    assert not record.is_body(ref, data + b"!")
    assert record.erasable_body(b"t" * 16, "text/plain", b"thank you")[1].hash != ref.hash


def test_a_body_is_judged_by_size_and_hash_both() -> None:
    data, ref = record.erasable_body(b"s" * 16, "text/plain", b"thank you")
    assert not record.is_body(ref._replace(size=ref.size + 1), data)
    assert not record.is_body(ref._replace(hash=HASH), data)


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        [b"s" * 16, "text/plain"],
        [b"s" * 16, "text/plain", b"", b""],
        [b"s" * 15, "text/plain", b""],
        [b"s" * 17, "text/plain", b""],
        ["s" * 16, "text/plain", b""],
        [b"s" * 16, b"text/plain", b""],
        [b"s" * 16, "text/plain", "text"],
    ],
    ids=repr,
)
def test_what_is_no_erasable_body_is_refused(value: Any) -> None:
    with pytest.raises(Malformed, match="not an erasable body"):
        record.read_erasable_body(codec.encode(value))


def test_bodies_end_at_their_limits() -> None:
    room = ERASABLE_BYTES_MAX - len(record.erasable_body(bytes(16), "", bytes(256))[0]) + 256
    data, ref = record.erasable_body(bytes(16), "", bytes(room))
    assert len(data) == ref.size == ERASABLE_BYTES_MAX
    with pytest.raises(InvalidRecord, match="65537 bytes"):
        record.erasable_body(bytes(16), "", bytes(room + 1))
    record.erasable_body(bytes(16), "m" * 100, b"")
    with pytest.raises(InvalidRecord, match="media type of 101"):
        record.erasable_body(bytes(16), "m" * 101, b"")
    assert record.permanent_body(bytes(PERMANENT_BYTES_MAX)).size == PERMANENT_BYTES_MAX
    with pytest.raises(InvalidRecord, match="1048577 bytes"):
        record.permanent_body(bytes(PERMANENT_BYTES_MAX + 1))


def test_the_document_of_a_community_is_permanent() -> None:
    assert FIRST.body is not None
    assert FIRST.body.permanent
    assert record.is_body(FIRST.body, FOUNDING.body)
    assert codec.decode(FOUNDING.body) == {"name": "Lanxi"}
