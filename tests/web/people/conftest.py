"""Mei, Bo and Ana, a newcomer who lacks a vouch, roles that are claimed, and somebody outside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from commonweal.client import Member
from commonweal.client.governance.rule_templates import text_of_rules
from commonweal.node.service.events import Text, Wish
from commonweal.storage.home.home import Home
from tests.builders import homes
from tests.builders.commons import Commons, meet, worked

HOSTILE = "<b>Mill</b>\u202e"


class Lanxi(Commons):
    """A co-operative of three, in which two vouch for whoever joins."""

    def __init__(self, folder: Path) -> None:
        """Make it."""
        folder.mkdir()
        rules = folder / "rules.toml"
        rules.write_text(text_of_rules("cooperative"))
        self.mei = homes.founder(folder / "mei", rules=str(rules))
        self.bo = homes.newcomer(folder / "bo", homes.invited(self.mei), "Bo")
        meet(self.mei, self.bo)
        self.ana = homes.newcomer(folder / "ana", homes.invited(self.mei), "Ana")
        self.all = (self.mei, self.bo, self.ana)
        self.meet()
        with Member(self.bo) as bo:
            bo.vouch(bo.newcomers()[0].member.hex())
        self.meet()
        for home, name in ((self.bo, b"Bo"), (self.ana, b"Ana")):
            homes.write(home, Wish("member.profile", {}, text=Text("text/plain", name)))
        self.meet()
        self.li = homes.newcomer(folder / "li", homes.invited(self.mei), "Li")
        worked(self, 3)
        with Member(self.bo) as bo:
            bo.claim_role("consumer")
        with Member(self.bo) as bo:
            bo.claim_role("promoter")
        with Member(self.bo) as bo:
            bo.new_agent(HOSTILE)
        meet(self.li, *self.all)


@pytest.fixture(scope="session")
def lanxi(tmp_path_factory: pytest.TempPathFactory) -> Lanxi:
    """Give the community to read; nothing is written in it."""
    return Lanxi(tmp_path_factory.mktemp("people") / "homes")


@pytest.fixture
def copy(lanxi: Lanxi, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Commons]:
    """Give copies of the community, to write in."""
    return lanxi.copies(tmp_path_factory)


def id_of(home: Home, name: str) -> str:
    """Return the id of a member by their name, or of the newcomer who has none yet."""
    with Member(home) as member:
        rows = member.members()
    return next(row.member.hex() for row in rows if name in (row.name, row.status))
