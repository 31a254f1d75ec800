"""The dial back: where a member may let this node dial, how often, and what it learns by that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from commonweal.node.network.addresses import parse
from commonweal.node.network.reach import dial_back
from commonweal.node.network.reach.dial_back import (
    DIALS_BURST,
    PORTS_MAX,
    PORTS_S,
    QUESTIONS_BURST,
    DialBack,
)
from commonweal.node.network.reach.reach_stream import ask
from commonweal.node.reach_state import DialBackResult
from commonweal.node.transport import PeerKey
from tests.builders.link_pairs import End, running

REACHED, NO_ANSWER, ANOTHER, NOT_SEEN, NOT_NOW = DialBackResult
GUARD = "127.0.0.2"
"""A host that the asker is not seen at; all of 127.0.0.0/8 is this machine."""


@asynccontextmanager
async def asking() -> AsyncIterator[tuple[End, End]]:
    """A member who asks, and the one who is asked; neither asks by itself."""
    asker, asked = End(1), End(2)
    async with running(asker, asked):
        asker.network.reach._members = asked.network.reach._members = list
        await asker.dial(asked)
        yield asker, asked


async def results(asker: End, asked: End, *addresses: str) -> list[DialBackResult]:
    """What the asked end answers about these addresses."""
    mux = asker.network._links.linked[asked.key].mux
    assert mux is not None
    return list((await ask(mux, addresses)).results)


def port(end: End) -> int:
    return parse(end.network.addresses[0]).port


async def test_a_member_is_told_how_it_is_seen_and_met_where_it_listens() -> None:
    async with asking() as (asker, asked):
        mux = asker.network._links.linked[asked.key].mux
        assert mux is not None
        answer = await ask(mux, [f"/ip4/127.0.0.1/tcp/{port(asker)}"])
        assert answer.seen.startswith("/ip4/127.0.0.1/tcp/")
        assert answer.results == (REACHED,)
        assert (await results(asker, asked)) == [], "it may ask for nothing to be dialled"
        assert asker.has(asked.key), "the dial back replaces no link"
        assert asked.has(asker.key)


async def test_no_other_host_than_that_of_the_asker_is_dialled() -> None:
    came = []

    async def note(socket: trio.SocketStream) -> None:
        came.append(socket.socket.getpeername())
        await socket.aclose()

    async with asking() as (asker, asked), trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host=GUARD)
        nursery.start_soon(trio.serve_listeners, note, [listener])
        victim = listener.socket.getsockname()[1]
        told = await results(
            *(asker, asked, f"/ip4/{GUARD}/tcp/{victim}", f"/ip6/::1/tcp/{victim}"),
            f"/ip4/127.0.0.1/tcp/9/p2p/12D3KooW{'a' * 44}/p2p-circuit",
        )
        assert told == [NOT_SEEN, NOT_SEEN, NOT_SEEN]
        assert not came
        nursery.cancel_scope.cancel()


async def test_a_name_is_dialled_at_the_askers_host_or_not_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    numbers = {"home.example": "127.0.0.1", "victim.example": GUARD}

    async def look_up(host: str, port: int) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        if host not in numbers:
            raise OSError("no such name")
        return [(0, 0, 0, "", (numbers[host], port))]

    async with asking() as (asker, asked):
        monkeypatch.setattr(trio.socket, "getaddrinfo", look_up)
        where = port(asker)
        names = [f"/dns/{name}.example/tcp/{where}" for name in ("home", "victim", "absent")]
        assert await results(asker, asked, *names) == [REACHED, NOT_SEEN, NOT_SEEN]


async def test_only_the_askers_key_counts_as_the_asker() -> None:
    other = End(3)
    async with asking() as (asker, asked), running(other):
        closed = trio.socket.socket()
        await closed.bind(("127.0.0.1", 0))
        empty = closed.getsockname()[1]
        told = await results(
            *(asker, asked, f"/ip4/127.0.0.1/tcp/{port(other)}", f"/ip4/127.0.0.1/tcp/{empty}")
        )
        assert told == [ANOTHER, NO_ANSWER]
        closed.close()


async def test_of_one_member_few_ports_are_dialled(monkeypatch: pytest.MonkeyPatch) -> None:
    dialled: list[int] = []

    async def meet(_self: DialBack, _peer: PeerKey, _host: str, port: int) -> DialBackResult:
        dialled.append(port)
        return NO_ANSWER

    monkeypatch.setattr(DialBack, "_meet", meet)
    async with asking() as (asker, asked):
        told = []
        for first in range(1, 13, 4):
            told += await results(
                asker, asked, *(f"/ip4/127.0.0.1/tcp/{first + i}" for i in range(4))
            )
        assert told == [NO_ANSWER] * PORTS_MAX + [NOT_NOW] * 4
        assert sorted(dialled) == list(range(1, PORTS_MAX + 1))
        monkeypatch.setattr(dial_back, "PORTS_S", 0.0)
        assert await results(asker, asked, "/ip4/127.0.0.1/tcp/99") == [NO_ANSWER]
        assert PORTS_S >= 60


async def test_a_member_who_asks_too_often_is_not_answered() -> None:
    async with asking() as (asker, asked):
        for _ in range(QUESTIONS_BURST):
            assert await results(asker, asked) == []
        with pytest.raises(Exception, match="reset"):
            await results(asker, asked)
        assert asker.has(asked.key)


async def test_all_members_together_cause_few_dials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dial_back, "DIALS_BURST", 2)
    monkeypatch.setattr(dial_back, "DIALS_PER_S", 1e-9)
    assert DIALS_BURST > 2
    async with asking() as (asker, asked):
        where = f"/ip4/127.0.0.1/tcp/{port(asker)}"
        told = sorted(await results(asker, asked, where, where, where))
        assert told == [REACHED, REACHED, NOT_NOW]


async def test_a_host_that_does_not_answer_is_waited_for_a_bounded_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dial_back, "DIAL_BACK_S", 0.1)
    async with asking() as (asker, asked):
        silent = trio.socket.socket()
        await silent.bind(("127.0.0.1", 0))
        silent.listen(1)
        where = f"/ip4/127.0.0.1/tcp/{silent.getsockname()[1]}"
        assert await results(asker, asked, where) == [NO_ANSWER]
        silent.close()
