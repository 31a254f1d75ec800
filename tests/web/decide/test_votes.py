"""The page of votes: what it shows, and that saying something writes it into the ledger."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from commonweal.client import Member
from tests.builders.browser import browser
from tests.builders.commons import Commons
from tests.builders.weal import founder
from tests.web.decide.conftest import HOSTILE, SHARE, Lanxi


def test_open_votes_say_what_is_missing_and_until_when(lanxi: Lanxi) -> None:
    with browser(lanxi.mei.path) as mei:
        assert mei.get("/votes").status_code == 200
        text, page = mei.text, mei.page.text
    assert "you have not voted" in text and "proposed by Ana" in text
    assert "Still missing: Ana, you" in text
    assert "How income is shared: surplus, reserve" in text
    assert "1 more yes is needed" in text
    assert "<script>alert" not in page and "\u202e" not in page
    assert f'href="/votes/{lanxi.rules_vote}"' in page


def test_a_vote_on_rules_shows_before_and_after_and_the_backtest(lanxi: Lanxi) -> None:
    with browser(lanxi.mei.path) as mei:
        mei.get(f"/votes/{lanxi.rules_vote}")
        text, page = mei.text, mei.page.text
        mei.get(f"/votes/{lanxi.rules_vote}", "zh")
        chinese = mei.text
    assert "now A fifth stays with the community. then 30 % stays with the community." in text
    assert "<del>A fifth</del>" in page and "<ins>30 %</ins>" in page
    assert "part that goes there: 20% → 30%" in text
    assert "Mei 153.00 133.8" in text and "Bo 51.00 44.6" in text
    assert "the community 60.00 90.00 +30.00" in text
    assert "would have had (EUR)" in text
    assert "same here" in text
    assert "2 of 3 must say yes" in text and "Only changed votes" not in text
    assert "Those who said nothing can still change that" in text
    assert page.count('role="img"') >= 2
    assert "五分之一" in chinese and "百分之三十" in chinese and "本节点一致" in chinese
    assert "尚未表态：" in chinese and "A fifth" in chinese


def test_voting_writes_it_and_gives_a_receipt(copy: Callable[[], Commons], lanxi: Lanxi) -> None:
    home = copy().mei.path
    with browser(home) as mei:
        mei.get(f"/votes/{lanxi.rules_vote}")
        mei.post(f"/votes/{lanxi.rules_vote}/say", {"say": "yes"})
        assert "You said yes. You can change it until the vote closes." in mei.text
        assert "Your yes written here" in mei.text
        assert "With the votes that are here, it passes." in mei.text
        mei.post(f"/votes/{lanxi.rules_vote}/say", {"say": "no"})
        assert "Your no" in mei.text and "Change to: yes" in mei.text
    with Member(home) as member:
        says = {vote.member_name: vote.say for vote in member.proposal(lanxi.rules_vote).votes}
        member.seal()
    assert says == {"Bo": "yes", "Mei": "no"}
    with browser(home) as mei:
        mei.get(f"/votes/{lanxi.rules_vote}")
        assert "Your no final #4" in mei.text


@pytest.mark.parametrize("saying", ["", "maybe", "indifferent", "<b>"])
def test_what_cannot_be_said_is_refused_in_words(lanxi: Lanxi, saying: str) -> None:
    with browser(lanxi.mei.path) as mei:
        mei.get(f"/votes/{lanxi.rules_vote}")
        answer = mei.post(f"/votes/{lanxi.rules_vote}/say", {"say": saying})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text and "Traceback" not in answer.text


def test_comments_are_written_and_kept_when_they_cannot_be(
    copy: Callable[[], Commons], lanxi: Lanxi
) -> None:
    home = copy().mei.path
    with browser(home) as mei:
        mei.get(f"/votes/{lanxi.rules_vote}")
        mei.post(f"/votes/{lanxi.rules_vote}/comment", {"text": "Why\nso much?"})
        assert "Your comment is written." in mei.text and "so much?" in mei.text
        refused = mei.post(f"/votes/{lanxi.rules_vote}/comment", {"text": "x" * 70_000})
        assert refused.status_code == 413
    with Member(home) as member:
        texts = [comment.text for comment in member.proposal(lanxi.rules_vote).comments]
    assert sorted(map(str, texts)) == sorted([HOSTILE, "Why\nso much?"])


def test_a_decision_is_proposed_voted_on_and_withdrawn(copy: Callable[[], Commons]) -> None:
    home = copy().mei.path
    with browser(home) as mei:
        mei.get("/votes")
        assert mei.post("/votes", {"text": "   "}).status_code == 422
        assert 'id="e-text"' in mei.page.text
        mei.post("/votes", {"text": "A second bench.\nOf oak."})
        assert "It opens with the next seal" in mei.text and "Of oak." in mei.text
        path = mei.page.url.path
        mei.post(f"{path}/withdraw")
        assert "Your proposal is withdrawn." in mei.text and "withdrawn" in mei.text
        assert mei.post(f"{path}/withdraw").status_code == 422
        mei.get("/votes")
    decided = mei.text.partition("Decided")[2]
    assert "A second bench." in decided


def test_who_may_not_withdraw_has_no_button_and_is_refused(lanxi: Lanxi) -> None:
    with browser(lanxi.mei.path) as mei:
        assert "Withdraw my proposal" not in mei.get(f"/votes/{lanxi.decision}").text
        assert mei.post(f"/votes/{lanxi.decision}/withdraw").status_code == 422
    with browser(lanxi.bo.path) as bo:
        assert "Withdraw my proposal" in bo.get(f"/votes/{lanxi.decision}").text


def test_what_is_decided_is_replayed_when_somebody_asks(copy: Callable[[], Commons]) -> None:
    home = copy().mei.path
    with browser(home) as mei:
        mei.get("/rules/change")
        mei.post("/rules/propose", {f"n:{SHARE}": "60%"})
        path = mei.page.url.path
        mei.post(f"{path}/withdraw")
        assert mei.get(path).status_code == 200
        assert "its rules" in mei.text and 'role="img"' not in mei.page.text


@pytest.mark.parametrize("act", ["say", "comment", "withdraw"])
def test_the_address_of_an_act_leads_to_its_vote(lanxi: Lanxi, act: str) -> None:
    with browser(lanxi.mei.path) as mei:
        answer = mei.get(f"/votes/{lanxi.decision}/{act}")
        assert (answer.status_code, answer.url.path) == (200, f"/votes/{lanxi.decision}")
        for review in ("/rules/review", "/rules/propose"):
            assert mei.get(review).url.path == "/rules/change"


def test_where_nothing_is_voted_on_the_page_says_what_to_do(tmp_path: Path) -> None:
    with browser(founder(tmp_path / "ann")) as ann:
        ann.get("/votes")
        assert "Nothing is voted on now." in ann.text and "Nothing was decided yet." in ann.text
        assert ann.get("/votes/" + "0" * 64).status_code == 404
        assert ann.get("/votes/zz").status_code == 404
