"""Swaps: things of one kind go round, and nobody moves before all said yes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from commonweal.client import Member
from commonweal.client.language.plain import plain
from commonweal.protocol.errors import UsageError
from commonweal.storage.home.home import Home
from tests.builders.commons import Commons
from tests.client.exchange.dealing import at


def room(home: Home) -> str:
    """Give the member of a home a room; return its id."""
    with Member(home) as member:
        return member.add_resource("room", 1, "piece").id.hex()


@pytest.fixture(scope="module")
def roomed_once(
    trading_once: Callable[[], Commons], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Callable[[], Commons], dict[str, str]]:
    lanxi = trading_once()
    with Member(lanxi.mei) as mei:
        mei.specify_resource("room", unit="piece")
        mei.specify_resource("garage", unit="piece")
    lanxi.meet()
    names = ("mei", "bo", "ana")
    rooms = {name: room(home) for name, home in zip(names, lanxi.all, strict=True)}
    lanxi.seal()
    return lanxi.copies(tmp_path_factory), rooms


@pytest.fixture
def roomed(roomed_once: tuple[Callable[[], Commons], dict[str, str]]) -> Commons:
    """Mei, Bo and Ana have a room each."""
    return roomed_once[0]()


@pytest.fixture
def rooms(roomed_once: tuple[Callable[[], Commons], dict[str, str]]) -> dict[str, str]:
    return roomed_once[1]


def test_three_swap_rooms_round_by_one_deal(roomed: Commons, rooms: dict[str, str]) -> None:
    at(roomed.mei, lambda me: me.wish_swap(rooms["mei"], [rooms["bo"], rooms["ana"]]))
    at(roomed.bo, lambda me: me.wish_swap(rooms["bo"], [rooms["ana"]]))
    at(roomed.ana, lambda me: me.wish_swap(rooms["ana"], [rooms["mei"]]))
    roomed.seal()
    lists = [at(home, lambda me: me.swaps()) for home in roomed.all]
    assert len({str(plain(listed)) for listed in lists}) == 1
    (swap,) = lists[0].swaps
    assert {(flow.giver_name, flow.taker_name) for flow in swap.flows} == {
        ("Bo", "Mei"),
        ("Ana", "Bo"),
        ("Mei", "Ana"),
    }
    out = roomed.good(roomed.bo, "match", "--swaps").out
    assert "Ana gives Bo room" in out
    assert "  weal match --swaps --propose 1\n" in out
    roomed.good(roomed.bo, "match", "--swaps", "--propose", "1")
    roomed.meet()
    (deal,) = at(roomed.bo, lambda me: me.deals())
    for home in (roomed.mei, roomed.ana):
        at(home, lambda me: me.accept_deal(deal.id))
        roomed.meet()
    roomed.seal()
    assert at(roomed.bo, lambda me: me.deal(deal.id)).state == "agreed"
    assert at(roomed.bo, lambda me: me.swaps()).swaps == ()


def test_the_first_wish_that_can_be_met_counts(roomed: Commons, rooms: dict[str, str]) -> None:
    at(roomed.mei, lambda me: me.wish_swap(rooms["mei"], [rooms["ana"], rooms["bo"]]))
    at(roomed.bo, lambda me: me.wish_swap(rooms["bo"], [rooms["mei"]]))
    roomed.seal()
    (swap,) = at(roomed.mei, lambda me: me.swaps()).swaps
    assert {(flow.giver_name, flow.taker_name) for flow in swap.flows} == {
        ("Bo", "Mei"),
        ("Mei", "Bo"),
    }


@pytest.mark.parametrize(
    ("named", "wanted", "said"),
    [
        ("mei", ["mei"], "yours already"),
        ("mei", [], "name 1 to 16 things"),
        ("mei", ["garage"], "things of one kind"),
    ],
)
def test_what_cannot_be_swapped_is_refused(
    roomed: Commons, rooms: dict[str, str], named: str, wanted: list[str], said: str
) -> None:
    with Member(roomed.mei) as mei:
        known = {**rooms, "garage": mei.add_resource("garage", 1, "piece").id.hex()}
        with pytest.raises(UsageError, match=said):
            mei.wish_swap(known[named], [known[name] for name in wanted])


def test_who_has_no_wish_has_no_swap(roomed: Commons, rooms: dict[str, str]) -> None:
    out = roomed.good(roomed.bo, "swap", rooms["bo"], rooms["ana"]).out
    assert out.startswith("Published, as ")
    roomed.seal()
    assert "Nobody could swap." in roomed.good(roomed.bo, "match", "--swaps").out
    refused = roomed.refused(roomed.bo, "match", "--swaps", "--propose", "1")
    assert "there is no swap 1" in refused.err


def test_a_thing_that_left_is_not_swapped(roomed: Commons, rooms: dict[str, str]) -> None:
    at(roomed.mei, lambda me: me.wish_swap(rooms["mei"], [rooms["bo"]]))
    at(roomed.bo, lambda me: me.wish_swap(rooms["bo"], [rooms["mei"]]))
    roomed.seal()
    assert len(at(roomed.mei, lambda me: me.swaps()).swaps) == 1
    with Member(roomed.bo) as bo:
        bo.record("transfer", 1, "piece", resource=rooms["bo"], receiver="Ana", new_resource="")
    roomed.seal()
    assert at(roomed.mei, lambda me: me.swaps()).swaps == ()
