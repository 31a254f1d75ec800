"""PCP and NAT-PMP with scripted gateways: what is believed, refused and passed over."""

from __future__ import annotations

import errno
import struct
from collections.abc import Callable
from functools import partial
from typing import NoReturn

import pytest
import trio

from commonweal.node.network.reach.gateways import datagrams, pcp
from commonweal.node.network.reach.gateways.epoch import EpochClock
from commonweal.node.network.reach.gateways.gateway_client import (
    LIFETIME_S_MAX,
    SAID_CHARACTERS_MAX,
    GatewayClient,
    GatewayRefused,
    GatewaySilent,
    Grant,
    Route,
    VersionUnsupported,
    external_address,
    granted,
)
from commonweal.node.network.reach.gateways.nat_pmp import NatPmpClient
from commonweal.node.network.reach.gateways.pcp import PcpClient
from commonweal.node.network.reach.gateways.upnp import UpnpClient
from tests.node.network.reach.scripted_gateways import (
    EXTERNAL,
    HERE,
    INTERNAL,
    OUTSIDE,
    nat_pmp_answer,
    pcp_answer,
    udp_gateway,
)

GRANT = Grant(INTERNAL, OUTSIDE, EXTERNAL, 3600)
NONCE = bytes(range(12))
Client = Callable[[Route, int], PcpClient | NatPmpClient]


def pcp_client(route: Route, port: int) -> PcpClient:
    """A client of PCP with one nonce."""
    return PcpClient(route, NONCE, port)


BOTH = [(pcp_client, pcp_answer), (NatPmpClient, nat_pmp_answer)]


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that wait for silence; the others are as patient as a node."""
    monkeypatch.setattr(datagrams, "PAUSES_S", (0.05, 0.05, 0.05))


async def test_a_port_is_mapped_renewed_and_given_back_with_one_nonce() -> None:
    async with udp_gateway(lambda question: [pcp_answer(question)]) as gateway:
        client = PcpClient(HERE, NONCE, gateway.port)
        assert await client.map(INTERNAL, INTERNAL) == GRANT
        assert await client.map(INTERNAL, EXTERNAL) == GRANT
        assert await client.stands(GRANT)
        await client.unmap(GRANT)
    first, again, look, last = gateway.asked
    assert [len(asked) for asked in gateway.asked] == [60, 60, 24, 60]
    assert first[24:36] == again[24:36] == last[24:36] == NONCE
    assert first[8:24] == bytes(10) + b"\xff\xff\x7f\x00\x00\x01"
    assert struct.unpack_from("!I", first, 4) == (3600,)
    assert struct.unpack_from("!I", last, 4) == (0,)
    assert struct.unpack_from("!HH", again, 40) == (INTERNAL, EXTERNAL)
    assert look[:2] == bytes([2, 0])


async def test_nat_pmp_maps_renews_and_gives_back() -> None:
    async with udp_gateway(lambda question: [nat_pmp_answer(question)]) as gateway:
        client = NatPmpClient(HERE, gateway.port)
        assert await client.map(INTERNAL, INTERNAL) == GRANT
        assert await client.stands(GRANT)
        await client.unmap(GRANT)
        assert gateway.asked[1] == struct.pack("!BBxxHHI", 0, 2, INTERNAL, INTERNAL, 3600)
        assert gateway.asked[-1] == struct.pack("!BBxxHHI", 0, 2, INTERNAL, 0, 0)


async def test_a_router_of_nat_pmp_says_that_pcp_is_too_new() -> None:
    async with udp_gateway(lambda question: [nat_pmp_answer(question)]) as gateway:
        with pytest.raises(VersionUnsupported):
            await PcpClient(HERE, NONCE, gateway.port).map(INTERNAL, INTERNAL)


def _cut(question: bytes) -> list[bytes]:
    return [pcp_answer(question)[:-4]]


MALFORMED: dict[str, Callable[[bytes], list[bytes]]] = {
    "nothing": lambda _: [b""],
    "one byte": lambda _: [b"\x02"],
    "zeros": lambda _: [bytes(60)],
    "cut": _cut,
    "not in words of 4 bytes": lambda question: [pcp_answer(question) + b"\x00"],
    "the question itself": lambda question: [question],
    "another nonce": lambda question: [pcp_answer(question, nonce=bytes(12))],
    "another opcode": lambda question: [b"\x02\x80" + pcp_answer(question)[2:]],
    "another port": lambda question: [pcp_answer(question[:40] + b"\x00\x01" + question[42:])],
    "UDP and not TCP": lambda question: [pcp_answer(question[:36] + b"\x11" + question[37:])],
    "more than PCP may have": lambda question: [pcp_answer(question) + bytes(1_044)],
    "many": lambda _: [b"junk"] * 100,
}


@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize("what", MALFORMED)
async def test_what_is_no_answer_is_passed_over(what: str) -> None:
    async with udp_gateway(MALFORMED[what]) as gateway:
        with pytest.raises(GatewaySilent):
            await PcpClient(HERE, NONCE, gateway.port).map(INTERNAL, INTERNAL)


async def test_an_answer_of_the_largest_size_is_read() -> None:
    def answer(question: bytes) -> list[bytes]:
        return [pcp_answer(question).ljust(datagrams.ANSWER_BYTES_MAX, b"\x00")]

    async with udp_gateway(answer) as gateway:
        assert await PcpClient(HERE, NONCE, gateway.port).map(INTERNAL, INTERNAL) == GRANT


async def test_a_bounded_number_of_datagrams_is_read_for_a_question(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(datagrams, "PAUSES_S", (1.0,))

    def late(question: bytes, junk: int) -> list[bytes]:
        return [*([b"junk"] * junk), pcp_answer(question)]

    fits = datagrams.ANSWERS_READ_MAX - 1
    async with udp_gateway(partial(late, junk=fits)) as gateway:
        assert await PcpClient(HERE, NONCE, gateway.port).map(INTERNAL, INTERNAL) == GRANT
    async with udp_gateway(partial(late, junk=fits + 1)) as gateway:
        with pytest.raises(GatewaySilent):
            await PcpClient(HERE, NONCE, gateway.port).map(INTERNAL, INTERNAL)


NAT_PMP_MALFORMED: dict[str, Callable[[bytes], list[bytes]]] = {
    "nothing": lambda _: [b""],
    "cut": lambda question: [nat_pmp_answer(question)[:-1]],
    "too long": lambda question: [nat_pmp_answer(question) + b"\x00"],
    "the question itself": lambda question: [question],
    "another version": lambda question: [b"\x01" + nat_pmp_answer(question)[1:]],
    "another opcode": lambda question: [b"\x00\x81" + nat_pmp_answer(question)[2:]],
}


@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize("what", NAT_PMP_MALFORMED)
async def test_what_is_no_answer_of_nat_pmp_is_passed_over(what: str) -> None:
    async with udp_gateway(NAT_PMP_MALFORMED[what]) as gateway:
        with pytest.raises(GatewaySilent):
            await NatPmpClient(HERE, gateway.port).map(INTERNAL, INTERNAL)


@pytest.mark.parametrize(
    ("client", "answer"), [(pcp_client, pcp_answer), (NatPmpClient, nat_pmp_answer)]
)
@pytest.mark.parametrize(
    ("what", "said"),
    [
        ({"result": 2}, "not authorised"),
        ({"result": 200}, "result 200"),
        ({"lifetime_s": 0}, "no port, or no time"),
        ({"port": 0}, "no port, or no time"),
    ],
)
async def test_a_refusal_is_told_in_words(
    client: Client, answer: Callable[..., bytes], what: dict[str, int], said: str
) -> None:
    async with udp_gateway(lambda question: [answer(question, **what)]) as gateway:
        with pytest.raises(GatewayRefused, match=said):
            await client(HERE, gateway.port).map(INTERNAL, INTERNAL)


@pytest.mark.parametrize(
    ("client", "answer"), [(pcp_client, pcp_answer), (NatPmpClient, nat_pmp_answer)]
)
async def test_a_gateway_that_restarted_has_lost_the_mapping(
    client: Client, answer: Callable[..., bytes]
) -> None:
    epoch_s = 5_000
    async with udp_gateway(lambda question: [answer(question, epoch_s=epoch_s)]) as gateway:
        mine = client(HERE, gateway.port)
        grant = await mine.map(INTERNAL, INTERNAL)
        assert await mine.stands(grant)
        epoch_s = 3
        assert not await mine.stands(grant)
        assert await mine.stands(await mine.map(INTERNAL, INTERNAL))


async def test_a_gateway_with_another_address_outside_is_noticed() -> None:
    host = OUTSIDE
    async with udp_gateway(lambda question: [nat_pmp_answer(question, host=host)]) as gateway:
        client = NatPmpClient(HERE, gateway.port)
        grant = await client.map(INTERNAL, INTERNAL)
        host = "198.18.0.8"
        assert not await client.stands(grant)


async def test_a_question_is_sent_again_when_it_or_its_answer_is_lost() -> None:
    async with udp_gateway(
        lambda question: [pcp_answer(question)] if len(gateway.asked) > 2 else []
    ) as gateway:
        assert await PcpClient(HERE, NONCE, gateway.port).map(INTERNAL, INTERNAL) == GRANT
        assert len(gateway.asked) == 3


@pytest.mark.parametrize("client", [pcp_client, NatPmpClient])
async def test_where_nobody_listens_the_gateway_is_silent_at_once(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datagrams, "PAUSES_S", (60.0,))
    async with udp_gateway(lambda _: []) as gateway:
        port = gateway.port
    with trio.fail_after(5), pytest.raises(GatewaySilent):
        await client(HERE, port).map(INTERNAL, INTERNAL)


@pytest.mark.parametrize(
    "client", [PcpClient(HERE, NONCE), NatPmpClient(HERE), UpnpClient(HERE)], ids=lambda c: c.method
)
async def test_without_a_free_file_descriptor_the_gateway_is_silent(
    client: GatewayClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_kind: object) -> NoReturn:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(trio.socket, "socket", refuse)
    with pytest.raises(GatewaySilent, match="Too many open files"):
        await client.map(INTERNAL, INTERNAL)


@pytest.mark.usefixtures("_quick")
async def test_who_poses_as_the_gateway_is_not_heard() -> None:
    """127.0.0.3 sees the question and answers it first, from the gateway's port."""
    posed = trio.socket.socket(trio.socket.AF_INET, trio.socket.SOCK_DGRAM)
    async with udp_gateway(lambda _: [], "127.0.0.2") as gateway:
        await posed.bind(("127.0.0.3", gateway.port))

        async def pose() -> None:
            while not gateway.asked:
                await trio.sleep(0.005)
            for _ in range(8):
                await posed.sendto(pcp_answer(gateway.asked[0]), gateway.clients[0])
                await trio.sleep(0.01)

        with posed:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(pose)
                with pytest.raises(GatewaySilent):
                    route = Route("127.0.0.2", "127.0.0.1")
                    await PcpClient(route, NONCE, gateway.port).map(INTERNAL, INTERNAL)


@pytest.mark.parametrize(
    ("epoch_s", "passed_s", "is_continued"),
    [
        (160, 60, True),
        (160, 63, True),
        (160, 68, False),
        (163, 60, True),
        (168, 60, False),
        (99, 0, True),
        (98, 0, False),
        (0, 1000, False),
    ],
)
def test_clocks_may_differ_by_a_sixteenth_and_two_seconds(
    epoch_s: int, passed_s: int, is_continued: bool
) -> None:
    clock = EpochClock()
    assert clock.is_continued(100, 7.5)
    assert clock.is_continued(epoch_s, 7.5 + passed_s) is is_continued


def test_what_a_gateway_says_is_bounded() -> None:
    assert granted(1, "", 2, LIFETIME_S_MAX + 1).lifetime_s == LIFETIME_S_MAX
    assert granted(1, "", 2, LIFETIME_S_MAX).lifetime_s == LIFETIME_S_MAX
    said = str(GatewayRefused("\x1b[31m" + "x" * 10_000))
    assert len(said) == SAID_CHARACTERS_MAX
    assert said.isprintable()
    assert pcp.RESULTS[12] == "another router is in between"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("198.18.0.7", "198.18.0.7"),
        ("10.0.0.1", "10.0.0.1"),
        *[(text, "") for text in ("0.0.0.0", "127.0.0.1", "224.0.0.1", "169.254.1.1", "", "::1")],
        ("None", ""),
    ],
)
def test_an_address_outside_is_one_or_none(text: str, address: str) -> None:
    assert external_address(text) == address
