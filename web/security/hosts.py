"""The hosts and origins by which the page is reached: loopback, with the port of the page.

An exact list of names stops DNS rebinding: a foreign name that resolves to this machine makes
the browser believe that everything has one origin, so nothing else would see it.
"""

from __future__ import annotations

NAMES = ("127.0.0.1", "[::1]", "localhost")


def hosts(port: int) -> frozenset[str]:
    """Return the values of `Host` that are answered."""
    return frozenset(f"{name}:{port}" for name in NAMES)


def origins(port: int) -> frozenset[str]:
    """Return the values of `Origin` that a page of ours sends."""
    return frozenset(f"http://{host}" for host in hosts(port))
