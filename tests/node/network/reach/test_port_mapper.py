"""The port at the router: mapped, renewed, followed and given back, by a clock that jumps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
import trio
from trio.testing import MockClock

from commonweal.node.network.addresses import Endpoint
from commonweal.node.network.reach.gateways.gateway_client import (
    GatewayClient,
    GatewayError,
    GatewayRefused,
    GatewaySilent,
    Grant,
    Route,
    VersionUnsupported,
)
from commonweal.node.network.reach.gateways.pcp import PcpClient
from commonweal.node.network.reach.port_mapper import (
    END_S_MAX,
    FOLLOW_S,
    LOOK_S,
    MISSES_MAX,
    RENEW_S_MIN,
    RETRY_S_MAX,
    RETRY_S_MIN,
    GatewayClients,
    PortMapper,
)
from commonweal.node.reach_state import MAPPING_REASONS, PortMapping

HOME = Route("192.168.1.1", "192.168.1.20")
CAFE = Route("192.168.1.1", "192.168.1.77")
EVERYWHERE = (Endpoint("ip4", "0.0.0.0", 4001), Endpoint("ip6", "::", 4001))
AT = 1_000_000
GRANT = Grant(4001, "45.0.0.7", 4001, 3600)


@dataclass
class Router:
    """A router that grants what it is told to. asked: each question, with the time of trio."""

    grant: Grant = GRANT
    asked: list[tuple[float, str]] = field(default_factory=list)
    stands: bool = True
    refusal: GatewayError | None = None
    unmap_s: float = 0.0
    silent: tuple[str, ...] = ()
    route: Route | None = HOME

    def client(self, method: str) -> Callable[[Route], GatewayClient]:
        """What makes a client of this router."""
        return lambda route: RouterClient(self, method, route)

    async def find(self) -> Route | None:
        """The way out now."""
        return self.route

    def count(self, what: str) -> int:
        """How often something was asked."""
        return sum(question == what for _, question in self.asked)


@dataclass
class RouterClient:
    """Speaks one protocol with the router."""

    router: Router
    method: str
    route: Route

    async def map(self, internal_port: int, external_port: int) -> Grant:
        self._ask(f"map {internal_port} {external_port}")
        return self.router.grant

    async def stands(self, grant: Grant) -> bool:
        self._ask("stands")
        return self.router.stands

    async def unmap(self, grant: Grant) -> None:
        self._ask(f"unmap {self.route.own}")
        await trio.sleep(self.router.unmap_s)

    def _ask(self, question: str) -> None:
        self.router.asked.append((trio.current_time(), question))
        if self.method in self.router.silent:
            raise GatewaySilent("no answer")
        if self.router.refusal is not None and not question.startswith("unmap"):
            raise self.router.refusal


@contextmanager
def mapper_of(
    router: Router, listening: tuple[Endpoint, ...] = EVERYWHERE
) -> Iterator[tuple[PortMapper, list[PortMapping]]]:
    """A mapper that speaks with this router, and what it tells."""
    told: list[PortMapping] = []
    clients = GatewayClients(*map(router.client, ("PCP", "NAT-PMP", "UPnP")))
    yield (
        PortMapper(listening, clients, told.append, lambda: AT, find_route=router.find),
        told,
    )
    assert all(mapping.reason in ("", *MAPPING_REASONS) for mapping in told)


async def run_for(mapper: PortMapper, seconds: float) -> None:
    """Let the mapper run for some time, and end it in order."""
    with trio.move_on_after(seconds):
        await mapper.run()


async def test_the_port_is_mapped_told_once_and_given_back(autojump_clock: MockClock) -> None:
    router = Router()
    with mapper_of(router) as (mapper, told):
        await run_for(mapper, 60)
    assert told == [
        PortMapping(reason="asking", gateway="192.168.1.1", at_ms=AT),
        PortMapping("PCP", "/ip4/45.0.0.7/tcp/4001", "", "", "192.168.1.1", AT),
    ]
    assert router.asked[0][1] == "map 4001 4001"
    assert router.asked[-1][1] == f"unmap {HOME.own}"


async def test_it_is_renewed_at_half_of_its_lifetime(autojump_clock: MockClock) -> None:
    router = Router(Grant(4001, "45.0.0.7", 40_777, 3600))
    began = trio.current_time()
    with mapper_of(router) as (mapper, _):
        await run_for(mapper, 2 * 1800 + 3 * FOLLOW_S)
    times = [at - began for at, question in router.asked if question.startswith("map")]
    assert [question for _, question in router.asked if question.startswith("map")] == [
        "map 4001 4001",
        "map 4001 40777",
        "map 4001 40777",
    ]
    assert times[1] == pytest.approx(1800, abs=2 * FOLLOW_S)
    assert times[2] == pytest.approx(3600, abs=3 * FOLLOW_S)


async def test_a_short_lifetime_makes_no_storm(autojump_clock: MockClock) -> None:
    router = Router(Grant(4001, "45.0.0.7", 4001, 1))
    with mapper_of(router) as (mapper, _):
        await run_for(mapper, 10 * RENEW_S_MIN + 1)
    assert 2 <= router.count("map 4001 4001") <= 11


async def test_a_router_that_restarted_is_asked_again_soon(autojump_clock: MockClock) -> None:
    router = Router()
    with mapper_of(router) as (mapper, told):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(mapper.run)
            await trio.sleep(100)
            router.stands, router.grant = False, Grant(4001, "45.0.0.8", 4001, 3600)
            await trio.sleep(LOOK_S + FOLLOW_S)
            assert told[-1].address == "/ip4/45.0.0.8/tcp/4001"
            nursery.cancel_scope.cancel()


async def test_a_router_that_is_away_for_a_while_is_found_again(autojump_clock: MockClock) -> None:
    router = Router()
    with mapper_of(router) as (mapper, told):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(mapper.run)
            await trio.sleep(100)
            router.refusal = GatewaySilent("no answer")
            await trio.sleep((MISSES_MAX - 1) * LOOK_S - 1)
            assert told[-1].address
            await trio.sleep(2 * (LOOK_S + FOLLOW_S))
            assert (told[-1].reason, told[-1].address) == ("silent", "")
            router.refusal = None
            await trio.sleep(3 * RETRY_S_MIN)
            assert told[-1].address == "/ip4/45.0.0.7/tcp/4001"
            nursery.cancel_scope.cancel()


async def test_a_router_that_is_silent_for_a_moment_moves_nobody(
    autojump_clock: MockClock,
) -> None:
    router = Router()
    with mapper_of(router) as (mapper, told):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(mapper.run)
            for _ in range(5):
                await trio.sleep(100)
                router.refusal = GatewaySilent("no answer")
                await trio.sleep((MISSES_MAX - 1) * LOOK_S - 1)
                router.refusal = None
            nursery.cancel_scope.cancel()
    assert [mapping.reason for mapping in told] == ["asking", ""]


async def test_a_router_that_cannot_be_looked_at_is_asked_for_the_port(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(_client: RouterClient, _grant: Grant) -> bool:
        raise GatewayRefused("unsupported opcode")

    monkeypatch.setattr(RouterClient, "stands", refused)
    router = Router()
    with mapper_of(router) as (mapper, told):
        await run_for(mapper, 10 * LOOK_S)
    assert [mapping.reason for mapping in told] == ["asking", ""]
    assert 5 <= router.count("map 4001 4001") <= 11


async def test_a_lost_mapping_is_made_again_although_the_first_renewal_is_lost_too(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    router = Router()
    answers = iter([False])

    async def once_lost(_client: RouterClient, _grant: Grant) -> bool:
        is_there = next(answers, True)
        router.refusal = None if is_there else GatewaySilent("no answer")
        return is_there

    monkeypatch.setattr(RouterClient, "stands", once_lost)
    with mapper_of(router) as (mapper, told):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(mapper.run)
            await trio.sleep(LOOK_S + 1)
            assert router.count("map 4001 4001") == 2
            router.refusal = None
            await trio.sleep(FOLLOW_S + 1)
            assert router.count("map 4001 4001") == 3
            nursery.cancel_scope.cancel()
    assert told[-1].address


async def test_a_router_that_refuses_the_renewal_is_asked_from_the_start(
    autojump_clock: MockClock,
) -> None:
    router = Router()
    with mapper_of(router) as (mapper, told):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(mapper.run)
            await trio.sleep(12)
            router.stands, router.refusal = False, GatewayRefused("not authorised")
            await trio.sleep(LOOK_S + 2 * FOLLOW_S)
            assert (told[-1].reason, told[-1].said) == ("refused", "not authorised")
            nursery.cancel_scope.cancel()


async def test_a_machine_that_moves_gives_back_and_maps_there(autojump_clock: MockClock) -> None:
    router = Router()
    with mapper_of(router) as (mapper, told):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(mapper.run)
            await trio.sleep(12)
            router.route = None
            await trio.sleep(2 * FOLLOW_S)
            assert told[-1] == PortMapping(reason="no-router", at_ms=AT)
            router.route = CAFE
            await trio.sleep(2 * FOLLOW_S)
            assert told[-1].address
            nursery.cancel_scope.cancel()
    assert [question for _, question in router.asked if question != "stands"] == [
        *("map 4001 4001", f"unmap {HOME.own}"),
        *("map 4001 4001", f"unmap {CAFE.own}"),
    ]


async def test_pauses_between_attempts_grow_to_a_bound(autojump_clock: MockClock) -> None:
    router = Router(refusal=GatewaySilent("no answer"))
    with mapper_of(router) as (mapper, told):
        await run_for(mapper, 4 * 3600)
    times = [at for at, _ in router.asked][::2]
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert pauses[0] == RETRY_S_MIN
    assert max(pauses) == RETRY_S_MAX
    assert pauses == sorted(pauses)
    assert [mapping.reason for mapping in told] == ["asking", "silent"]


async def test_nat_pmp_comes_after_pcp_and_upnp_after_silence(autojump_clock: MockClock) -> None:
    for silent, way in ((), "PCP"), (("PCP",), "UPnP"):
        router = Router(silent=silent)
        with mapper_of(router) as (mapper, told):
            await run_for(mapper, 10)
        assert told[-1].way == way
    router = Router()
    clients = GatewayClients(_too_old, *map(router.client, ("NAT-PMP", "UPnP")))
    told = []
    mapper = PortMapper(EVERYWHERE, clients, told.append, lambda: AT, find_route=router.find)
    await run_for(mapper, 10)
    assert told[-1].way == "NAT-PMP"


def _too_old(route: Route) -> GatewayClient:
    return RouterClient(Router(refusal=VersionUnsupported("version 0")), "PCP", route)


async def test_a_refusal_is_told_with_what_the_router_said(autojump_clock: MockClock) -> None:
    router = Router(refusal=GatewayRefused("not authorised"))
    with mapper_of(router) as (mapper, told):
        await run_for(mapper, 10)
    assert told[-1] == PortMapping("PCP", "", "refused", "not authorised", "192.168.1.1", AT)


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("45.0.0.7", ""),
        ("10.1.2.3", "not-public"),
        ("192.168.0.2", "not-public"),
        ("172.31.255.255", "not-public"),
        ("100.64.0.1", "not-public"),
        ("100.127.255.255", "not-public"),
        ("100.128.0.1", ""),
        ("", "not-connected"),
    ],
)
async def test_an_address_that_is_not_public_is_said_to_be_so(
    autojump_clock: MockClock, host: str, reason: str
) -> None:
    with mapper_of(Router(Grant(4001, host, 4001, 3600))) as (mapper, told):
        await run_for(mapper, 10)
    assert told[-1].reason == reason
    assert bool(told[-1].address) == bool(host)


@pytest.mark.parametrize(
    "listening",
    [
        (Endpoint("ip4", "127.0.0.1", 4001),),
        (Endpoint("ip4", "127.0.0.1", 4001), Endpoint("ip6", "::1", 4001)),
        (Endpoint("ip6", "::", 4001),),
        (),
    ],
)
async def test_a_node_on_loopback_only_never_asks(listening: tuple[Endpoint, ...]) -> None:
    router = Router()
    with mapper_of(router, listening) as (mapper, told):
        await mapper.run()
    assert router.asked == []
    assert [mapping.reason for mapping in told] == ["local-only"]


async def test_only_the_address_towards_the_router_counts(autojump_clock: MockClock) -> None:
    router = Router()
    with mapper_of(router, (Endpoint("ip4", "10.9.9.9", 4001),)) as (mapper, told):
        await run_for(mapper, 10)
    assert (router.asked, told[-1].reason) == ([], "local-only")
    with mapper_of(router, (Endpoint("ip4", HOME.own, 4005),)) as (mapper, told):
        await run_for(mapper, 10)
    assert router.asked[0][1] == "map 4005 4005"


async def test_who_has_a_public_address_asks_no_router(autojump_clock: MockClock) -> None:
    router = Router(route=Route("45.0.0.1", "45.0.0.9"))
    with mapper_of(router) as (mapper, told):
        await run_for(mapper, 10)
    assert (router.asked, told[-1].reason) == ([], "public-already")


async def test_the_end_does_not_wait_for_a_router_that_is_gone(autojump_clock: MockClock) -> None:
    router = Router(unmap_s=3600)
    with mapper_of(router) as (mapper, _):
        began = trio.current_time()
        await run_for(mapper, 10)
        assert trio.current_time() - began == 10 + END_S_MAX
    assert router.count(f"unmap {HOME.own}") == 1


def test_a_node_has_one_nonce_at_a_router_however_often_it_starts() -> None:
    nonces = {
        (seed[0], route.own): [_nonce(seed, route) for _ in range(2)]
        for seed in (bytes([1]) * 32, bytes([2]) * 32)
        for route in (HOME, CAFE)
    }
    assert all(first == second and len(first) == 12 for first, second in nonces.values())
    assert len({first for first, _ in nonces.values()}) == 4


def _nonce(seed: bytes, route: Route) -> bytes:
    client = GatewayClients.of(seed).pcp(route)
    assert isinstance(client, PcpClient)
    return client._nonce
