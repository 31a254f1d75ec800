"""Packages of libp2p whose modules are used one by one, without what the package itself imports.

`import libp2p.abc` runs `libp2p/__init__.py` first, and that imports every transport: QUIC,
WebSocket, certificates, a resolver of names. A node uses none of them; without them it starts in
two thirds of the time and holds 25 MB less. A package is read whole, as ever, when a name of it
is asked for that is none of its modules that were read. Nothing is changed where libp2p was
imported before us.
"""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType
from typing import Any

PACKAGES = (
    *("libp2p", "libp2p.host", "libp2p.network", "libp2p.protocol_muxer", "libp2p.rcmgr"),
    *("libp2p.relay", "libp2p.relay.circuit_v2", "libp2p.security", "libp2p.stream_muxer"),
    *("libp2p.transport", "libp2p.transport.quic", "libp2p.utils"),
)
"""A package before what is in it."""


class UnreadPackage(ModuleType):
    """A package whose own file runs once a name is asked for that it does not have."""

    def __getattr__(self, name: str) -> Any:
        """Read the package, and return what it has by that name; raises AttributeError."""
        spec = self.__spec__
        if name.startswith("__") or spec is None or spec.loader is None:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        self.__class__ = ModuleType  # type: ignore[assignment]
        spec.loader.exec_module(self)
        return getattr(self, name)


def leave_unread(name: str) -> None:
    """Let the modules of a package be imported without what the package itself imports."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    package = importlib.util.module_from_spec(spec)
    package.__class__ = UnreadPackage
    sys.modules[name] = package
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, package)


if "libp2p" not in sys.modules:
    for package_name in PACKAGES:
        leave_unread(package_name)
