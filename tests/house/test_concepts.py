"""docs/concepts.md names commands, pages and tests that exist, and every concept once."""

from __future__ import annotations

import re
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any

import click
import pytest
from fastapi.routing import APIRoute

from commonweal.commands.terminal.command_table import TABLE
from commonweal.web.application import PAGES
from tests.house.page_names import defines

ROOT = Path(__file__).parents[2]
ROW = re.compile(
    r"^\| (\w+) \| (.+?) \| .+ \| `weal ([^`]+)` \| (?:`([^`]+)`|–) \| `([^`]+)` \|$", re.MULTILINE
)
ROWS = ROW.findall((ROOT / "docs" / "concepts.md").read_text("utf-8"))

COUNTS = {"D": 11, "C": 7, "B": 3, "K": 8, "S": 7}
IDS = [f"{letter}{number}" for letter, most in COUNTS.items() for number in range(1, most + 1)]
IDS += [f"F{number}" for number in range(10)]
IDS += [
    f"L{place}"
    for place in ("1a", "1b", *(f"2{x}" for x in "abcdef"), *(f"3{x}" for x in "abcdefg"))
]


def command(path: str) -> Any:
    """Return the command that is typed so. Raises KeyError where there is none."""
    name, *rest = path.split()
    entries = dict(chain.from_iterable(section.items() for section in TABLE.values()))
    entry = entries[name]
    found = getattr(import_module(f"commonweal.commands.{entry.module}"), entry.name)
    for part in rest:
        assert isinstance(found, click.Group)
        found = found.commands[part]
    return found


def routes() -> set[str]:
    """Return the addresses of pages, each with its places."""
    every = chain.from_iterable(page.router.routes for page in PAGES)
    return {route.path for route in every if isinstance(route, APIRoute)}


def test_every_concept_is_there_once_with_its_chinese() -> None:
    assert sorted(row[0] for row in ROWS) == sorted(IDS)
    assert all(re.search("[\u4e00-\u9fff]", row[1]) for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_a_concept_names_exists(row: tuple[str, ...]) -> None:
    _, _, typed, page, test = row
    assert isinstance(command(typed), click.Command)
    assert not page or page in routes(), page
    file, _, dotted = test.partition("::")
    assert defines((ROOT / file).read_text("utf-8"), dotted), test


def test_what_does_not_exist_is_seen() -> None:
    with pytest.raises(KeyError):
        command("nothing")
    with pytest.raises(KeyError):
        command("report nothing")
    assert "/nothing" not in routes() and "/reports" in routes()
