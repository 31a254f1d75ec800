"""Rules about to be proposed: what was typed, what it changes, and what it would pay."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from commonweal.client import Member
from commonweal.client.governance.backtests import EQUAL
from commonweal.client.governance.rule_drafts import DraftTexts, NumberChange, RuleSource
from commonweal.client.governance.rule_templates import text_of_rules
from commonweal.protocol.errors import BadRuleset, UnknownTemplate, WouldNotCount
from tests.builders.commons import RULES, Commons, worked


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Commons]:
    """Give copies of a community of three with rules, work and two incomes that are shared."""
    folder = tmp_path_factory.mktemp("drafts")
    made = Commons(folder)
    made.adopt(RULES, folder)
    for _ in range(2):
        ids = worked(made, 1, 2)
        ids.append(made.json(made.mei, "income", "30", "EUR")["id"])
        made.meet()
        for id in ids:
            made.good(made.ana, "attest", id[:12])
        made.seal()
    return made.copies(tmp_path_factory)


@pytest.fixture(scope="module")
def mei(scene: Callable[[], Commons]) -> Path:
    return scene().mei.path


def test_a_draft_without_changes_is_the_rules_in_force(mei: Path) -> None:
    with Member(mei) as member:
        draft = member.draft_rules()
        assert draft.ruleset == member.view.kept.ruleset
    assert (draft.changes, draft.refused, draft.problems) == ((), {}, ())


def test_a_number_is_proposed_with_the_sentences_that_say_it(mei: Path) -> None:
    with Member(mei) as member:
        draft = member.draft_rules(texts=DraftTexts({"value.work.points~0": "1500"}))
    (change,) = draft.changes
    assert change.place == "value.work"
    assert change.before == {"en": "An hour is 1,000 points.", "zh": "一小时一千点。"}
    assert change.after == {"en": "An hour is 1,500 points.", "zh": "一小时一千五百点。"}
    assert change.numbers == (NumberChange("points", "1,000", "1,500"),)
    assert not change.other and not change.is_new and not change.is_gone
    assert draft.difference is not None and draft.difference.classes == ("ordinary",)
    assert draft.how.startswith("decided as ordinary: >1/2 yes of those who may vote")


def test_sentences_are_taken_as_they_are_typed(mei: Path) -> None:
    texts = DraftTexts(
        {"value.work.points~0": "500"}, {("value.work", "en"): "Half.", ("charter", "en"): "No."}
    )
    with Member(mei, language="zh") as member:
        draft = member.draft_rules(texts=texts)
    (change,) = draft.changes
    assert change.after == {"en": "Half.", "zh": "一小时五百点。"}
    assert change.numbers[0].label == "点数"


def test_a_template_is_proposed_under_the_name_that_there_is(mei: Path) -> None:
    with Member(mei) as member:
        draft = member.draft_rules(RuleSource(template="time-bank"))
        with pytest.raises(UnknownTemplate):
            member.draft_rules(RuleSource(template="../time-bank"))
    assert draft.ruleset is not None and draft.ruleset.name == "Lanxi"
    by_place = {change.place: change for change in draft.changes}
    assert by_place["roles.steward"].is_new
    assert by_place["roles.co-owner"].is_gone
    assert by_place["membership"].is_new
    assert "constitution" in draft.difference.classes  # type: ignore[union-attr]


def test_a_file_is_a_source_and_its_faults_are_told(mei: Path) -> None:
    with Member(mei) as member:
        draft = member.draft_rules(RuleSource(text=text_of_rules("open-source")))
        with pytest.raises(BadRuleset):
            member.draft_rules(RuleSource(text="name = "))
    assert draft.changes[0].numbers == () and draft.changes[0].other[0].old == "Lanxi"


def test_what_cannot_be_a_rule_is_told_and_is_no_draft(mei: Path) -> None:
    with Member(mei) as member:
        refused = member.draft_rules(texts=DraftTexts({"value.work.points~0": "many"}))
        too_much = member.draft_rules(
            RuleSource(template="cooperative"),
            DraftTexts({"pools.surplus.buckets.1.share": "90%"}),
        )
        too_long = member.draft_rules(texts=DraftTexts({}, {("value.work", "en"): "x" * 2_001}))
    assert refused.ruleset is None
    assert refused.refused == {"value.work.points~0": "many is no whole number"}
    assert too_much.ruleset is None and len(too_much.problems) == 1
    assert too_long.ruleset is None and len(too_long.problems) == 1


def test_the_last_heights_are_replayed_apart(mei: Path) -> None:
    typed = DraftTexts({"pools.income.buckets.0.share": "50%"})
    with Member(mei) as member:
        ruleset = member.draft_rules(texts=typed).ruleset
        assert ruleset is not None
        whole, last = (member.replay_ruleset(ruleset, last=n) for n in (0, 1))
        beyond = member.replay_ruleset(ruleset, last=100)

    def euros(replay: object) -> dict[str, tuple[str, str]]:
        rows = replay.members  # type: ignore[attr-defined]
        return {row.name: (str(row.had), str(row.would)) for row in rows}

    assert euros(whole)["Bo"] == (
        "40.00",
        "25.00",
    )  # a half of what came, then of that and the rest
    assert euros(last)["Bo"] == ("20.00", "15.00")
    assert euros(beyond) == euros(whole)
    assert whole.hash == last.hash and whole.name == last.name


def test_a_proposal_carries_the_replay_that_was_looked_at(scene: Callable[[], Commons]) -> None:
    lanxi = scene()
    typed = DraftTexts({"pools.income.buckets.0.share": "50%"})
    with Member(lanxi.mei) as member:
        ruleset = member.draft_rules(texts=typed).ruleset
        assert ruleset is not None
        looked_at = member.replay_ruleset(ruleset)
        made = member.propose_ruleset(ruleset, backtest=looked_at.name)
        both = member.replay_proposal(made.id, last=1)
        assert member.proposal(made.id, is_checked=False).backtest_check is None
        (change,) = member.proposed_changes(made.id)
        plain = member.propose_ruleset(ruleset, sunset="30d", vote=True)
        unchecked = member.replay_proposal(plain.id)
        assert member.proposed_changes(member.propose_decision("A bench.").id) == ()
    assert both.check is not None and both.check.result == EQUAL
    assert both.replay is not None and both.replay.members[0].name
    assert change.numbers == (NumberChange("part that goes there", "100%", "50%"),)
    assert unchecked.check is None
    assert unchecked.replay is not None and unchecked.replay.hash == looked_at.hash


def test_the_rules_in_force_are_not_proposed_again(mei: Path) -> None:
    with Member(mei) as member, pytest.raises(WouldNotCount, match="in force already"):
        member.propose_ruleset(member.view.kept.ruleset)
