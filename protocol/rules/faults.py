"""A fault of a ruleset document: the path of its key, what is wrong, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, NamedTuple

from commonweal.protocol.rules.toml_positions import Path


class RulesetFault(NamedTuple):
    """What is wrong at `path`, and what to do. hint: may be empty."""

    path: Path
    sentence: str
    hint: str = ""


def similar(name: Any, known: Iterable[str]) -> str:
    """Return a hint: the known name that is closest to `name`, or all that are known."""
    names = list(known)
    close = difflib.get_close_matches(name, names, 1) if type(name) is str else []
    return f"did you mean {close[0]!r}?" if close else "known are " + ", ".join(names)
