"""Counts of many byte strings, which take no memory and can be taken back."""

from __future__ import annotations

from commonweal.storage.sqlite.counts import TemporaryCounts


def test_what_was_added_is_taken_as_often_and_no_more() -> None:
    counts = TemporaryCounts()
    for value in (b"a", b"b", b"a"):
        counts.add(value)
    assert [counts.take(value) for value in (b"a", b"a", b"a", b"b", b"c")] == [
        *(True, True, False),
        *(True, False),
    ]
    counts.close()


def test_what_was_taken_comes_back() -> None:
    counts = TemporaryCounts()
    counts.add(b"a")
    counts.keep()
    assert (counts.take(b"a"), counts.take(b"a")) == (True, False)
    counts.restore()
    counts.add(b"b")
    assert (counts.take(b"a"), counts.take(b"b")) == (True, True)
    counts.restore()
    assert not counts.take(b"b")
    counts.close()
