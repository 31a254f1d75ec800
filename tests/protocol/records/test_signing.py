"""Signing a record gives what reading its bytes gives, without reading them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.protocol import codec
from commonweal.protocol.errors import CommonwealError
from commonweal.protocol.records import record
from commonweal.protocol.records.record import (
    HEADER_VALUES_MAX,
    BodyRef,
    LogPosition,
    RecordDraft,
)
from tests.protocol.authors import BO, COMMUNITY, FIRST, NOW_MS, chain

LAST = chain(BO, 3)[-1]
HASH = b"\x11" * 32
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63) - 1, 2**64),
    st.text(st.characters(), max_size=4),
    st.binary(max_size=4),
    st.floats(),
)
datas = st.dictionaries(
    st.text(max_size=3),
    st.recursive(
        scalars,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=2), inner, max_size=3)
        ),
        max_leaves=12,
    ),
    max_size=4,
)


def as_read(draft: RecordDraft, place: LogPosition) -> record.Record:
    """Return what reading the signed bytes gives: encode, sign, decode."""
    body: Any = draft.body and [draft.body.hash, draft.body.size, int(draft.body.permanent)]
    fields: list[Any] = [record.CONTEXT, place.community, BO.device, place.seq, place.prev]
    fields += [place.clock, place.basis, list(draft.deps), draft.claimed_at, draft.kind]
    header = codec.encode([*fields, draft.data, body])
    return record.from_bytes_unchecked(header + BO.signer.sign(header))


def outcome(make: Callable[[], record.Record]) -> Any:
    """Return the record with the types of all its values, or the kind of error."""
    try:
        made = make()
    except CommonwealError as error:
        return type(error)
    return made, repr(made)


@given(
    datas,
    st.sampled_from([(), (b"\x01" * 32,), (b"\x02" * 32, b"\x01" * 32), (b"short",)]),
    st.sampled_from([0, NOW_MS, -1, 2**63, True]),
    st.sampled_from(["event", "", "x" * 33, "community.found", "rules.propose"]),
    st.sampled_from([None, BodyRef(HASH, 5, False), BodyRef(HASH, 5, True), BodyRef(b"", 5, True)]),
)
def test_what_is_signed_is_what_would_be_read(
    data: Any, deps: Any, claimed_at: Any, kind: str, body: Any
) -> None:
    place = LogPosition(COMMUNITY, 3, LAST.id, 9, FIRST.id)
    draft = RecordDraft(kind, data, claimed_at, deps, body)
    plain = outcome(lambda: as_read(draft, place))
    assert outcome(lambda: record.sign(BO.signer, place, draft)) == plain


@pytest.mark.parametrize("count", [HEADER_VALUES_MAX - 16, HEADER_VALUES_MAX, 20_000])
def test_what_is_signed_keeps_the_limits_of_a_header(count: int) -> None:
    place = LogPosition(COMMUNITY, 3, LAST.id, 9, FIRST.id)
    draft = RecordDraft("event", {"list": [1] * count}, NOW_MS)
    plain = outcome(lambda: as_read(draft, place))
    assert outcome(lambda: record.sign(BO.signer, place, draft)) == plain


def test_what_was_just_signed_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[bytes] = []
    monkeypatch.setattr(record, "from_bytes_unchecked", decoded.append)
    place = LogPosition(COMMUNITY, 3, LAST.id, 9, FIRST.id)
    made = record.sign(BO.signer, place, RecordDraft("event", {"b": 1, "a": {"n": 2}}, NOW_MS))
    assert (list(made.data), decoded) == (["a", "b"], [])
