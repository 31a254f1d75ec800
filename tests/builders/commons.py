"""Three members of one community, whose homes meet without a network."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commonweal.node.service.events import Text, Wish
from commonweal.node.service.replica.chain import SealChain
from commonweal.protocol.records.record import from_bytes_unchecked
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.records.seal_store import SealStore
from tests.builders import homes
from tests.builders.weal import Ran, good, weal

BYTES_MAX = 1 << 30

RULES = """
name = "Lanxi"

[contributions]
attestations = 1
en = "One other member attests."
zh = "须一人证实。"

[roles.producer]
endorsements = 1
duties = "Makes."
benefits = "A share."
en = "Whoever makes things."
zh = "生产者。"

[roles.co-owner]
endorsements = 2
after = ["producer"]
duties = "Decides."
benefits = "A share."
en = "Whoever stays."
zh = "共有人。"

[value.work]
points = "event.effort"
en = "An hour is 1,000 points."
zh = "一小时一千点。"

[pools.income]
unit = "EUR"
scale = 2
income = "event.action == 'transfer' && event.from_outside && event.to_community"
en = "What customers pay."
zh = "收入。"

[[pools.income.buckets]]
name = "work"
share = "100%"
claim = "equity"
en = "By hours."
zh = "按工时。"
"""
"""Rules under which an hour that one other member attests has a part of all income."""


def meet(*some: Home) -> None:
    """Let every home hold what any of them holds."""
    for giver in (*some, *some):
        for taker in some:
            if giver is not taker:
                with giver.store(readonly=True) as source, taker.store() as target:
                    _copy(source, target)
                    target.commit()


def _copy(source: Store, target: Store) -> None:
    for row in source.logs():
        start = target.log(row.author).length
        run = [
            from_bytes_unchecked(wire)
            for wire in source.wires(row.author, start, row.length, BYTES_MAX)
        ]
        refs = [record.body for record in run if record.body is not None]
        bodies = {ref.hash: source.body(ref.hash) for ref in refs}
        held = {name: body for name, body in bodies.items() if body is not None}
        target.append(row.author, run, held)
    chain = SealChain(target, Settings.read(target).here)
    theirs = SealStore(source, chain.community)
    for height in range(chain.height + 1, theirs.height + 1):
        kept = theirs.at(height)
        assert kept is not None and chain.take(kept.sealed, kept.delta)


class Commons:
    """Mei, who founded Lanxi, and Bo and Ana, who joined."""

    def __init__(self, folder: Path, rules: str | None = None) -> None:
        self.mei = homes.founder(folder / "mei", rules=rules)
        link = homes.invited(self.mei, uses=2)
        self.bo = homes.newcomer(folder / "bo", link, "Bo")
        self.ana = homes.newcomer(folder / "ana", link, "Ana")
        self.all = (self.mei, self.bo, self.ana)
        self.meet()
        for home, name in ((self.bo, "Bo"), (self.ana, "Ana")):
            homes.write(home, Wish("member.profile", {}, text=Text("text/plain", name.encode())))
        self.meet()

    def copies(self, folders: pytest.TempPathFactory) -> Callable[[], Commons]:
        """Return what gives copies of all homes, so that making them is paid once."""
        first = self.mei.path.parent

        def copy() -> Commons:
            folder = folders.mktemp("copy") / "homes"
            shutil.copytree(first, folder)
            again = object.__new__(Commons)
            again.mei, again.bo, again.ana = (
                type(self.mei)(folder / name) for name in ("mei", "bo", "ana")
            )
            again.all = (again.mei, again.bo, again.ana)
            return again

        return copy

    def meet(self) -> None:
        """Let all hold all."""
        meet(*self.all)

    def good(self, home: Home, *typed: str | Path) -> Ran:
        """Type a command that must succeed."""
        return good(*typed, "--home", home.path)

    def json(self, home: Home, *typed: str | Path) -> Any:
        """Type a command and return its value."""
        return good(*typed, "-o", "json", "--home", home.path).json

    def refused(self, home: Home, *typed: str | Path) -> Ran:
        """Type a command that must fail, and write nothing."""
        before = self.records(home)
        ran = weal(*typed, "--home", home.path)
        assert ran.code, ran
        assert self.records(home) == before, "something was written"
        return ran

    def records(self, home: Home) -> int:
        """Return how many records a home holds."""
        with home.store(readonly=True) as store:
            return store.counts().records

    def adopt(self, text: str, folder: Path) -> str:
        """Let everybody agree to rules, and seal; return the proposal."""
        file = folder / "rules.toml"
        file.write_text(text, "utf-8")
        id: str = self.json(self.mei, "rules", "propose", file)["id"]
        self.meet()
        for home in self.all:
            self.good(home, "rules", "vote", id[:12], "yes")
        self.meet()
        self.seal()
        return id

    def seal(self) -> None:
        """Make all that is held final, everywhere."""
        self.meet()
        self.good(self.mei, "seal")
        self.meet()


def worked(lanxi: Commons, *hours: int) -> list[str]:
    """Let Mei, Bo and Ana work so many hours each; return the ids."""
    ids = [
        lanxi.json(home, "record", "work", str(n), "hours")["id"]
        for home, n in zip(lanxi.all, hours, strict=False)
    ]
    lanxi.meet()
    return ids
