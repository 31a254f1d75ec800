"""Homes behind routers of several kinds that had a relayed link and get a direct one, or do not."""

from __future__ import annotations

import pytest

from commonweal.node.network.punch import hole_punch
from tests.networks.conftest import Note
from tests.networks.places import PUBLIC_NET, Weather, lacking, network
from tests.networks.punching import PORT, punch
from tests.networks.routers import Router, home

pytestmark = [
    pytest.mark.skipif(bool(lacking()), reason=f"not run: {lacking()}"),
    pytest.mark.timeout(60),
]

WAY = Weather(delay_ms=15, jitter_ms=1)
DIRECT = [
    (Router.KEEPING, Router.KEEPING),
    (Router.KEEPING, Router.DOUBLE),
    (Router.REFUSING, Router.KEEPING),
    (Router.CHANGING, Router.FORWARDING),
    (Router.FORWARDING, Router.CHANGING),
]


@pytest.mark.parametrize("kinds", DIRECT, ids=lambda kinds: "-".join(kind.name for kind in kinds))
def test_two_homes_get_a_direct_link(kinds: tuple[Router, Router], record_property: Note) -> None:
    with network(WAY, prefix=PUBLIC_NET) as net:
        relay = net.place()
        dials, takes = (home(net, kind, PORT)[0] for kind in kinds)
        result = punch(net, relay, dials, takes)
        assert result.is_direct
    words = " to ".join(kind.value for kind in kinds)
    record_property("network", f"{words}: direct after {result.seconds:.1f} s, try {result.tries}")


def test_a_router_that_changes_the_port_leaves_the_link_relayed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hole_punch, "PAUSES_S", (0.2, 0.2))
    monkeypatch.setattr(hole_punch, "CROSS_S", 1.5)
    monkeypatch.setattr(hole_punch, "SECURE_S", 0.5)
    with network(WAY, prefix=PUBLIC_NET) as net:
        relay = net.place()
        dials, takes = (home(net, kind, PORT)[0] for kind in (Router.KEEPING, Router.CHANGING))
        result = punch(net, relay, dials, takes)
    assert (result.is_direct, result.tries) == (False, 2)
