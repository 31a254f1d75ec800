"""How often hole punching makes a direct link of a relayed one, by the routers of both homes.

Two networks in one process and a bare relay, each in a namespace of its own, behind the routers of
tests/networks/routers.py; without root or nft nothing is measured, and that is said.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations_with_replacement
from statistics import median

from bench.figures import Figure
from tests.networks.places import PUBLIC_NET, Weather, lacking, network
from tests.networks.punching import PORT, Punched, punch
from tests.networks.routers import Router, home

ROUNDS = 4
"""Links of each pair: half of them are opened by either home."""
AT_ONCE = 3
WAYS = {
    "15 ms": Weather(delay_ms=15, jitter_ms=1),
    "60 ms, uneven, 2 % lost": Weather(delay_ms=60, jitter_ms=10, loss=0.02),
}
"""From each home to the relay and to the other home, one way."""


def figures() -> list[Figure]:
    """Return for each pair of routers, and each way, the share of direct links."""
    if lacking():
        sys.stderr.write(f"punching is not measured: {lacking()}\n")
        return []
    pairs = list(combinations_with_replacement(Router, 2))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        begun = {
            (name, near, far): [
                pool.submit(_punched, way, *((near, far) if turn % 2 else (far, near)), turn)
                for turn in range(ROUNDS)
            ]
            for name, way in WAYS.items()
            for near, far in pairs
        }
        return [
            _figure(name, near, far, [result.result() for result in results])
            for (name, near, far), results in begun.items()
        ]


def _figure(name: str, near: Router, far: Router, results: list[Punched]) -> Figure:
    direct = [result for result in results if result.is_direct]
    took_s = median(result.seconds for result in direct) if direct else 0.0
    what = f"{near.value} - {far.value}, {name}"
    return Figure(what, took_s, "s", "links", len(results), len(direct) / len(results))


def _punched(way: Weather, dials: Router, takes: Router, seed: int) -> Punched:
    with network(way, seed, PUBLIC_NET) as net:
        relay = net.place()
        return punch(net, relay, home(net, dials, PORT)[0], home(net, takes, PORT)[0])
