"""Plain English, as far as a machine can check it: text goes in, complaints with a line come out.

It checks pronouns, how sentences begin, names of variables, modules and classes. Whether a sentence
is good, it cannot tell.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from tests.house.tidy import Complaint

_WORDS = [
    (
        re.compile(r"\b(he|him|his|himself|she|her|hers|herself|whom)\b", re.IGNORECASE),
        "write they, the member, the peer",
    ),
    (
        re.compile(
            r"(?:^\W*|[.!?:]\s+)(So (long|many|much|often)|Who (does not|did not|has|is))\b(?!.*\?)"
        ),
        "begin with the subject",
    ),
]
_PRODUCT = ("protocol", "storage", "node", "client", "commands", "web", "bench")

VAGUE = frozenset({"one", "found", "it", "them", "each", "thing", "things"})
"""Names that do not say what a variable holds."""

NOUNS = frozenset({"founding", "hardening", "refounding", "standing", "timing"})
"""Modules whose names end like a participle and are nouns."""


def words(text: str) -> Iterator[Complaint]:
    """Complain of gendered or archaic pronouns and of inverted openings, in any text."""
    for number, line in enumerate(text.split("\n"), 1):
        for pattern, complaint in _WORDS:
            if said := pattern.search(line):
                yield number, f"{said[0].strip()!r}: {complaint}"


def module(place: str) -> Iterator[Complaint]:
    """Complain of a module of the product that is named by a participle."""
    path = PurePosixPath(place)
    if path.parts[0] in _PRODUCT and path.stem.endswith("ing") and path.stem not in NOUNS:
        yield 1, f"{path.stem}: a module has the name of a thing"


def variables(place: str, text: str) -> Iterator[Complaint]:
    """Complain of variables of the product that do not say what they hold."""
    if PurePosixPath(place).parts[0] not in _PRODUCT:
        return
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) if name in VAGUE:
                yield node.lineno, f"{name}: the name does not say what it holds"
            case ast.arg(arg=name) if name in VAGUE:
                yield node.lineno, f"{name}: the name does not say what it holds"


def shared_classes(files: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the class names that stand in several files, each with its files.

    files: (place, text) of each file.
    """
    places: dict[str, list[str]] = {}
    for place, text in files:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(place)
    return {name: sorted(where) for name, where in places.items() if len(where) > 1}
