"""Frontiers: equal where the same is held, whatever happened on the way."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.protocol import codec, keys
from commonweal.protocol.keys import HASH_BYTES, DeviceKey
from commonweal.protocol.records import frontier
from commonweal.protocol.records.frontier import (
    BUCKET_DIGEST_BYTES,
    BUCKETS,
    HEAD_BYTES,
    Frontier,
    FrontierEntry,
)
from tests.protocol.authors import seed


def author(number: int, bucket: int | None = None) -> DeviceKey:
    """Return a device key, in a bucket of choice."""
    key = seed("log", number)
    return DeviceKey(key if bucket is None else bytes([bucket]) + key[1:])


def entry(number: int, length: int = 1, frozen: int | None = None) -> FrontierEntry:
    """Return the entry of a log of so many records."""
    return FrontierEntry(author(number), length, seed("head", number, length), frozen)


ENTRIES = [entry(number) for number in range(300)]

SOME = st.lists(
    st.builds(
        entry,
        st.integers(0, 9),
        st.integers(1, 5),
        st.none() | st.integers(5, 9),
    ),
    max_size=20,
)


@given(SOME, st.randoms(use_true_random=False))
def test_equal_logs_have_equal_digests_whatever_the_order(
    found: list[FrontierEntry], rng: Random
) -> None:
    latest = {one.author: one for one in found}
    shuffled = list(latest.values())
    rng.shuffle(shuffled)
    grown, direct = Frontier(found), Frontier(shuffled)
    assert grown.digest() == direct.digest()
    assert grown.buckets() == direct.buckets()
    assert list(grown) == list(direct) == sorted(latest.values(), key=lambda one: one.author)


@given(SOME, SOME)
def test_different_logs_have_different_digests(
    one: list[FrontierEntry], two: list[FrontierEntry]
) -> None:
    first, second = Frontier(one), Frontier(two)
    assert (first.digest() == second.digest()) is (list(first) == list(second))


@given(SOME, SOME)
def test_the_digest_that_was_asked_for_before_does_not_matter(
    one: list[FrontierEntry], two: list[FrontierEntry]
) -> None:
    asked = Frontier(one)
    asked.digest()
    for new in two:
        asked.put(new)
        asked.buckets()
    assert asked.digest() == Frontier([*one, *two]).digest()


@pytest.mark.parametrize(
    "changed",
    [
        entry(7, length=2),
        FrontierEntry(author(7), 1, bytes(HEAD_BYTES), None),
        entry(7, frozen=1),
        entry(7, frozen=2),
    ],
)
def test_every_part_of_an_entry_counts(changed: FrontierEntry) -> None:
    held = Frontier(ENTRIES)
    before = held.digest()
    held.put(changed)
    assert held.digest() != before
    held.put(entry(7))
    assert held.digest() == before


def test_a_frozen_log_is_equal_whichever_branch_is_held() -> None:
    """Its good part and the number where it is frozen are all that stands in a frontier."""
    good_head, frozen = seed("good"), 4
    held = [Frontier(ENTRIES), Frontier(ENTRIES)]
    for number, branch in enumerate(("one", "another")):
        held[number].put(FrontierEntry(author(1), 9, seed(branch), None))
    assert held[0].digest() != held[1].digest()
    for one in held:
        one.put(FrontierEntry(author(1), frozen, good_head, frozen))
    assert held[0].digest() == held[1].digest()


def test_no_digest_that_peers_compare_is_found_twice() -> None:
    """Authors choose what is digested: of n bits, 2^(n/2) attempts give two that are equal."""
    data = codec.encode([[*entry(7)]])
    held = Frontier([entry(7)])
    part = keys.hash32(keys.BUCKET, data)[:20]
    assert [held.buckets().count(part), len(held.buckets())] == [1, BUCKETS * 20]
    assert BUCKET_DIGEST_BYTES == 20, "2^80 attempts"
    assert HEAD_BYTES == len(held.digest()) == HASH_BYTES, "2^128 attempts"


def test_a_log_lies_in_the_bucket_of_its_first_byte() -> None:
    held = Frontier()
    for number, bucket in enumerate((0, 0, 17, 255)):
        held.put(FrontierEntry(author(number, bucket), 1, seed(number), None))
    assert [one.author for one in held.bucket(0)] == sorted(author(n, 0) for n in (0, 1))
    assert [one.author for one in held.bucket(17)] == [author(2, 17)]
    assert held.bucket(1) == []
    assert frontier.differing_buckets(held.buckets(), Frontier().buckets()) == [0, 17, 255]


def test_an_empty_bucket_is_zero_bytes() -> None:
    assert Frontier().buckets() == bytes(BUCKETS * BUCKET_DIGEST_BYTES)
    assert Frontier().digest() == keys.hash32(keys.FRONTIER, bytes(BUCKETS * 20))


def test_the_digests_are_those_of_the_protocol() -> None:
    held = Frontier(ENTRIES)
    digests = []
    for number in range(BUCKETS):
        inside = sorted(one for one in ENTRIES if one.author[0] == number)
        data = codec.encode([[*one] for one in inside])
        digests.append(keys.hash32(keys.BUCKET, data)[:20] if inside else bytes(20))
    assert held.buckets() == b"".join(digests)
    assert held.digest() == keys.hash32(keys.FRONTIER, *digests)


def test_one_new_record_costs_one_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Frontier(ENTRIES)
    before = held.buckets()
    hashed: list[bytes] = []

    def count(value: codec.Value) -> bytes:
        data = codec.encode(value)
        hashed.append(data)
        return data

    monkeypatch.setattr(frontier, "codec", type("codec", (), {"encode": staticmethod(count)}))
    held.put(entry(7, length=2))
    after = held.buckets()
    assert len(hashed) == 1
    assert frontier.differing_buckets(before, after) == [author(7)[0]]
    assert held.digest() == held.digest()
    assert held.buckets() == after
    assert len(hashed) == 1


def test_frontiers_that_differ_in_one_log_differ_in_one_bucket() -> None:
    one, two = Frontier(ENTRIES), Frontier(ENTRIES)
    assert frontier.differing_buckets(one.buckets(), two.buckets()) == []
    two.put(entry(7, frozen=1))
    two.put(entry(300))
    both = sorted({author(7)[0], author(300)[0]})
    assert frontier.differing_buckets(one.buckets(), two.buckets()) == both
    assert frontier.differing_buckets(two.buckets(), one.buckets()) == both


def test_what_is_not_held_has_an_empty_entry() -> None:
    held = Frontier([entry(1, length=3)])
    assert held.get(author(1)) == entry(1, length=3)
    assert held.get(author(2)) == FrontierEntry(author(2), 0, b"", None)
    assert len(held) == 1


def test_what_changed_since_a_mark_is_told_latest_first_and_once() -> None:
    held = Frontier(ENTRIES[:5])
    mark = held.changes
    assert held.changed_since(mark) == []
    held.put(entry(3, length=2))
    held.put(entry(9))
    held.put(entry(3, length=3))
    assert held.changed_since(mark) == [entry(3, length=3), entry(9)]
    later = held.changes
    held.put(entry(1, length=2))
    assert held.changed_since(later) == [entry(1, length=2)]
    assert held.changed_since(mark) == [entry(1, length=2), entry(3, length=3), entry(9)]
    assert len(held.changed_since(0)) == 6


def test_a_change_that_changes_nothing_still_counts() -> None:
    held = Frontier([entry(1)])
    mark, digest = held.changes, held.digest()
    held.put(entry(1))
    assert held.changed_since(mark) == [entry(1)]
    assert held.digest() == digest
