"""A campaign, typed: begun, pledged to, closed by a seal, paid, collected, and what waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from commonweal.client import Member
from commonweal.client.home import reminders
from commonweal.client.home.submit import now_ms
from commonweal.client.sharing import seals
from commonweal.client.ventures.campaigns import notices, rows
from commonweal.protocol.errors import VoidCampaign
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.storage.home.home import Home
from tests.builders.commons import Commons

HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Commons]:
    """Give copies of a community with a seal, in which nothing waits."""
    made = Commons(tmp_path_factory.mktemp("campaign"))
    made.seal()
    for home in made.all:
        reminders.remember_backup(home, now_ms())
    return made.copies(tmp_path_factory)


@pytest.fixture
def lanxi(scene: Callable[[], Commons]) -> Commons:
    return scene()


def seal_later(lanxi: Commons, hours: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seal as if so many hours had passed since now."""
    monkeypatch.setattr(seals, "now_ms", lambda: now_ms() + hours * HOUR_MS)
    lanxi.seal()


def begun(lanxi: Commons, *more: str, minimum: str = "1000") -> str:
    """Let Mei begin a campaign of 40 hours; return its id."""
    typed = ("campaign", "new", "a press", minimum, "EUR", "40h", "--pay-by", "80h")
    made: dict[str, Any] = lanxi.json(lanxi.mei, *typed, *more)
    lanxi.seal()
    id: str = made["id"][:12]
    return id


def shown(lanxi: Commons, home: Home, id: str) -> dict[str, Any]:
    found: dict[str, Any] = lanxi.json(home, "campaign", "show", id)
    return found


def kinds(home: Home) -> list[str]:
    with Member(home) as member:
        return [row.kind for row in member.inbox().rows]


def test_a_campaign_is_met_paid_and_collected(
    lanxi: Commons, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = begun(lanxi, "--note", "Printing without asking anybody.")
    assert notices.CLOSES in kinds(lanxi.bo)
    said = lanxi.good(lanxi.bo, "pledge", id, "600", "EUR").out
    assert said.startswith("You pledge 600 EUR.")
    assert notices.CLOSES not in kinds(lanxi.bo), "who pledged is not asked again"
    lanxi.good(lanxi.ana, "pledge", id, "300")
    lanxi.meet()
    text = lanxi.good(lanxi.mei, "campaign", "show", id).out
    assert "900 EUR of 1,000 EUR pledged by 2, until" in text
    assert "If it closed now: not met, 100 EUR are missing." in text
    assert "nobody owes anything" in text
    lanxi.good(lanxi.ana, "pledge", id, "400")
    lanxi.meet()
    listed = lanxi.json(lanxi.mei, "campaign", "list")["campaigns"]
    assert [(row["pledged"], row["would_be_met"], row["days_left"]) for row in listed] == [
        ("1000", True, 1)
    ]
    lanxi.seal()
    seal_later(lanxi, 41, monkeypatch)
    state = shown(lanxi, lanxi.ana, id)
    assert (state["state"], state["counted"], state["mine_open"]) == ("collecting", "1000", "400")
    assert notices.PAY in kinds(lanxi.ana) and notices.PAY not in kinds(lanxi.mei)
    assert "You owe 400 EUR" in lanxi.good(lanxi.ana, "campaign", "show", id).out
    paid = lanxi.json(lanxi.ana, "pledge", "pay", id, "150")
    assert (paid["amount"], paid["left"]) == ("150", "250")
    rest = lanxi.json(lanxi.ana, "pledge", "pay", id)
    assert (rest["amount"], rest["left"]) == ("250", "0")
    of_bo = lanxi.json(lanxi.bo, "pledge", "pay", id)
    lanxi.meet()
    for event in (paid, rest, of_bo):
        lanxi.good(lanxi.mei, "attest", event["id"][:12])
    lanxi.meet()
    seal_later(lanxi, 42, monkeypatch)
    state = shown(lanxi, lanxi.bo, id)
    assert (state["state"], state["paid"], state["mine_open"]) == ("collected", "1000", "0")
    assert "Collected: 1,000 EUR." in lanxi.good(lanxi.bo, "campaign", "show", id).out
    assert lanxi.json(lanxi.mei, "shares")["pools"] == [], "it is no income to be shared"
    assert lanxi.json(lanxi.mei, "campaign", "list")["campaigns"] == []
    everything = lanxi.json(lanxi.mei, "campaign", "list", "--all")["campaigns"]
    assert [row["state"] for row in everything] == ["collected"]


def test_what_is_short_is_owed_back(lanxi: Commons, monkeypatch: pytest.MonkeyPatch) -> None:
    id = begun(lanxi)
    lanxi.good(lanxi.bo, "pledge", id, "600")
    lanxi.good(lanxi.ana, "pledge", id, "400")
    lanxi.seal()
    seal_later(lanxi, 41, monkeypatch)
    paid = lanxi.json(lanxi.bo, "pledge", "pay", id)
    lanxi.meet()
    lanxi.good(lanxi.mei, "attest", paid["id"][:12])
    lanxi.meet()
    seal_later(lanxi, 81, monkeypatch)
    assert shown(lanxi, lanxi.ana, id)["state"] == "short"
    text = lanxi.good(lanxi.ana, "campaign", "show", id).out
    assert "Too little was paid, 600 EUR: what came in is owed back to who paid." in text
    claims = lanxi.json(lanxi.bo, "claims")["claims"]
    assert [(claim["member_name"], claim["amount"]) for claim in claims] == [("Bo", "600")]
    refused = lanxi.refused(lanxi.ana, "pledge", "pay", id)
    assert "you owe this campaign nothing" in refused.err


def test_what_is_paid_is_foretold_for_no_pool(
    lanxi: Commons, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Member(lanxi.mei) as mei:
        mei.open_project("press", "a press")
    lanxi.seal()
    id = begun(lanxi, "--scope", "press")
    lanxi.good(lanxi.bo, "pledge", id, "1000")
    lanxi.seal()
    seal_later(lanxi, 41, monkeypatch)
    paid = lanxi.json(lanxi.bo, "pledge", "pay", id)
    lanxi.meet()
    said = lanxi.good(lanxi.mei, "attest", paid["id"][:12]).out
    assert "No rule in force gives this action points." in said


def test_a_pledge_that_came_too_late_is_told_to_its_author(
    lanxi: Commons, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = begun(lanxi)
    lanxi.good(lanxi.ana, "pledge", id, "5")
    monkeypatch.setattr(seals, "now_ms", lambda: now_ms() + 41 * HOUR_MS)
    lanxi.good(lanxi.mei, "seal")
    assert shown(lanxi, lanxi.mei, id)["state"] == "failed"
    lanxi.meet()
    seal_later(lanxi, 42, monkeypatch)
    assert notices.LATE in kinds(lanxi.ana)
    assert notices.LATE not in kinds(lanxi.bo)
    assert "came too late" in lanxi.good(lanxi.ana, "inbox").out


def test_a_campaign_that_no_seal_covers_before_its_deadline_counts_for_nothing(
    lanxi: Commons, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To its author, and to who pledged to it, this is told with the reason."""
    made = lanxi.json(lanxi.mei, "campaign", "new", "a press", "1000", "EUR", "40h")
    id = made["id"][:12]
    lanxi.meet()
    lanxi.good(lanxi.bo, "pledge", id, "600")
    monkeypatch.setattr(rows, "now_ms", lambda: now_ms() + 41 * HOUR_MS)
    assert shown(lanxi, lanxi.mei, id)["is_late"]
    said = lanxi.good(lanxi.mei, "campaign", "show", id).out
    assert "No seal covered it before its deadline" in said
    seal_later(lanxi, 41, monkeypatch)
    for typed in (("show", id), ("cancel", id)):
        refused = lanxi.refused(lanxi.bo, "campaign", *typed)
        assert refused.code == VoidCampaign.exit_code
        assert "counts for nothing" in refused.err and Reason.DEADLINE_PAST.value in refused.err
    assert "counts for nothing" in lanxi.refused(lanxi.ana, "pledge", id, "5").err
    for home in (lanxi.mei, lanxi.bo):
        assert kinds(home).count(notices.VOID) == 1
        assert "a press counts for nothing: no seal" in lanxi.good(home, "inbox").out
    assert notices.VOID not in kinds(lanxi.ana), "who had no part in it is not told"
    monkeypatch.setattr(notices, "now_ms", lambda: now_ms() + 41 * HOUR_MS + notices.LATE_MS)
    assert notices.VOID not in kinds(lanxi.mei), "it is told for so long"


def test_a_campaign_that_is_not_held_is_not_said_to_be_void(lanxi: Commons) -> None:
    work = lanxi.json(lanxi.mei, "record", "work", "1", "hour")["id"]
    for id in (work, "0" * 64):
        assert (
            "Nothing here has this name or id"
            in lanxi.refused(lanxi.mei, "campaign", "show", id).err
        )


def test_the_author_cancels_and_a_vote_cancels(lanxi: Commons) -> None:
    id = begun(lanxi)
    lanxi.good(lanxi.bo, "pledge", id, "10")
    lanxi.meet()
    refused = lanxi.refused(lanxi.mei, "campaign", "cancel", id)
    assert "only a vote cancels it" in refused.err
    proposed = lanxi.json(lanxi.mei, "campaign", "cancel", id, "--vote")
    vote = lanxi.good(lanxi.mei, "vote", "show", proposed["id"][:12]).out
    assert "cancel the campaign a press" in vote
    lanxi.good(lanxi.bo, "pledge", "withdraw", id)
    lanxi.meet()
    assert lanxi.good(lanxi.mei, "campaign", "cancel", id).out == "Cancelled: a press.\n"
    assert shown(lanxi, lanxi.mei, id)["state"] == "cancelled"


def test_the_maximum_matching_and_parts_are_shown(lanxi: Commons) -> None:
    id = begun(lanxi, "--maximum", "1200", "--match", "1")
    lanxi.good(lanxi.bo, "pledge", id, "700")
    lanxi.meet()
    lanxi.good(lanxi.ana, "pledge", id, "600")
    lanxi.meet()
    text = lanxi.good(lanxi.mei, "campaign", "show", id).out
    assert "no room:" in text
    said = lanxi.good(lanxi.ana, "pledge", id, "600", "--part").out
    assert "You pledge 600 EUR. Now 500 EUR of it would count." in said
    said = lanxi.good(lanxi.ana, "pledge", id, "900", "--matches").out
    assert "Now 500 EUR of it would count." in said
    assert "adds to others" in lanxi.good(lanxi.ana, "campaign", "show", id).out


def test_a_reward_and_a_loan_are_said(lanxi: Commons) -> None:
    id = begun(lanxi, "--reward", "2", "kg")
    text = lanxi.good(lanxi.mei, "campaign", "show", id).out
    assert "Each who pays all of their pledge is promised 2 kilogram" in text
    loan = begun(lanxi, "--gives", "loan", "--optimum", "1500.50", "--least", "0.5")
    state = shown(lanxi, lanxi.mei, loan)
    assert (state["gives"], state["minimum"], state["optimum"]) == ("loan", "1000.00", "1500.50")
    assert state["least"] == "0.50"


def test_what_is_kept_has_no_minimum(lanxi: Commons) -> None:
    id = begun(lanxi, "--keep", minimum="0")
    text = lanxi.good(lanxi.mei, "campaign", "show", id).out
    assert "nobody pledged yet" in text and "What comes is kept" in text


def test_lists_are_sheets_too(lanxi: Commons) -> None:
    assert "No campaign is open." in lanxi.good(lanxi.mei, "campaign", "list").out
    begun(lanxi)
    sheet = lanxi.good(lanxi.mei, "campaign", "list", "-o", "csv").out
    assert sheet.startswith("id,title,member,member_name,state,sort,gives,unit,minimum,")
    assert "0 EUR" in lanxi.good(lanxi.mei, "campaign", "list").out
