"""Homes behind routers of every kind: who can open a connection to which."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from tests.networks.places import HIDDEN, PUBLIC_NET, Network, Place, lacking, network
from tests.networks.routers import Router, home

pytestmark = [
    pytest.mark.skipif(bool(lacking()), reason=f"not run: {lacking()}"),
    pytest.mark.timeout(60),
]

PORT = 4001
ANSWER_S = 0.5
FORGET = struct.pack("ii", 1, 0)
"""Ends by a reset, so that the same two ports can be connected again at once."""


@contextmanager
def listening(net: Network, place: Place, address: str = "0.0.0.0") -> Iterator[socket.socket]:
    """A socket that listens in a place."""
    with net.inside(place), socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((address, PORT))
        listener.listen()
        listener.settimeout(ANSWER_S)
        yield listener


def seen(net: Network, place: Place, public: Place, listener: socket.socket) -> tuple[str, int]:
    """Return the address from which a connection of a place's listening port comes."""
    with net.inside(place), socket.socket() as dialled:
        dialled.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        dialled.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, FORGET)
        dialled.bind(("", PORT))
        dialled.settimeout(ANSWER_S)
        dialled.connect((public.address, PORT))
        accepted, address = listener.accept()
        with closing(accepted):
            return str(address[0]), int(address[1])


def reaches(net: Network, place: Place, address: str) -> bool:
    """Return whether a connection from a place to an address is answered."""
    with net.inside(place):
        try:
            socket.create_connection((address, PORT), ANSWER_S).close()
        except OSError:
            return False
    return True


@pytest.mark.parametrize("kind", list(Router))
def test_a_router_maps_and_filters_as_its_kind_does(kind: Router) -> None:
    with network(prefix=PUBLIC_NET) as net:
        public, other = net.place(), net.place()
        inside, router = home(net, kind, PORT)
        with (
            listening(net, public) as first,
            listening(net, other) as second,
            listening(net, inside),
        ):
            ports = [
                seen(net, inside, place, listener)
                for place, listener in ((public, first), (other, second))
            ]
            assert {host for host, _ in ports} == {router.address}
            keeps = kind is not Router.CHANGING
            assert ({port for _, port in ports} == {PORT}) is keeps
            assert reaches(net, public, router.address) is (kind is Router.FORWARDING)
            assert inside.address == HIDDEN


def test_a_router_that_refuses_answers_and_one_that_is_quiet_does_not() -> None:
    with network(prefix=PUBLIC_NET) as net:
        public = net.place()
        refusing = home(net, Router.REFUSING, PORT)[1]
        quiet = home(net, Router.KEEPING, PORT)[1]
        with net.inside(public):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((refusing.address, PORT), ANSWER_S)
            with pytest.raises(TimeoutError):
                socket.create_connection((quiet.address, PORT), ANSWER_S)


def test_a_place_moves_to_another_router_and_a_router_gets_another_address() -> None:
    with network(prefix=PUBLIC_NET) as net:
        public = net.place()
        laptop, before = home(net, Router.KEEPING, PORT)
        _, after = home(net, Router.KEEPING, PORT)
        with listening(net, public) as listener:
            assert seen(net, laptop, public, listener)[0] == before.address
            net.plug(laptop, after, "192.168.8")
            assert seen(net, laptop, public, listener)[0] == after.address
            renumbered = net.renumber(after)
            assert renumbered.address not in (before.address, after.address)
            assert seen(net, laptop, public, listener)[0] == renumbered.address
