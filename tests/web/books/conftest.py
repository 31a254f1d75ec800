"""Mei, Bo and Ana garden and bake: what the pages of the books show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from commonweal.client import Member
from commonweal.storage.home.home import Home
from tests.builders.commons import RULES, Commons

FENCE, LOAVES, WATER = "fence", "loaves", "water"


class Lanxi(Commons):
    """A community with sealed work, things, an income, and what came since the last seal."""

    def __init__(self, folder: Path) -> None:
        """Make it."""
        folder.mkdir()
        rules = folder / "rules.toml"
        rules.write_text(RULES, "utf-8")
        super().__init__(folder, rules=str(rules))
        self.ids: dict[str, str] = {}
        garden, bakery = ("--scope", "garden"), ("--scope", "bakery")
        self.work(FENCE, self.bo, "4.5", *garden, "--note", "围栏修好了", "--when", "2026-07-12")
        self.work(LOAVES, self.ana, "8", *bakery, "--note", "<b>loaves</b>", "--when", "2026-09-20")
        self.thing("flour", self.mei, "40", "kg", "--note", "from the mill")
        self.thing("saw", self.bo, "1", "piece", "--factor", "capital")
        self.meet()
        for home in self.all:
            for scope in (garden, bakery):
                self.good(home, "attest", *scope)
        self.meet()
        with Member(self.bo) as bo:
            self.ids["income"] = bo.income(120, "EUR", note="market day").id.hex()
        self.meet()
        self.good(self.mei, "attest", self.ids["income"])
        self.seal()
        self.ids["lent"] = self.json(self.bo, "resource", "lend", self.ids["saw"], "Ana")["id"]
        self.good(self.bo, "correct", self.ids[FENCE], "4", "hours")
        self.work(WATER, self.bo, "1.25", *garden, "--note", "watered")
        self.meet()

    def work(self, name: str, home: Home, hours: str, *more: str) -> None:
        """Write down hours."""
        self.ids[name] = self.json(home, "record", "work", hours, "hours", *more)["id"]

    def thing(self, name: str, home: Home, *more: str) -> None:
        """Bring a thing into the books."""
        self.ids[name] = self.json(home, "resource", "new", name, *more)["id"]


@pytest.fixture(scope="session")
def lanxi(tmp_path_factory: pytest.TempPathFactory) -> Lanxi:
    """Give the community to read; nothing is written in it."""
    return Lanxi(tmp_path_factory.mktemp("lanxi") / "homes")


@pytest.fixture(scope="session")
def copies(lanxi: Lanxi, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Commons]:
    """Give what gives communities to write in; ids are those of `lanxi`."""
    return lanxi.copies(tmp_path_factory)
