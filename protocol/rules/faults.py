"""A fault of a ruleset document: the place of its key, what is wrong, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from commonweal.protocol.rules.toml_positions import Path


class RulesetFault(NamedTuple):
    """What is wrong at `path`, and what to do. hint: may be empty."""

    path: Path
    sentence: str
    hint: str = ""


class Problem(NamedTuple):
    """A fault in the text of a ruleset. line, column: from 1. hint: what to do; may be empty."""

    line: int
    column: int
    sentence: str
    hint: str

    def __str__(self) -> str:
        hint = f"; {self.hint}" if self.hint else ""
        return f"line {self.line}, column {self.column}: {self.sentence}{hint}"


def similar(name: Any, known: Iterable[str]) -> str:
    """Return a hint: the known name that is closest to `name`, or all that are known."""
    names = list(known)
    close = difflib.get_close_matches(name, names, 1) if type(name) is str else []
    return f"did you mean {close[0]!r}?" if close else "known are " + ", ".join(names)


def unreachable_objections(document: Mapping[str, Any], most: int) -> list[RulesetFault]:
    """Return the fault of lazy consensus that needs more objections than `most` can make."""
    objections = document.get("governance", {}).get("lazy", {}).get("objections", 1)
    if objections <= most:
        return []
    sentence = f"so few members never object {objections:,} times: silence would pass everything"
    return [RulesetFault(("governance", "lazy", "objections"), sentence, f"write {most:,} at most")]
