"""Join codes over real connections: who knows a code gets its link, and nobody else gets a byte."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from commonweal.node.network import Network, code_stream
from commonweal.node.runtime.join_codes import (
    CODES_MAX,
    WRONG_BURST,
    WRONG_BURST_OF_ALL,
    JoinCodes,
    OpenCode,
)
from commonweal.node.transport import Listening, ValidatedGossip
from commonweal.protocol.errors import NotPermitted, NotReachable
from commonweal.protocol.identity import join_code
from commonweal.protocol.identity.join_code import CodeKeys, JoinCode
from commonweal.protocol.keys import PeerKey
from tests.builders.link_pairs import LOOPBACK

LINK = "weal://" + "x" * 300
KEYS = CodeKeys(b"a" * 32, b"b" * 32)
ASKER, HOST = PeerKey(b"1" * 32), PeerKey(b"2" * 32)
NOW_MS = 1_000_000


def _no(*_about: object) -> ValidatedGossip:
    raise AssertionError("no gossip comes")


@asynccontextmanager
async def node(codes: JoinCodes | None) -> AsyncIterator[Network]:
    """Run a network that answers by these codes; None: of a version without codes."""
    answer = None if codes is None else codes.answer
    events: list[object] = []
    network = Network(
        bytes([9]) * 32, LOOPBACK, events.append, validate=_no, mdns=False, answer_code=answer
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(network.run)
        yield network
        assert [type(event) for event in events] == [Listening], "the service is told nothing"
        nursery.cancel_scope.cancel()


def open_codes(now_s: float = 0.0) -> JoinCodes:
    codes = JoinCodes(lambda: NOW_MS, lambda: now_s)
    codes.hold(OpenCode(KEYS, LINK, NOW_MS + 1))
    return codes


async def fetch(network: Network, keys: CodeKeys) -> str:
    address = network.addresses[0].partition("/p2p/")[0]
    return await code_stream.fetch(JoinCode(address, bytes(10)), keys, os.urandom(32))


async def test_who_knows_a_code_gets_its_link_as_often_as_they_ask() -> None:
    async with node(open_codes()) as network:
        assert [await fetch(network, KEYS) for _ in range(2)] == [LINK, LINK]


@pytest.mark.parametrize("keys", [CodeKeys(b"c" * 32, KEYS.answer), CodeKeys(KEYS.ask, b"c" * 32)])
async def test_who_does_not_know_it_gets_nothing(keys: CodeKeys) -> None:
    async with node(open_codes()) as network:
        with pytest.raises(NotPermitted):
            await fetch(network, keys)


async def test_a_node_without_codes_takes_no_such_stream() -> None:
    async with node(None) as network:
        with pytest.raises(NotReachable):
            await fetch(network, KEYS)


async def test_where_nobody_listens_the_address_is_named() -> None:
    async with node(open_codes()) as network:
        address = network.addresses[0].partition("/p2p/")[0]
    with pytest.raises(NotReachable, match=address):
        await code_stream.fetch(JoinCode(address, bytes(10)), KEYS, os.urandom(32))


def ask(codes: JoinCodes, keys: CodeKeys, host: str = "192.0.2.1") -> bytes:
    question = join_code.question(keys, ASKER, HOST)
    return codes.answer(question, ASKER, HOST, f"/ip4/{host}/tcp/1")


def test_a_code_ends_at_its_time_and_the_oldest_gives_way() -> None:
    codes = JoinCodes(lambda: NOW_MS, lambda: 0.0)
    codes.hold(OpenCode(KEYS, LINK, NOW_MS - 1))
    assert ask(codes, KEYS) == b""
    many = [CodeKeys(bytes([number]) * 32, KEYS.answer) for number in range(CODES_MAX + 1)]
    for keys in many:
        codes.hold(OpenCode(keys, LINK, NOW_MS))
    assert ask(codes, many[0]) == b""
    assert all(ask(codes, keys) for keys in many[1:])


def test_one_network_has_few_wrong_questions_and_others_go_on() -> None:
    now_s = 0.0
    codes = JoinCodes(lambda: NOW_MS, lambda: now_s)
    codes.hold(OpenCode(KEYS, LINK, NOW_MS))
    wrong = CodeKeys(b"c" * 32, KEYS.answer)
    for number in range(WRONG_BURST):
        assert ask(codes, wrong, f"192.0.2.{number}") == b""
    assert ask(codes, KEYS, "192.0.2.200") == b"", "the whole /24 waits"
    assert ask(codes, KEYS, "198.51.100.1") != b""
    now_s = 61.0
    assert ask(codes, KEYS, "192.0.2.200") != b""


def test_wrong_questions_of_all_networks_have_a_limit() -> None:
    codes = open_codes()
    wrong = CodeKeys(b"c" * 32, KEYS.answer)
    for number in range(WRONG_BURST_OF_ALL):
        assert ask(codes, wrong, f"10.{number}.0.1") == b""
    assert ask(codes, KEYS, "198.51.100.1") == b""
    assert ask(open_codes(), KEYS, "198.51.100.1") != b""
