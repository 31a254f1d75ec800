"""Recipes and plans as members write and follow them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from commonweal.client import Member, create_home, inbox
from commonweal.client.home.submit import now_ms
from commonweal.client.ledger.rows import plan_rows
from commonweal.client.plans import plans
from commonweal.client.plans.recipe_text import EXAMPLES
from commonweal.client.plans.schedule import StepTimes, scaled, span_ms, times_of
from commonweal.protocol.errors import (
    AmbiguousId,
    BadRecipe,
    CommonwealError,
    UnknownId,
    UnreadableQuantity,
    UnreadableTime,
    UsageError,
    WouldNotCount,
)
from commonweal.protocol.ledger.plans import recipes
from commonweal.protocol.ledger.plans.recipes import RecipeProcessRow
from tests.builders.commons import Commons, meet

EXAMPLE = EXAMPLES["en"]
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@pytest.fixture
def mei(tmp_path: Path) -> Iterator[Member]:
    create_home(tmp_path / "mei", "Mei")
    with Member(tmp_path / "mei") as member:
        member.found("Lanxi", rules="value-network")
        yield member


def records(member: Member) -> int:
    with member.home.store(readonly=True) as store:
        return store.counts().records


class TestText:
    """What is wrong in a recipe is said by line, and nothing of it is written."""

    @pytest.mark.parametrize("language", EXAMPLES)
    def test_the_example_of_each_language_is_sound(self, mei: Member, language: str) -> None:
        assert mei.check_recipe(EXAMPLES[language]) == []
        assert mei.check_recipe(EXAMPLES[language].replace("knowledge", "luck")) != []

    @pytest.mark.parametrize(
        ("old", "new", "line", "says"),
        [
            ('name = "Bread"', "", 1, "name is missing"),
            ('name = "Bread"', "name = 7", 4, "name is a text in quotes"),
            ('name = "Bread"', 'name = "\\u0007"', 4, "a name has 1 to 64 characters"),
            ('makes = "bread"', 'makes = "cake"', 5, "no step makes cake"),
            ('quantity = "9 kg"  ', 'quantity = "9 hours"', 27, "bread is counted in hour"),
            ('quantity = "9 kg"  ', 'quantity = "nine kg"', 6, "nine"),
            ('quantity = "9 kg"  ', 'quantity = "9"', 6, "a quantity is a number and a unit"),
            ('quantity = "9 kg"  ', 'quantity = "0 kg"', 6, "more than nothing"),
            ('quantity = "9 kg"  ', 'quantity = "9,5 kg"', 6, "is it 9.5"),
            (
                'quantity = "9 kg"  ',
                'quantity = "9 loaves"',
                6,
                "nothing is counted in loaves here",
            ),
            ('duration = "2h" ', 'duration = "2 moons"', 10, "2 moons"),
            ('duration = "2h" ', 'duration = "999w"', 10, "ten years"),
            ('duration = "2h" ', 'durations = "2h"', 10, "step 1: durations is not known here"),
            ('name = "knead"', "", 8, "step 1: name is missing"),
            ('"consume", what = "flour"', '"consumes", what = "flour"', 11, "step 1, input 1: "),
            ('"consume", what = "flour"', '"produce", what = "flour"', 11, "produce is no input"),
            ('"6 kg"', "6", 11, "quantity is a text in quotes"),
            ('"1 hour"', '"1 kg"', 11, "input 2: work is counted in time, not in kilogram"),
            ('what = "dough", quantity = "10 kg"', 'quantity = "10 one"', None, ""),
            ('factor = "knowledge"', 'factor = "luck"', 22, "the rules have no such factor"),
            ('factor = "knowledge"', 'luck = "knowledge"', 22, "input 3: luck is not known here"),
            ('what = "flour"', 'what = "bread"', 11, "bread is made by a later step, bake"),
            ('what = "oven"', 'what = "dough"', None, ""),
            ("[[steps]]", "[steps]", 8, "steps is a list of 1 to 16 tables"),
            ("inputs = [", "inputs = [ 1,", 11, "inputs is a list of 0 to 16 tables"),
            ("inputs = [", "inputs = [[", None, ""),
        ],
    )
    def test_what_is_wrong_is_named_by_its_line(
        self, mei: Member, old: str, new: str, line: int | None, says: str
    ) -> None:
        text = EXAMPLE.replace(old, new, 1)
        assert text != EXAMPLE
        if new == "[steps]":
            text = text.split("[[steps]]")[0]
        before = records(mei)
        problems = mei.check_recipe(text)
        if line is None:
            assert (new == "inputs = [[") == bool(problems), problems
            return
        assert problems[0].line == line, problems
        assert says in problems[0].sentence
        with pytest.raises(BadRecipe, match=f"line {line}, "):
            mei.add_recipe(text)
        assert records(mei) == before

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("", "name is missing"),
            ("name = ", "this is no TOML"),
            ("a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a = 1", "too many dots"),
            ("x" * 70_000, "at most 65536 characters"),
            ("a = " + "[" * 5_000, "this is no TOML"),
            (f"a = {'9' * 5_000}", "this is no TOML"),
            (EXAMPLE + 'name = "again"', "this is no TOML"),
        ],
    )
    def test_a_text_that_is_no_recipe_is_refused(self, mei: Member, text: str, says: str) -> None:
        assert any(says in problem.sentence for problem in mei.check_recipe(text))

    def test_all_that_is_wrong_is_listed_by_line(self, mei: Member) -> None:
        text = EXAMPLE.replace('"6 kg"', '"6 loaves"').replace('"2h"', '"2 moons"')
        assert [problem.line for problem in mei.check_recipe(text)] == [10]
        text = text.replace('"2 moons"', '"2h"').replace('"knowledge"', '"luck"')
        assert [problem.line for problem in mei.check_recipe(text)] == [11, 22]

    def test_limits_are_those_of_the_ledger(self, mei: Member) -> None:
        for steps, flows, is_sound in ((16, 16, True), (17, 1, False), (1, 17, False)):
            assert (not mei.check_recipe(_long(steps, flows))) is is_sound
        made = mei.add_recipe(_long(recipes.STEPS_MAX, recipes.FLOWS_MAX))
        before = records(mei)
        plan = mei.plan_from(made.id, 3)
        assert (plan.processes, plan.intents) == (16, 256)
        assert records(mei) == before + 1 + 16 + 256
        assert mei.plan(plan.id).open == 256


def _long(steps: int, flows: int) -> str:
    lines = ['name = "Long"', 'makes = "part 0"', 'quantity = "1 one"']
    for number in range(steps):
        lines += ["[[steps]]", f'name = "step {number}"']
        lines += ["[[steps.outputs]]", 'action = "produce"', 'quantity = "1 one"']
        lines += [f'what = "part {number}"']
        lines += ["[[steps.inputs]]\naction = 'work'\nquantity = '1 hour'"] * (flows - 1)
    return "\n".join(lines)


class TestRecipes:
    """A recipe in the ledger, with what it names."""

    def test_what_a_recipe_names_is_added_with_it_once(self, mei: Member) -> None:
        made = mei.add_recipe(EXAMPLE)
        assert made.specified == ("bread", "flour", "dough", "oven", "knead", "bake")
        assert mei.add_recipe(EXAMPLE.replace("Bread", "BREAD")).specified == ()
        newest, listed = mei.recipe("bread"), mei.recipes()
        assert [row.id for row in listed] == [newest.id] != [made.id]
        assert not mei.recipe(made.id).is_newest
        assert newest.is_newest
        assert (str(newest.takes_hours), str(newest.quantity)) == ("5", "9")
        assert [step.after for step in newest.in_order] == [(), (1,)]
        assert newest.in_order[1].flows[2].factor == "knowledge"

    def test_a_recipe_of_another_member_keeps_its_name(self, scene: Callable[[], Commons]) -> None:
        lanxi = scene()
        with Member(lanxi.mei) as mei:
            mei.add_recipe(EXAMPLE)
        meet(*lanxi.all)
        with Member(lanxi.bo) as bo:
            (problem,) = bo.check_recipe(EXAMPLE)
            assert (problem.line, problem.sentence) == (
                4,
                "Mei has a recipe of this name; choose another",
            )
            bo.add_recipe(EXAMPLE.replace('name = "Bread"', 'name = "Rye"'))
            assert [row.name for row in bo.recipes()] == ["Bread", "Rye"]
            with pytest.raises(UnknownId):
                bo.recipe("cake")

    def test_what_is_counted_otherwise_here_is_said(self, mei: Member) -> None:
        mei.add_resource("flour", 3, "one")
        (problem,) = mei.check_recipe(EXAMPLE)
        assert problem.sentence == "step 1, input 1: flour is counted in one"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Commons]:
    return Commons(tmp_path_factory.mktemp("recipes")).copies(tmp_path_factory)


@pytest.mark.parametrize(
    ("quantity", "times", "expected"),
    [
        ([6, 0, "kilogram"], Fraction(2), (12, 0, False)),
        ([6, 0, "kilogram"], Fraction(1, 8), (75, 2, False)),
        ([5, 1, "kilogram"], Fraction(4), (2, 0, False)),
        ([1, 0, "kilogram"], Fraction(1, 3), (334, 3, True)),
        ([100_001, 5, "kilogram"], Fraction(1, 3), (33334, 5, True)),
        ([1, 0, "kilogram"], Fraction(1, 2**10), (1, 3, True)),
        ([1, 0, "kilogram"], Fraction(1, 2**9), (1_953_125, 9, False)),
        ([3, 0, "one"], Fraction(1, 2), (2, 0, True)),
        ([30, 1, "one"], Fraction(1, 3), (1, 0, False)),
        ([5, 1, "one"], Fraction(3), (15, 1, False)),
    ],
)
def test_quantities_grow_exactly_or_are_rounded_up(
    quantity: list[Any], times: Fraction, expected: tuple[int, int, bool]
) -> None:
    grown = scaled(quantity, times)
    assert grown is not None
    assert (grown.n, grown.scale, grown.is_rounded) == expected
    assert Fraction(grown.n, 10**grown.scale) >= Fraction(quantity[0], 10 ** quantity[1]) * times


def test_a_quantity_of_more_than_64_bits_is_none() -> None:
    assert scaled([2**62, 0, "kilogram"], Fraction(2)) is None
    assert scaled([2**62, 0, "kilogram"], Fraction(3, 2)) is not None


def _step(hours: int, taken: str, made: str) -> RecipeProcessRow:
    flows = [[["x", [1, 0, "one"], name.encode(), None] for name in side] for side in (taken, made)]
    return RecipeProcessRow(b"", b"", hours * HOUR_MS, *flows)


def test_steps_end_when_the_first_that_waits_for_them_begins() -> None:
    steps = [_step(1, "", "a"), _step(5, "a", "b"), _step(2, "a", "c"), _step(3, "bc", "d")]
    steps.append(_step(4, "", "e"))
    due = 100 * HOUR_MS
    hours = [(when.begins_ms // HOUR_MS, when.ends_ms // HOUR_MS) for when in times_of(steps, due)]
    assert hours == [(91, 92), (92, 97), (95, 97), (97, 100), (96, 100)]
    assert span_ms(steps) == 9 * HOUR_MS
    changed = [_step(1, "a", "a"), _step(1, "a", "a"), _step(1, "a", "b")]
    assert times_of(changed, 3)[0] == StepTimes(3 - 3 * HOUR_MS, 3 - 2 * HOUR_MS)


class TestPlans:
    """What a recipe comes to by a day, and how it stands."""

    def test_a_plan_has_the_quantities_and_times_of_the_recipe(self, mei: Member) -> None:
        recipe = mei.add_recipe(EXAMPLE)
        made = mei.plan_from("Bread", 18, due="2100-12-24", name="Christmas")
        plan = mei.plan(made.id)
        assert (plan.name, plan.recipe, str(plan.quantity)) == ("Christmas", "Bread", "18")
        assert plan.due_ms is not None
        assert (plan.due_ms - made.begins_ms) == 5 * HOUR_MS
        assert [
            (part.step, part.action, str(part.quantity), (part.due_ms or 0) - made.begins_ms)
            for part in plan.parts
        ] == [
            (1, "consume", "12", 0),
            (1, "work", "2", 2 * HOUR_MS),
            (1, "produce", "20", 2 * HOUR_MS),
            (2, "consume", "20", 2 * HOUR_MS),
            (2, "use", "4", 5 * HOUR_MS),
            (2, "work", "4", 5 * HOUR_MS),
            (2, "produce", "18", 5 * HOUR_MS),
        ]
        assert plan.parts[5].factor == "knowledge"
        third = mei.plan_from(recipe.id, 1)
        assert third.rounded == 6
        assert str(mei.plan(third.id).parts[0].quantity) == "0.667"
        assert [row.name for row in mei.plans()] == ["Bread", "Christmas"]

    @pytest.mark.parametrize(
        ("typed", "over", "error"),
        [
            (("Cake", 1), {}, UnknownId),
            (("Bread", 1, "hour"), {}, UsageError),
            (("Bread", 0), {}, UnreadableQuantity),
            (("Bread", "1,5"), {}, UnreadableQuantity),
            (("Bread", 2**62), {}, UnreadableQuantity),
            (("Bread", 1), {"due": "2001-01-01"}, UnreadableTime),
            (("Bread", 1), {"due": "soon"}, UnreadableTime),
            (("Bread", 1), {"due": "9999-12-31T23:59-14:00"}, UnreadableTime),
            (("Bread", 1), {"name": " "}, CommonwealError),
        ],
    )
    def test_what_cannot_be_planned_leaves_nothing(
        self, mei: Member, typed: tuple[Any, ...], over: dict[str, str], error: type[Exception]
    ) -> None:
        mei.add_recipe(EXAMPLE)
        before = records(mei)
        with pytest.raises(error):
            mei.plan_from(*typed, **over)
        assert records(mei) == before

    def test_a_plan_that_the_fold_refuses_is_not_begun(
        self, mei: Member, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from commonweal.protocol.ledger.plans import plans as ledger_plans

        mei.add_recipe(EXAMPLE)
        before = records(mei)
        monkeypatch.setattr(ledger_plans, "PLAN_PARTS_MAX", 8)
        with pytest.raises(WouldNotCount, match="limit of its processes and intents"):
            mei.plan_from("Bread", 1)
        assert records(mei) == before

    def test_what_is_done_is_counted_and_belongs_to_its_step(self, mei: Member) -> None:
        mei.add_recipe(EXAMPLE)
        flour = mei.add_resource("flour", 40, "kg")
        parts = mei.plan(mei.plan_from("Bread", 18, due="3d").id).parts
        mei.record("consume", 12, "kg", resource=flour.id.hex(), satisfies=parts[0].id.hex())
        mei.record("work", 90, "minutes", satisfies=parts[1].id.hex())
        made = mei.record("produce", 20, "kg", new_resource="dough", satisfies=parts[2].id.hex())
        promise = mei.take(parts[5].id, 1)
        assert str(promise.quantity) == "1"
        worked = mei.record("work", 1, "hour", fulfills=promise.id.hex())
        states = {part.id: (part.state, str(part.met)) for part in mei.plan(parts_of(mei)).parts}
        assert [states[part.id] for part in parts] == [
            (plan_rows.MET, "12"),
            (plan_rows.OPEN, "1.5"),
            (plan_rows.MET, "20"),
            (plan_rows.OPEN, "0"),
            (plan_rows.OPEN, "0"),
            (plan_rows.TAKEN, "1"),
            (plan_rows.OPEN, "0"),
        ]
        data = mei.show(worked.id).data
        assert "satisfies" not in data, "the promise says what it is for"
        assert data["factor"] == "knowledge"
        went_in = [step.words for step in mei.trace(made.id).upstream]
        assert "consume 12 kilogram · Mei" in went_in
        assert "work 1.5 hour · Mei" in went_in
        with pytest.raises(UsageError, match="all of it is done already"):
            mei.take(parts[0].id)
        with pytest.raises(WouldNotCount):
            mei.record("work", 1, "hour", satisfies=parts[0].id.hex())
        with pytest.raises((UnknownId, AmbiguousId)):
            mei.take(made.id)

    def test_what_is_due_and_not_done_is_late(
        self, mei: Member, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mei.add_recipe(EXAMPLE)
        made = mei.plan_from("Bread", 9, due="1d")
        now = now_ms()
        assert (mei.plan(made.id).open, mei.plan(made.id).late) == (7, 0)
        monkeypatch.setattr(plans, "now_ms", lambda: now + DAY_MS - 3 * HOUR_MS + 60_000)
        states = [part.state for part in mei.plan(made.id).parts]
        assert states == [plan_rows.LATE] * 4 + [plan_rows.OPEN] * 3
        assert mei.plans()[0].late == 4

    def test_a_plan_that_has_ended_is_listed_no_more(self, mei: Member) -> None:
        mei.add_recipe(EXAMPLE)
        made, other = mei.plan_from("Bread", 9), mei.plan_from("Bread", 1)
        mei.end_plan(made.id)
        assert [row.id for row in mei.plans()] == [other.id]
        assert {row.id: row.ended for row in mei.plans(ended=True)} == {
            made.id: True,
            other.id: False,
        }
        with pytest.raises(WouldNotCount, match="the plan has ended"):
            mei.take(mei.plan(made.id).parts[1].id)

    def test_a_promise_waits_in_the_inbox_once_it_is_due(
        self, mei: Member, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mei.add_recipe(EXAMPLE)
        plan = mei.plan_from("Bread", 9, due="3d")
        parts = mei.plan(plan.id).parts
        promise = mei.take(parts[5].id)
        assert mei.inbox().rows == ()
        now = now_ms()
        for module in (inbox, plans):
            monkeypatch.setattr(module, "now_ms", lambda: now + 2 * DAY_MS + 60_000)
        (row,) = mei.inbox().rows
        assert (row.kind, row.until_ms) == (inbox.PROMISE, parts[5].due_ms)
        assert row.words == "work 2 hour, for the plan Bread"
        assert row.command == f"weal record work 2 hour --fulfills {promise.id.hex()[:16]}"
        mei.record("work", 1, "hour", fulfills=promise.id.hex())
        assert "work 1 hour --fulfills" in mei.inbox().rows[0].command
        mei.record("work", 1, "hour", fulfills=promise.id.hex())
        assert mei.inbox().rows == ()
        mei.take(parts[1].id)
        assert len(mei.inbox().rows) == 1
        mei.end_plan(plan.id)
        assert mei.inbox().rows == (), "nothing of a plan that has ended is waited for"

    def test_a_plan_without_a_day_begins_in_an_hour(self, mei: Member) -> None:
        mei.add_recipe(EXAMPLE)
        before = now_ms()
        made = mei.plan_from("Bread", 9)
        assert before + HOUR_MS <= made.begins_ms <= now_ms() + HOUR_MS


def parts_of(member: Member) -> bytes:
    """Return the id of the only plan."""
    (plan,) = member.plans()
    return plan.id
