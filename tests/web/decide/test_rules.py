"""The pages of rules: sentences with examples, numbers edited in them, looked at, and proposed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commonweal.client import Member
from commonweal.client.governance.rule_templates import text_of_rules
from tests.builders.browser import SENT_BY_BROWSERS, URL, Browser, browser, hidden
from tests.builders.commons import RULES, Commons
from tests.builders.weal import founder
from tests.web.decide.conftest import SHARE, Lanxi

HOUR = "n:value.work.points~1"


def test_each_rule_has_an_example_from_own_numbers(lanxi: Lanxi) -> None:
    with browser(lanxi.mei.path) as mei:
        mei.get("/rules")
        text = mei.text
        mei.get("/rules", "zh")
        chinese = mei.text
    assert "In force since the founding." in text and "Other rules are voted on" in text
    hour = "An hour is 1,000 points; an hour of management is 1,200."
    assert f"{hour} Yours so far: 24 hour = 24,000 points" in text
    assert "You had " in text and "Today: 2 of 3 must say yes." in text
    assert "witness A member who keeps a node running may be a witness. You hold it." in text
    assert "one record holds at most 16 of them" in text
    assert "一小时记一千点；管理劳动一小时记一千二百点。 您至今：24 小时 = 24,000 点" in chinese


def test_the_rules_are_a_file(lanxi: Lanxi) -> None:
    with browser(lanxi.mei.path) as mei:
        answer = mei.get("/rules/file")
    assert 'filename="rules.toml"' in answer.headers["content-disposition"]
    assert answer.text.startswith('name = "Lanxi"')


def test_numbers_have_fields_in_their_sentences(lanxi: Lanxi) -> None:
    with browser(lanxi.mei.path) as mei:
        page = mei.get("/rules/change").text
        zh = mei.get("/rules/change", "zh").text
        template = mei.get("/rules/change?from=time-bank", "en")
        other = mei.get("/rules/change?from=../../etc", "en")
    assert f'name="{HOUR}"' in page and 'value="1,000"' in page
    assert 'aria-label="points"' in page and 'aria-label="点数"' in zh
    assert "From the template time-bank" in template.text
    assert "admit.hours-only.when~0" in template.text
    assert other.status_code == 200 and "From the template" not in other.text


def test_a_review_says_what_changes_before_anything_is_sent(lanxi: Lanxi) -> None:
    with browser(lanxi.mei.path) as mei:
        mei.get("/rules/change")
        mei.post("/rules/review", {f"n:{SHARE}": "50%", HOUR: "1,000"})
        text, page = mei.text, mei.page.text
    assert "then 50 % stays with the community." in text
    assert "decided as ordinary" in text
    assert "the community 60.00 150.00 +90.00" in text
    assert page.count('role="img"') >= 2
    assert "百分之五十留给社群。" in page
    with Member(lanxi.mei) as member:
        assert len(member.proposals()) == 2


def test_what_was_looked_at_is_proposed_with_its_backtest(copy: Callable[[], Commons]) -> None:
    home = copy().mei.path
    with browser(home) as mei:
        mei.get("/rules/change")
        form = {
            f"n:{SHARE}": "40%",
            "s:en:pools.surplus.buckets.reserve": "Two fifths stay.",
            "sunset": "30d",
            "vote": "yes",
        }
        mei.post("/rules/propose", form)
        assert "The rules are proposed." in mei.text
        assert "then Two fifths stay." in mei.text and "then 百分之四十 留给社群。" in mei.text
        assert "It would end by itself after 720 hours." in mei.text
        assert "same here" in mei.text
    with Member(home) as member:
        last = member.proposals()[-1]
        rules = member.rules(proposal=last.id)
    assert last.member_name == "Mei" and last.backtest is not None and last.sunset_hours == 720
    assert rules.document["pools"]["surplus"]["buckets"][0] == {
        "name": "reserve",
        "share": "40%",
        "to": "community",
        "en": "Two fifths stay.",
        "zh": "百分之四十留给社群。",
    }


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ({HOUR: "many"}, "many is no whole number"),
        ({HOUR: "<script>"}, "is no whole number"),
        ({f"n:{SHARE}": "95%"}, "the shares of the whole are together more than 100 %"),
        ({f"n:{SHARE}": "101%"}, "write a part of the whole"),
        ({"n:membership.vouches": "5000"}, "from 0 to 1,000"),
    ],
)
def test_what_cannot_be_is_told_beside_the_number_and_kept(
    lanxi: Lanxi, form: dict[str, str], why: str
) -> None:
    with browser(lanxi.mei.path) as mei:
        mei.get("/rules/change")
        answer = mei.post("/rules/review", form)
        assert answer.status_code == 422
        assert why in mei.text
        assert "<script>" not in answer.text.replace("<script src", "")
        refused = mei.post("/rules/propose", form)
    assert refused.status_code == 422 and 'role="alert"' in answer.text


def test_a_bad_sunset_is_told_and_nothing_is_written(lanxi: Lanxi) -> None:
    with browser(lanxi.mei.path) as mei:
        mei.get("/rules/change")
        form = {f"n:{SHARE}": "45%", "sunset": "soon"}
        assert mei.post("/rules/propose", form).status_code == 422
        assert 'value="soon"' in mei.page.text and 'id="e-sunset"' in mei.page.text
    with Member(lanxi.mei) as member:
        assert len(member.proposals()) == 2


def test_rules_that_are_those_in_force_are_not_proposed(lanxi: Lanxi) -> None:
    with browser(lanxi.mei.path) as mei:
        mei.get("/rules/change")
        mei.post("/rules/propose", {HOUR: "1000", "n:nothing.known": "5"})
    assert "Nothing changes: these are the rules in force." in mei.text


def sent_file(mei: Browser, data: bytes, **more: Any) -> Any:
    """Send a file of rules with the hidden fields of the page that is shown."""
    return mei.client.post(
        "/rules/file",
        data=hidden(mei.page.text),
        files={"file": ("rules.toml", data)},
        headers=SENT_BY_BROWSERS | {"origin": URL},
        **more,
    )


def test_a_file_goes_the_same_way_as_a_template(copy: Callable[[], Commons]) -> None:
    home = copy().mei.path
    text = text_of_rules("open-source").replace("500 points", "500 points <i>")
    with browser(home) as mei:
        mei.get("/rules")
        answer = sent_file(mei, text.encode())
        assert answer.status_code == 200 and "From your file" in answer.text
        assert "<i>" not in answer.text
        mei.page = answer
        mei.post("/rules/propose", {"text": text, "n:value.produce.points~0": "250"})
        assert "The rules are proposed." in mei.text
    with Member(home) as member:
        rules = member.rules(proposal=member.proposals()[-1].id)
    assert rules.document["value"]["produce"]["points"].startswith("event.unit == 'commit' ?")
    assert "event.quantity / 4" in rules.document["value"]["produce"]["points"]


@pytest.mark.parametrize("data", [b"", b"name = ", b"\xff\xfe\x00", b'name = "A"\n[value]\nx = 1'])
def test_a_file_that_holds_no_rules_is_refused_in_words(lanxi: Lanxi, data: bytes) -> None:
    with browser(lanxi.mei.path) as mei:
        mei.get("/rules")
        answer = sent_file(mei, data)
    assert answer.status_code == 422
    assert "This file cannot be proposed" in answer.text and 'role="alert"' in answer.text


def test_without_rules_the_page_leads_to_templates(tmp_path: Path) -> None:
    with browser(founder(tmp_path / "ann")) as ann:
        ann.get("/rules")
        assert "There are no rules yet" in ann.text and "Look at these rules" in ann.text
        ann.get("/rules/change")
        assert "These rules have no numbers." in ann.text
        ann.get("/rules/change?from=cooperative")
        ann.post("/rules/review", {"from": "cooperative"})
        assert "What it is worth: work new" in ann.text
        ann.post("/rules/propose", {"from": "cooperative", "n:membership.vouches": "1"})
        assert "The rules are proposed." in ann.text


def test_rules_that_were_adopted_are_in_force_with_their_vote(tmp_path: Path) -> None:
    home = founder(tmp_path / "ann")
    with browser(home) as ann:
        ann.get("/rules")
        ann.post("/rules/propose", {"text": RULES, "n:value.work.points~0": "2,000"})
        vote = ann.page.url.path
        with Member(home) as member:
            member.seal()
            member.vote(vote.rpartition("/")[2], "yes")
            member.seal()
        ann.get("/rules")
        assert "In force since height 2." in ann.text and f'href="{vote}"' in ann.page.text
        assert "An hour is 2,000 points." in ann.text
        assert "by a vote" in ann.text and "with the founding" in ann.text
        ann.get(vote)
        assert "What it changed" in ann.text and "Count it" in ann.text
        ann.get(f"{vote}?last=0")
        assert "Nothing was shared in this time" in ann.text and "Count it" not in ann.text
