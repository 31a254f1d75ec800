"""The tables of the state: each belongs to one module."""

from __future__ import annotations

import ast
import pkgutil
import re
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import pytest

from commonweal.protocol import ledger
from commonweal.protocol.ledger.fold.kinds import KINDS
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.tables import Table
from tests.protocol.ledger.table_page import FOLDER, TABLES, with_table

LEDGER = Path(next(iter(ledger.__path__)))

INSIDE = {"INPUT", "OUTPUT"}
"""They stand inside keys, behind a table."""
KEYS = {"LAST", "LOCAL", "UNVALUED", "SCOPED", "FULFILLING", "INVITED", "ASKED", "DISPUTED"}
"""No tables: a key of its own, behind which others stand; and local keys, which are in no root."""


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


@pytest.mark.parametrize("page", TABLES)
def test_the_page_has_the_table_as_it_is(page: str) -> None:
    assert (FOLDER / page).read_text("utf-8") == with_table(page), "run `make tables`"


def test_the_page_describes_every_kind() -> None:
    page = (FOLDER / "kinds.md").read_text("utf-8")
    assert set(re.findall(r"^## ([a-z.]+)$", page, re.MULTILINE)) == {*KINDS}


def test_the_page_says_where_each_reason_is_given() -> None:
    text, _ = (FOLDER / "kinds.md").read_text("utf-8").split("<!-- reasons -->")
    text += "".join((FOLDER / name).read_text("utf-8") for name in ("fold.md", "shares.md"))
    assert {*re.findall(r"`([A-Z]+(?:_[A-Z]+)*)`", text)} >= {reason.name for reason in Reason}


def test_each_table_is_named_by_its_owner_alone() -> None:
    owners: dict[str, list[str]] = {}
    for file in sorted(LEDGER.rglob("*.py")):
        module = file.relative_to(LEDGER).with_suffix("").as_posix()
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "Table":
                owners.setdefault(node.attr, []).append(module)
    assert owners == {table.name: [table.layout.owner] for table in Table}


def test_no_module_has_a_prefix_of_its_own() -> None:
    known = {table.prefix for table in Table}
    assert {first for _, first in tables()} | {b"K"} == known
