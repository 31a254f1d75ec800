"""A real miniupnpd on a router of these networks: it forwards ports by PCP, NAT-PMP and UPnP."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from tests.networks.places import Place, lacking

PROGRAM = "miniupnpd"
LOOKS = 100
LOOK_S = 0.05
END_S = 20
CHAINS = """
table inet upnp {
 chain forward { type filter hook forward priority 0; jump upnp_pass; }
 chain before { type nat hook prerouting priority -100; jump upnp_before; }
 chain after { type nat hook postrouting priority 100; jump upnp_after; }
 chain upnp_pass { }
 chain upnp_before { }
 chain upnp_after { }
}
add rule ip keep pass ct status dnat accept
"""
NO_PCP = """
table ip silent {
 chain in { type filter hook input priority 0; udp dport 5351 drop; }
}
"""
CONFIG = """
ext_ifname=t0
listening_ip={inside}
http_port=0
enable_natpmp={pcp}
enable_upnp={upnp}
secure_mode=yes
min_lifetime=120
max_lifetime=86400
upnp_table_name=upnp
upnp_nat_table_name=upnp
upnp_forward_chain=upnp_pass
upnp_nat_chain=upnp_before
upnp_nat_postrouting_chain=upnp_after
uuid=5b1d4d1c-0000-4000-8000-000000000001
allow 1024-65535 0.0.0.0/0 1024-65535
deny 0-65535 0.0.0.0/0 0-65535
"""


@cache
def lacking_miniupnpd() -> str:
    """Return what this machine lacks for such routers, in one line; empty when nothing."""
    if lacking():
        return lacking()
    return "" if shutil.which(PROGRAM) else "miniupnpd missing: apt install miniupnpd-nftables"


class Forwarder:
    """The miniupnpd of a router; it can be restarted, and has then forgotten its mappings."""

    def __init__(self, router: Place, folder: Path, *, pcp: bool, upnp: bool) -> None:
        """Start it for what was joined last to the router. pcp: NAT-PMP as well, its older form."""
        self.router = router
        self._config = folder / f"{router.space}.conf"
        devices = self._nft("ip", "-o", "link", "show", "type", "veth").splitlines()
        inside = devices[-1].split(": ")[1].partition("@")[0]
        said = {True: "yes", False: "no"}
        self._ready = b"Listening for NAT-PMP/PCP" if pcp else b"HTTP listening on"
        self._config.write_text(CONFIG.format(inside=inside, pcp=said[pcp], upnp=said[upnp]))
        self._start()

    def restart(self) -> None:
        """Let the router begin anew, without its mappings."""
        self.end()
        self._nft("nft", "delete", "table", "inet", "upnp")
        self._start()

    def end(self) -> None:
        """End the program."""
        self._process.terminate()
        self._process.wait(END_S)
        self._config.with_suffix(".log").unlink()

    def drop_pcp(self) -> None:
        """Let what is sent to the port of PCP vanish, as behind some firewalls."""
        self._nft("nft", "-f", "-", text=NO_PCP)

    def rules(self) -> str:
        """Return the rules by which it forwards."""
        return self._nft("nft", "list", "chain", "inet", "upnp", "upnp_before")

    def _start(self) -> None:
        self._nft("nft", "-f", "-", text=CHAINS)
        log, pid = self._config.with_suffix(".log"), self._config.with_suffix(".pid")
        with log.open("ab") as said:
            self._process = subprocess.Popen(
                [
                    "ip",
                    "netns",
                    "exec",
                    self.router.space,
                    PROGRAM,
                    "-d",
                    "-f",
                    self._config,
                    "-P",
                    pid,
                ],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
        for _ in range(LOOKS):
            if self._ready in log.read_bytes():
                return
            assert self._process.poll() is None, log.read_text()
            time.sleep(LOOK_S)
        raise AssertionError(log.read_text())

    def _nft(self, *words: str, text: str = "") -> str:
        command = ["ip", "netns", "exec", self.router.space, *words]
        ran = subprocess.run(command, input=text, capture_output=True, text=True, timeout=20)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout


@contextmanager
def forwarder(
    router: Place, folder: Path, *, pcp: bool = True, upnp: bool = True
) -> Iterator[Forwarder]:
    """A miniupnpd on this router, ended at the end."""
    program = Forwarder(router, folder, pcp=pcp, upnp=upnp)
    try:
        yield program
    finally:
        program.end()
