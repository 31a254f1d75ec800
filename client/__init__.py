"""What a member can read and do, as a Python API; it prints nothing and asks nobody."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from commonweal.client.community.homes import NewHome, create_home
    from commonweal.client.member import Member

__all__ = ["Member", "NewHome", "create_home"]

_MODULES = {
    "Member": "member",
    "NewHome": "community.homes",
    "create_home": "community.homes",
}


def __getattr__(name: str) -> Any:
    """Return a public name; its module is loaded when it is used, so that commands stay quick."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
