"""The tables of the state: each belongs to one module."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from itertools import pairwise

from commonweal.protocol import ledger

INSIDE = {"INPUT", "OUTPUT"}
"""They stand inside keys, behind a table."""
KEYS = {"LAST"}
"""Not a table but a key of its own, behind which others stand."""


def tables() -> dict[tuple[str, bytes], str]:
    """Return every table of the state, by name and first bytes, with a module that has it."""
    found: dict[tuple[str, bytes], str] = {}
    for one in pkgutil.walk_packages(ledger.__path__, f"{ledger.__name__}."):
        module = import_module(one.name)
        for name, value in vars(module).items():
            if name.isupper() and type(value) is bytes and 1 <= len(value) <= 2:
                found[name, value] = one.name
    return {key: module for key, module in found.items() if key[0] not in INSIDE | KEYS}


def test_no_table_is_part_of_another() -> None:
    known = sorted(tables(), key=lambda one: (one[1], one[0]))
    assert len(known) > 40
    for (name, first), (other, second) in pairwise(known):
        assert not second.startswith(first), f"{name} and {other} are both {second!r}"
