"""Mei, Bo and Ana share incomes by the rules of a co-operative, and vote on other ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from commonweal.client import Member
from commonweal.client.governance.rule_drafts import DraftTexts
from commonweal.client.governance.rule_templates import text_of_rules
from commonweal.web.pages.decide import replays
from tests.builders.commons import Commons, worked

SHARE = "pools.surplus.buckets.0.share"
HOSTILE = "<script>alert(1)</script> \u202e evil"


class Lanxi(Commons):
    """A community with incomes in seals, open votes on rules and a decision, and a comment."""

    def __init__(self, folder: Path) -> None:
        """Make it."""
        folder.mkdir()
        rules = folder / "rules.toml"
        rules.write_text(text_of_rules("cooperative").replace("vouches = 2", "vouches = 0"))
        super().__init__(folder, str(rules))
        for _ in range(2):
            ids = worked(self, 12, 4)
            ids.append(self.json(self.bo, "income", "300", "EUR")["id"])
            self.meet()
            for id in ids:
                home = self.mei if id != ids[0] else self.bo
                self.good(home, "attest", id[:12])
            self.seal()
        with Member(self.ana) as ana:
            ruleset = ana.draft_rules(texts=DraftTexts({SHARE: "30%"})).ruleset
            assert ruleset is not None
            name = ana.replay_ruleset(ruleset).name
            self.rules_vote = ana.propose_ruleset(ruleset, backtest=name).id.hex()
        with Member(self.bo) as bo:
            self.decision = bo.propose_decision(f"A bench. {HOSTILE}").id.hex()
        self.seal()
        with Member(self.bo) as bo:
            bo.vote(self.rules_vote, "yes")
            bo.comment(self.rules_vote, HOSTILE)
        self.meet()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pages wait for a backtest however slow the machine is."""
    monkeypatch.setattr(replays, "WAIT_SECONDS", 120.0)


@pytest.fixture(scope="session")
def lanxi(tmp_path_factory: pytest.TempPathFactory) -> Lanxi:
    """Give the community to read; nothing is written in it."""
    return Lanxi(tmp_path_factory.mktemp("decide") / "homes")


@pytest.fixture
def copy(lanxi: Lanxi, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Commons]:
    """Give copies of the community, to write in."""
    return lanxi.copies(tmp_path_factory)
