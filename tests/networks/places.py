"""Places on a network of this machine: namespaces that a relay joins, badly.

Each place has one device, t0, whose other end is a thread of this process: it delays,
shuffles and loses packets on their way to another place, by a seed. Parting, masquerade and
narrow links are the kernel's own (nft, tbf). Nothing leaves the machine: a place has no other
device and no route elsewhere, and all are removed at the end, whatever happened.
"""

from __future__ import annotations

import ctypes
import fcntl
import heapq
import itertools
import os
import select
import shutil
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
TUN_WITHOUT_HEADER = 0x1001
PACKET_BYTES_MAX = 65_536
PACKETS_AT_ONCE = 64
WAITING_MAX = 20_000
"""Packets under way; more are lost, as in a router whose queue is full."""
LOOK_S = 0.2
PLACES_MAX = 200
NET = "10.98.0"
PUBLIC_NET = "44.128.0"
"""Numbers that are global, of a block kept for tests of radio amateurs: private ones are not
dialled for a peer."""
INSIDE = "192.168.7"
HIDDEN = f"{INSIDE}.2"
"""Every node behind masquerade has this address, as in so many homes."""
MASQUERADE = """
table ip nat {
 chain out {
  type nat hook postrouting priority 100;
  oifname "t0" masquerade;
 }
}
table ip keep {
 chain pass {
  type filter hook forward priority 0; policy drop;
  iifname "veth*" accept;
  ct state established,related accept;
 }
}
"""
TOOLS = ("ip", "nft", "tc")

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Weather:
    """What happens to each packet. loss: the share of them that is lost."""

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    loss: float = 0.0


@dataclass(frozen=True, slots=True)
class Place:
    """A namespace. address: where its nodes listen; router: the namespace before it, if any."""

    space: str
    address: str
    router: str | None = None


@cache
def lacking() -> str:
    """Return what this machine lacks for such networks, in one line; empty when nothing."""
    if not sys.platform.startswith("linux"):
        return "network namespaces are Linux's"
    if os.geteuid() != 0:
        return "network namespaces need root"
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"{' and '.join(missing)} missing: apt install iproute2 nftables"
    try:
        with network() as net:
            net.hide()
            net.narrow(net.place(), 1_000)
            net.part(net.places, net.places)
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", "") or str(error)
        return f"no network namespaces here: {said.strip().splitlines()[-1]}"
    return ""


@contextmanager
def network(weather: Weather = Weather(), seed: int = 1, prefix: str = NET) -> Iterator[Network]:
    """A network without places; whatever was made of it is removed at the end."""
    net = Network(weather, seed, prefix)
    try:
        yield net
    finally:
        net.remove()


class Network:
    """Places, and the relay between them."""

    _numbers = itertools.count(1)

    def __init__(self, weather: Weather, seed: int, prefix: str) -> None:
        """Start the relay. weather: of every packet between two places."""
        self.prefix = prefix
        self.places: list[Place] = []
        self.lost = self.carried = 0
        self._relay = Relay(weather, Random(seed))
        self._spaces: list[str] = []
        self._routers = 0
        self._cables = itertools.count(1)

    def place(self) -> Place:
        """Make a place with an address of its own."""
        address = f"{self.prefix}.{len(self.places) + 1}"
        assert len(self.places) < PLACES_MAX, "addresses end"
        place = Place(self._open(address), address)
        self.places.append(place)
        return place

    def hide(self) -> Place:
        """Make a place behind masquerade: what it sends comes from its router's address.

        Nothing reaches it but answers.
        """
        place = self.behind(self.router(), MASQUERADE)
        self.places.append(place)
        return place

    def router(self) -> Place:
        """Make a namespace with an address of its own that passes packets on."""
        address = self._outside()
        router = Place(self._open(address), address)
        self.forward(router)
        return router

    def forward(self, place: Place) -> None:
        """Let a place pass on packets that are not for it."""
        with _inside(place.space):
            Path("/proc/sys/net/ipv4/ip_forward").write_text("1", "ascii")

    def behind(self, router: Place, rules: str, prefix: str = INSIDE) -> Place:
        """Make a place whose only way out is a router with these rules of nft."""
        inside = Place(self._space(), f"{prefix}.2", router.space)
        self.plug(inside, router, prefix)
        _rules(router.space, rules)
        return inside

    def plug(self, place: Place, router: Place, prefix: str = INSIDE) -> None:
        """Join a place to a router with the address 2 of a prefix, and to no other any more."""
        with suppress(subprocess.CalledProcessError):
            _do("ip", "-n", place.space, "link", "delete", "veth0")
        device = f"veth{next(self._cables)}"
        pair = (device, "netns", router.space, "type", "veth")
        _do("ip", "link", "add", *pair, "peer", "veth0", "netns", place.space)
        ends = ((router.space, device, f"{prefix}.1"), (place.space, "veth0", f"{prefix}.2"))
        for space, end, address in ends:
            _do("ip", "-n", space, "addr", "add", f"{address}/24", "dev", end)
            _do("ip", "-n", space, "link", "set", end, "up")
        _do("ip", "-n", place.space, "route", "add", "default", "via", f"{prefix}.1")

    def renumber(self, router: Place) -> Place:
        """Return a router that has another public address from now on, as after a night."""
        address = self._outside()
        self._relay.move(router.address, address)
        _do("ip", "-n", router.space, "addr", "delete", f"{router.address}/24", "dev", "t0")
        _do("ip", "-n", router.space, "addr", "add", f"{address}/24", "dev", "t0")
        return Place(router.space, address)

    @contextmanager
    def inside(self, place: Place) -> Iterator[None]:
        """Let this thread, and the processes that it starts, be in a place."""
        with _inside(place.space):
            yield

    def part(self, some: Sequence[Place], others: Sequence[Place]) -> None:
        """Let no packet pass between some places and others, until `heal`."""
        for here, there in ((some, others), (others, some)):
            for place in here:
                far = ", ".join(each.address for each in there)
                _rules(
                    place.space,
                    "table ip wall {\n chain in {\n type filter hook input priority 0;\n"
                    f"  ip saddr {{ {far} }} drop;\n }}\n}}\n",
                )

    def heal(self) -> None:
        """Take all walls away."""
        for place in self.places:
            _rules(place.space, "table ip wall\ndelete table ip wall\n")

    def narrow(self, place: Place, kbit: int) -> None:
        """Let a place send at most so many kbit a second."""
        limit = ("tbf", "rate", f"{kbit}kbit", "burst", "16kbit", "latency", "400ms")
        _do("tc", "-n", place.space, "qdisc", "add", "dev", "t0", "root", *limit)

    def remove(self) -> None:
        """End the relay and remove every namespace."""
        self._relay.end()
        self.lost, self.carried = self._relay.lost, self._relay.carried
        for space in self._spaces:
            with suppress(subprocess.CalledProcessError):
                _do("ip", "netns", "delete", space)
        self._spaces.clear()

    def _outside(self) -> str:
        """Return the next public address of a router; places have those below."""
        self._routers += 1
        return f"{self.prefix}.{PLACES_MAX + self._routers}"

    def _space(self) -> str:
        space = f"weal-{os.getpid()}-{next(self._numbers)}"
        _do("ip", "netns", "add", space)
        self._spaces.append(space)
        _do("ip", "-n", space, "link", "set", "lo", "up")
        return space

    def _open(self, address: str) -> str:
        """Make a namespace with a device t0 at an address, joined to the relay; return its name."""
        space = self._space()
        with _inside(space):
            device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            self._relay.join(address, device)
            fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", b"t0", TUN_WITHOUT_HEADER))
        _do("ip", "-n", space, "addr", "add", f"{address}/24", "dev", "t0")
        _do("ip", "-n", space, "link", "set", "t0", "up")
        return space


class Relay:
    """A thread that reads packets of IPv4 and writes each to the device of its destination."""

    def __init__(self, weather: Weather, chance: Random) -> None:
        """Start the thread."""
        self.lost = self.carried = 0
        self._weather, self._chance = weather, chance
        self._devices: dict[bytes, int] = {}
        self._waiting: list[tuple[float, int, int, bytes]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        self._thread.start()

    def join(self, address: str, device: int) -> None:
        """Take a device in; it is closed by `end`."""
        self._devices[_packed(address)] = device

    def move(self, before: str, now: str) -> None:
        """Let a device have another address."""
        self._devices[_packed(now)] = self._devices.pop(_packed(before))

    def end(self) -> None:
        """Carry nothing more and close the devices."""
        self._over.set()
        self._thread.join()
        for device in self._devices.values():
            os.close(device)
        self._devices.clear()

    def _run(self) -> None:
        while not self._over.is_set():
            due = self._waiting[0][0] - time.monotonic() if self._waiting else LOOK_S
            devices = list(self._devices.values())
            for device in select.select(devices, [], [], min(LOOK_S, max(0.0, due)))[0]:
                self._read(device)
            while self._waiting and self._waiting[0][0] <= time.monotonic():
                _, _, device, packet = heapq.heappop(self._waiting)
                with suppress(OSError):  # a device that is full or gone loses the packet
                    os.write(device, packet)

    def _read(self, device: int) -> None:
        weather = self._weather
        for _ in range(PACKETS_AT_ONCE):
            try:
                packet = os.read(device, PACKET_BYTES_MAX)
            except OSError:  # nothing more to read, or not up yet
                return
            to = self._devices.get(packet[16:20]) if packet[0] >> 4 == 4 else None
            if to is None:
                continue
            if self._chance.random() < weather.loss or len(self._waiting) >= WAITING_MAX:
                self.lost += 1
                continue
            self.carried += 1
            late_ms = max(0.0, self._chance.gauss(weather.delay_ms, weather.jitter_ms))
            at = time.monotonic() + late_ms / 1000
            heapq.heappush(self._waiting, (at, self.carried, to, packet))


def _packed(address: str) -> bytes:
    return bytes(int(part) for part in address.split("."))


@contextmanager
def _inside(space: str) -> Iterator[None]:
    ours, theirs = Path("/proc/thread-self/ns/net"), Path("/run/netns") / space
    with ours.open() as before, theirs.open() as there:
        _enter(there.fileno())
        try:
            yield
        finally:
            _enter(before.fileno())


def _enter(space: int) -> None:
    if _libc.setns(space, CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _rules(space: str, text: str) -> None:
    _do("ip", "netns", "exec", space, "nft", "-f", "-", text=text)


def _do(*words: str, text: str = "") -> None:
    subprocess.run(words, check=True, input=text, capture_output=True, text=True, timeout=20)
