"""Reachability: which members are asked and how often, and what of their answers is believed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import trio
from trio.testing import MockClock

from commonweal.node.network.addresses import parse
from commonweal.node.network.channel.yamux import Mux
from commonweal.node.network.connections.connection import Connection
from commonweal.node.network.reach import reachability
from commonweal.node.network.reach.dial_back import DialBack
from commonweal.node.network.reach.reach_stream import ReachAnswer
from commonweal.node.network.reach.reachability import (
    ASKED_PER_ROUND_MAX,
    ASKED_PER_ROUND_MIN,
    ROUND_S,
    ROUNDS_BURST,
    ROUNDS_PER_S,
    ROUTER_S,
)
from commonweal.node.reach_state import DialBackResult, PortMapping, Verdict
from commonweal.node.transport import PeerKey
from tests.builders.link_pairs import PATIENCE_S, End, running

HOME = parse("/ip4/192.168.1.5/tcp/4001")
REACHED, NO_ANSWER, *_ = DialBackResult


@pytest.fixture
def autojump_clock() -> MockClock:
    return MockClock(autojump_threshold=0)


async def behind_a_router(*others: End) -> End:
    """A running node is told that its interface is private, and that members see another host."""
    home = others[0]
    home.network.own.listen([parse(f"/ip4/192.168.1.5/tcp/{parse(home.listening[0]).port}")])
    for other in others[1:]:
        await home.dial(other)
    return home


async def test_an_address_that_a_member_reached_is_told_to_all() -> None:
    home, member = End(1), End(2)
    async with running(home, member):
        await behind_a_router(home, member)
        with trio.fail_after(PATIENCE_S):
            while len(home.listening) < 2:
                await trio.sleep(0.02)
        port = home.network.own.port
        assert home.listening == (f"/ip4/127.0.0.1/tcp/{port}", f"/ip4/192.168.1.5/tcp/{port}")
        state = home.network.own.state()
        assert state.verdict is Verdict.REACHABLE
        (confirmed,) = state.confirmed
        assert (confirmed.by, confirmed.from_outside) == (member.key, True)
        assert state.observed[0].by == member.key


async def test_a_test_asks_now_and_dials_again_what_was_confirmed() -> None:
    home, member = End(1), End(2)
    async with running(home, member):
        await behind_a_router(home, member)
        await home.network.reach.test()
        assert home.network.own.verdict() is Verdict.REACHABLE
        at_ms = home.network.own.state().confirmed[0].at_ms
        await trio.sleep(0.01)
        await home.network.reach.test()
        assert home.network.own.state().confirmed[0].at_ms > at_ms


async def test_a_test_waits_for_a_router_that_is_being_asked(autojump_clock: MockClock) -> None:
    home = End(1)
    home.network.own.map(PortMapping(reason="asking"))

    async def answer() -> None:
        await trio.sleep(ROUTER_S / 2)
        home.network.own.map(PortMapping("PCP", "/ip4/45.0.0.7/tcp/4001"))

    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(answer)
        assert (await home.network.reach.test()).mapping == home.network.own.state().mapping
    assert ROUTER_S / 2 <= trio.current_time() - began < ROUTER_S
    home.network.own.map(PortMapping(reason="asking"))
    began = trio.current_time()
    await home.network.reach.test()
    assert trio.current_time() - began == ROUTER_S


async def test_a_member_that_never_came_confirms_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def lie(*_about: object) -> DialBackResult:
        return REACHED

    monkeypatch.setattr(DialBack, "_meet", lie)
    home, member = End(1), End(2)
    async with running(home, member):
        await behind_a_router(home, member)
        await home.network.reach.test()
        assert home.network.own.verdict() is Verdict.UNKNOWN
        assert not home.network.own.state().confirmed


@pytest.mark.parametrize("seen", ["/ip4/not.a.number/tcp/1", "/dns/a.example/tcp/1"])
async def test_a_member_who_sees_nonsense_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, seen: str
) -> None:
    async def lie(*about: Sequence[str]) -> ReachAnswer:
        return ReachAnswer(seen, (REACHED,) * len(about[-1]))

    monkeypatch.setattr(DialBack, "_answer", lie)
    home, member = End(1), End(2)
    async with running(home, member):
        await behind_a_router(home, member)
        assert not (await home.network.reach.test()).observed
        assert home.network.own.candidates() == ()


async def test_an_answer_that_cannot_be_noted_ends_no_asking(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    members = Members(monkeypatch, 1)
    members.own.map(PortMapping("PCP", "/ip4/45.0.0.7/tcp/4001"))
    members.seen = "/dns/a.example/tcp/1"
    await members.reach.ask(members.links[0])
    assert members.asked
    assert not members.own.state().confirmed


class Members:
    """Linked members who answer from a table; who was asked about what is kept."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
        self.end = End(1)
        self.own, self.reach = self.end.network.own, self.end.network.reach
        self.asked: list[tuple[int, tuple[str, ...]]] = []
        self.seen = "/ip4/198.51.100.7/tcp/50000"
        self.result = REACHED
        self.comes = True
        self.links = [_linked(number) for number in range(2, 2 + count)]
        self.reach._members = lambda: self.links
        self.own.listen([HOME])
        monkeypatch.setattr(reachability, "ask", self._answer)

    async def _answer(self, mux: Mux, about: Sequence[str]) -> ReachAnswer:
        number = int(str(mux))
        self.asked.append((number, tuple(about)))
        if self.comes:
            self.reach.arrived(PeerKey(bytes([number]) * 32))
        return ReachAnswer(self.seen, tuple(self.result for _ in about))


async def test_few_members_are_asked_in_a_round(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    members = Members(monkeypatch, 20)
    members.result = NO_ANSWER
    with trio.move_on_after(ROUND_S - 1):
        await members.reach.run()
    assert len(members.asked) <= 1 + ASKED_PER_ROUND_MAX, "one says how it sees us, some try"
    members.asked.clear()
    members.result = REACHED
    with trio.move_on_after(ROUND_S - 1):
        await members.reach.run()
    assert len(members.asked) == ASKED_PER_ROUND_MIN
    assert members.own.is_reachable()


async def test_a_member_who_lies_about_where_we_are_causes_few_questions(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    members = Members(monkeypatch, 2)
    members.comes = False
    hour_s = 3_600
    with trio.move_on_after(hour_s):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(members.reach.run)
            for number in range(hour_s):
                await trio.sleep(1)
                members.seen = f"/ip4/203.0.113.{number % 256}/tcp/50000"
                members.reach.wake()
    rounds = ROUNDS_BURST + ROUNDS_PER_S * hour_s + hour_s / ROUND_S
    assert len(members.asked) <= 2 * rounds
    assert not members.own.state().confirmed
    assert members.own.addresses == (str(HOME),)


async def test_a_member_whose_link_is_new_is_asked_again_but_not_without_end(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    """The router got another address: the links ended, and nothing else shows it."""
    members = Members(monkeypatch, 1)
    peer = members.links[0].peer
    async with trio.open_nursery() as nursery:
        nursery.start_soon(members.reach.run)
        await trio.sleep(60)
        members.seen = "/ip4/198.51.100.8/tcp/50000"
        members.reach.linked(peer)
        await trio.sleep(10)
        assert members.own.observed()[0] == members.seen
        before, minutes = len(members.asked), 10
        for _ in range(minutes * 60):
            await trio.sleep(1)
            members.reach.linked(peer)
        assert len(members.asked) - before <= 2 * (ROUNDS_BURST + ROUNDS_PER_S * minutes * 60)
        nursery.cancel_scope.cancel()


async def test_what_a_member_can_dial_is_asked_first(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    members = Members(monkeypatch, 1)
    six = [parse(f"/ip6/2001:db8::{number}/tcp/4001") for number in range(1, 6)]
    members.own.listen([*six, HOME])
    with trio.move_on_after(60):
        await members.reach.run()
    assert members.asked[-1][1][0] == "/ip4/198.51.100.7/tcp/4001"


async def test_a_relayed_link_says_nothing_about_reach(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    members = Members(monkeypatch, 1)
    members.links[0].relayed = True
    with trio.move_on_after(60):
        await members.reach.run()
    assert not members.asked
    assert members.own.verdict() is Verdict.UNKNOWN


class _Mux:
    """Stands for the connection of a member."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __str__(self) -> str:
        return str(self.number)


def _linked(number: int) -> Connection:
    peer, ignore = PeerKey(bytes([number]) * 32), lambda *_: None
    connection = Connection(
        *(peer, f"/ip4/203.0.113.{number}/tcp/4001", trio.CancelScope()),
        outbound=True,
        received=ignore,
        coming=ignore,
        failed=ignore,
    )
    connection.mux = _Mux(number)  # type: ignore[assignment]
    return connection
