"""The market: what is listed, in which order, and by which filters."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from commonweal.client import Member
from commonweal.protocol.errors import UnknownId, UnknownTag, UsageError
from tests.builders.commons import Commons


@pytest.fixture(scope="module")
def filled(trading_once: Callable[[], Commons]) -> Commons:
    """A market with two offers and a need of Bo, and an offer of Ana."""
    lanxi = trading_once()
    with Member(lanxi.bo) as bo:
        bo.specify_resource("apples", unit="kilogram")
        bo.offer("bike repair", 2, "hours", tags=["bike", "repair"], note="bring the bike")
        bo.offer("apples", 5, "kg", spec="apples", tags=["food"])
        bo.need("plumber", 1, "hour", tags=["repair"])
    lanxi.meet()
    with Member(lanxi.ana) as ana:
        made = ana.offer("old bikes", 1, "hour", tags=["bike"])
        ana.pause_offer(ana.offer("paused advice", 1, "hour").id)
        ana.withdraw_offer(ana.offer("withdrawn advice", 1, "hour").id)
    assert made.sort == "offer"
    lanxi.seal()
    return lanxi


def titles(lanxi: Commons, **asked: object) -> list[str]:
    with Member(lanxi.ana) as ana:
        listed = ana.market(**asked)  # type: ignore[arg-type]
    assert listed.total == len(listed.offers)
    return [offer.title for offer in listed.offers]


def test_what_is_open_is_listed_the_newest_of_each_first(filled: Commons) -> None:
    assert titles(filled, member="Bo") == ["plumber", "apples", "bike repair"]
    assert set(titles(filled)) == {"old bikes", "plumber", "apples", "bike repair"}


@pytest.mark.parametrize(
    ("asked", "listed"),
    [
        ({"sort": "need"}, ["plumber"]),
        ({"sort": "offer", "mine": False}, ["apples", "bike repair"]),
        ({"tag": "bike"}, ["old bikes", "bike repair"]),
        ({"tag": "#BIKE"}, ["old bikes", "bike repair"]),
        ({"tag": "repair", "sort": "offer"}, ["bike repair"]),
        ({"member": "Bo"}, ["plumber", "apples", "bike repair"]),
        ({"spec": "apples"}, ["apples"]),
        ({"text": "BIKE"}, ["old bikes", "bike repair"]),
        ({"text": "bring"}, ["bike repair"]),
        ({"text": "food"}, ["apples"]),
        ({"text": "nothing such"}, []),
        ({"mine": True}, ["paused advice", "old bikes"]),
        ({"mine": False}, ["plumber", "apples", "bike repair"]),
        ({"state": "paused"}, ["paused advice"]),
        ({"state": "withdrawn"}, ["withdrawn advice"]),
        ({"state": "ended"}, []),
        ({"state": "all", "member": "Ana"}, ["withdrawn advice", "paused advice", "old bikes"]),
    ],
)
def test_the_market_is_filtered(
    filled: Commons, asked: dict[str, object], listed: list[str]
) -> None:
    assert sorted(titles(filled, **asked)) == sorted(listed)


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ({"tag": "bik"}, UnknownTag, "bike"),
        ({"tag": "zzz"}, UnknownTag, "zzz"),
        ({"member": "Nobody"}, UnknownId, "Nobody"),
        ({"spec": "pears"}, UnknownId, "pears"),
        ({"sort": "wish"}, UsageError, "wish"),
        ({"state": "gone"}, UsageError, "gone"),
    ],
)
def test_a_filter_that_names_nothing_is_refused(
    filled: Commons, asked: dict[str, object], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        titles(filled, **asked)


def test_a_part_of_the_market_is_listed(filled: Commons) -> None:
    with Member(filled.ana) as ana:
        first, second = ana.market(limit=3), ana.market(start=3, limit=3)
        sealed = ana.view.kept.cut
    assert (first.total, second.total) == (4, 4)
    assert (len(first.offers), len(second.offers)) == (3, 1)
    parts = [offer.title for listed in (first, second) for offer in listed.offers]
    assert parts == titles(filled)
    assert (first.at_ms, first.height) == (sealed.time_ms, sealed.height)


def test_tags_in_use_are_counted_in_what_is_open(filled: Commons) -> None:
    with Member(filled.ana) as ana:
        counts = {row.tag: row.offers for row in ana.market_tags()}
    assert list(counts.items()) == [("bike", 2), ("repair", 2), ("food", 1)]


def test_an_offer_ends_by_the_time_of_the_seal(
    trading_once: Callable[[], Commons], monkeypatch: pytest.MonkeyPatch
) -> None:
    lanxi = trading_once()
    with Member(lanxi.bo) as bo:
        made = bo.offer("advice", 1, "hour", until="in 2 days")
        assert made.end_ms is not None
    for at_ms, state in ((made.end_ms - 1, "open"), (made.end_ms, "ended")):
        monkeypatch.setattr(
            "commonweal.client.exchange.offer_rows.sealed_ms", lambda *_, at=at_ms: at
        )
        with Member(lanxi.bo) as bo:
            assert bo.offer_of(made.id).state == state
            assert [offer.state for offer in bo.market(mine=True).offers] == [state]
            assert len(bo.market().offers) == (state == "open")
