"""Thirty lines as a new member types them, half of them slightly wrong.

Each wrong line writes nothing and is answered with what to type next. At the end every row of the
ledger counts, or says why it does not.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from commonweal.commands.begin import start as start_commands
from commonweal.commands.node import up
from commonweal.node.service.events import Text, Wish
from commonweal.protocol.identity import invite as links
from commonweal.storage.home.home import Home
from tests.builders import homes
from tests.builders.commons import meet
from tests.builders.weal import Ran, good, weal


class Line(NamedTuple):
    """A typed line: how it ends, and what its answer says; the next step where it is wrong.

    then: what happens elsewhere before the next line.
    """

    typed: str
    code: int
    says: str
    answers: str = ""
    then: Callable[[HalfHour], None] | None = None


class HalfHour:
    """The home of Mei, who types, and that of Bo, who joins by an invite."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.mei = folder, folder / "mei"
        self.bo: Home | None = None
        self.ids: dict[str, str] = {}
        self.last: Ran | None = None

    def type(self, line: Line) -> Ran:
        """Type a line in Mei's home, with the ids that an earlier answer showed."""
        words = line.typed.format(**self.ids).split()
        self.last = weal(*words, "--home", self.mei, answers=line.answers)
        return self.last

    def records(self) -> int:
        """Return how many records Mei's home holds; 0 without a home."""
        if not Home(self.mei).exists():
            return 0
        with Home(self.mei).store(readonly=True) as store:
            return store.counts().records

    def rows(self) -> list[dict[str, object]]:
        """Return the ledger, the newest first."""
        listed: list[dict[str, object]] = good("ledger", "--home", self.mei, "-o", "json").json[
            "records"
        ]
        return listed


def remember(name: str) -> Callable[[HalfHour], None]:
    """Return what notes the id of the newest row, as the member reads it in the answer."""

    def note(hour: HalfHour) -> None:
        assert hour.last is not None
        shown = str(hour.rows()[0]["id"])
        assert shown[:8] in hour.last.out, "the id is in the answer"
        hour.ids[name] = shown[:8]

    return note


def bo_comes(hour: HalfHour) -> None:
    """Let Bo join by the link that Mei got, and record three hours."""
    assert hour.last is not None
    (link,) = (line for line in hour.last.out.splitlines() if line.startswith("weal://"))
    hour.bo = homes.newcomer(hour.folder / "bo", links.from_text(link), "Bo")
    meet(Home(hour.mei), hour.bo)
    homes.write(hour.bo, Wish("member.profile", {}, text=Text("text/plain", b"Bo")))
    good("record", "work", "3", "hours", "--home", hour.bo.path)
    meet(Home(hour.mei), hour.bo)
    hour.ids["bos"] = str(hour.rows()[0]["id"])[:8]


def bo_attests(hour: HalfHour) -> None:
    """Let Bo attest all that Mei gave, and the income."""
    assert hour.bo is not None
    meet(Home(hour.mei), hour.bo)
    good("attest", "--member", "Mei", "--home", hour.bo.path)
    good("attest", hour.ids["income"], "--home", hour.bo.path)
    meet(Home(hour.mei), hour.bo)


LINES = (
    Line("help", 0, "weal start"),
    Line("starts", 2, "Did you mean 'start'?"),
    Line("record work 3 hours", 78, "`weal start`"),
    Line("start --rules coop", 65, "cooperative, open-source, time-bank, value-network, none"),
    Line("start --rules cooperative", 130, "`weal start` goes on from here", "Mei\n\n"),
    Line("record work 3 hours", 78, "`weal found NAME`, or `weal join LINK`"),
    Line("start --rules cooperative", 0, "weal://", "\n\nLan Xi\n", bo_comes),
    Line("record work 3", 2, "For example: weal record work 3 hours"),
    Line("record 3 hours work", 2, "the action comes first: weal record work 3 hours"),
    Line("record wrok 3 hours", 2, "the nearest is work"),
    Line("record work 3 houres", 77, "the nearest is hour"),
    Line("record work 3,5 hours", 2, "is it 3.5, or without the comma?"),
    Line("record work -3 hours", 2, "`weal undo` withdraws, `weal correct` changes"),
    Line("record work 0 hours", 2, "say how much it was"),
    Line("record work 3 kg", 77, "Work is counted in time"),
    Line("record work 3.5 hours", 0, "3,500 points once 1 more member", "", remember("dug")),
    Line("record 工作 2 小时", 0, "Recorded: work 2 hour", "", remember("wrong")),
    Line("undo", 0, "Withdrawn: work 2 hour"),
    Line("undo", 77, "weal undo ID"),
    Line("record work 30 hours", 77, "one record holds at most 16 of them"),
    Line("record work 4 hours", 0, "Recorded", "", remember("long")),
    Line("correct {long} 2 houers", 2, "it is counted in hour"),
    Line("correct {long} 2 hours", 0, "2,000 points once 1 more member attests"),
    Line("attest {long}", 77, "nobody attests what they wrote"),
    Line("attest Bo", 65, "weal attest --member Bo"),
    Line("attest --member bo", 65, "the nearest is Bo"),
    Line("attest --member Bo", 0, "work 3 hour = 3,000 points with the next seal"),
    Line("record transfer 50 EUR", 77, "--receiver MEMBER, or --receiver community"),
    Line("income 90.555 EUR", 77, "round the amount"),
    Line("income 90 EUR", 0, "counts once another member attests it", "", remember("income")),
    Line("explain zzzz", 65, "`weal ledger`", "", bo_attests),
    Line("seal", 0, "records are final"),
)


@pytest.fixture
def hour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HalfHour:
    """Give a new member's folder; no node is started."""
    monkeypatch.setattr(up, "start", lambda *_about, **_how: [])
    monkeypatch.setattr(start_commands, "ADMISSION_SECONDS_MAX", 0.0)
    monkeypatch.delenv("COMMONWEAL_PASSPHRASE", raising=False)
    return HalfHour(tmp_path)


def test_thirty_lines_end_with_a_ledger_in_which_each_row_counts_or_says_why_not(
    hour: HalfHour,
) -> None:
    wrong = 0
    for line in LINES:
        before = hour.records()
        ran = hour.type(line)
        assert ran.code == line.code, (line.typed, ran)
        assert line.says in (ran.out if ran.code in (0, 130) else ran.err), (line.typed, ran)
        if ran.code not in (0, 130):
            wrong += 1
            assert hour.records() == before, f"{line.typed}: something was written"
        if line.then is not None:
            line.then(hour)
    assert len(LINES) >= 30 and wrong >= len(LINES) // 2

    counting = {}
    for row in hour.rows():
        id = str(row["id"])[:8]
        explained = good("explain", id, "--home", hour.mei).out
        if row["corrected_to"] == "0":
            assert id == hour.ids["wrong"] and "its author withdrew it" in explained
        else:
            assert row["why"] is None
            assert row["sealed"], row
            counting[id] = explained
    assert set(counting) == {hour.ids[name] for name in ("dug", "long", "income", "bos")}
    for name, worth in (("dug", "3,500"), ("long", "2,000"), ("bos", "3,000")):
        assert f"worth {worth} points since height" in counting[hour.ids[name]]
    income = counting[hour.ids["income"]]
    assert "income of the pool surplus, sealed at height 1" in income
    listed = good("ledger", "--home", hour.mei).out
    assert "withdrawn" in listed and "4 records, all listed are final" in listed
    shares = good("shares", "--home", hour.mei, "-o", "json").json
    amounts = {row["member_name"]: row["amount"] for row in shares["shares"]}
    assert amounts == {"Mei": "39.60", "Bo": "21.60", "the community": "18.00"}
    assert [pool["amount"] for pool in shares["pools"]] == ["10.80"]  # no hour of a co-owner
