"""Recipes and plans: what is written down, what counts for nothing, and what an event must fit."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.ledger.exchange.commitments import CommitmentRow, commitment_row
from commonweal.protocol.ledger.exchange.offers.intents import IntentRow, intent_row
from commonweal.protocol.ledger.plans import plans, recipes
from commonweal.protocol.ledger.plans.plans import PlanHeader
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.things.event_row import event_row
from commonweal.protocol.records.record import Record
from tests.protocol.ledger.baking import Baking, flow, kilograms
from tests.protocol.ledger.workshop import Workshop, hours, paying

NOWHERE = bytes(32)
ONE = {"n": 1, "scale": 0, "unit": "one"}


@pytest.fixture
def baking() -> Baking:
    return Baking(Workshop(paying(), "Jun", "Ana", "Bo"))


def verdict(baking: Baking, record: Record) -> Reason | None:
    """Return why a record counts for nothing."""
    baking.shop.learn()
    return baking.shop.history.verdict(record.id)


def intent(baking: Baking, record: Record) -> IntentRow:
    assert verdict(baking, record) is None
    row = intent_row(baking.shop.history.state, record.id)
    assert row is not None
    return row


def promised(baking: Baking, record: Record) -> CommitmentRow:
    assert verdict(baking, record) is None
    row = commitment_row(baking.shop.history.state, record.id)
    assert row is not None
    return row


def test_a_recipe_has_its_steps_and_holds_by_its_name(baking: Baking) -> None:
    assert verdict(baking, baking.recipe) is None
    state = baking.shop.history.state
    row = recipes.recipe_row(state, baking.recipe.id)
    assert row is not None
    assert (row.name, row.quantity) == ("Rye", [9, 0, "kilogram"])
    steps = [recipes.recipe_process(state, id) for id in row.processes]
    assert [step.duration_ms for step in steps if step] == [7_200_000, 10_800_000]
    assert steps[1] is not None
    assert steps[1].inputs[2] == ["work", [2, 0, "hour"], None, "knowledge"]
    newer = baking.write([baking.knead, baking.bake], by="Jun")
    assert verdict(baking, newer) is None
    assert baking.shop.history.state.get(recipes.RECIPE_LOOK + b"rye") == newer.id
    assert verdict(baking, baking.write([baking.bake], by="Ana")) is Reason.NAME_TAKEN


@pytest.mark.parametrize(
    ("over", "reason"),
    [
        ({"name": ""}, Reason.SHAPE),
        ({"resourceConformsTo": 7}, Reason.SHAPE),
        ({"processes": []}, Reason.SHAPE),
        ({"processes": [NOWHERE, NOWHERE]}, Reason.SHAPE),
        ({"processes": [bytes([n]) * 32 for n in range(17)]}, Reason.SHAPE),
        ({"processes": [bytes([n]) * 32 for n in range(16)]}, Reason.UNKNOWN_RECIPE),
        ({"resourceQuantity": None}, Reason.NO_QUANTITY),
        ({"resourceQuantity": kilograms(0)}, Reason.NO_QUANTITY),
        ({"resourceQuantity": kilograms(1) | {"unit": "bushel"}}, Reason.UNKNOWN_UNIT),
        ({"resourceQuantity": ONE}, Reason.NOT_MADE),
        ({"resourceConformsTo": NOWHERE}, Reason.NOT_MADE),
    ],
)
def test_a_recipe_that_is_wrong_counts_for_nothing(
    baking: Baking, over: dict[str, Any], reason: Reason
) -> None:
    assert verdict(baking, baking.write([baking.bake], **over)) is reason


def test_steps_stand_in_the_order_in_which_they_feed_each_other(baking: Baking) -> None:
    turned = baking.write([baking.bake, baking.knead])
    assert verdict(baking, turned) is Reason.STEP_ORDER
    back = [flow("produce", kilograms(1), baking.rye), flow("produce", kilograms(1), baking.loaf)]
    mill = baking.step(
        baking.heat, 1, inputs=[flow("consume", kilograms(1), baking.loaf)], outputs=back
    )
    circle = baking.write([baking.knead, baking.bake, mill])
    assert verdict(baking, circle) is Reason.STEP_ORDER, "rye becomes bread becomes rye"
    rest = baking.step(
        baking.heat,
        1,
        inputs=[flow("accept", kilograms(10), baking.dough)],
        outputs=[flow("modify", kilograms(10), baking.dough)],
    )
    proved = baking.step(
        baking.heat,
        1,
        inputs=[flow("accept", kilograms(10), baking.dough)],
        outputs=[flow("modify", kilograms(10), baking.dough)],
    )
    for steps in ([baking.knead, rest, proved, baking.bake], [rest, proved, baking.bake]):
        assert verdict(baking, baking.write(steps)) is None


@pytest.mark.parametrize(
    ("described", "reason"),
    [
        ("bake", Reason.SHAPE),
        ({"action": "bake"}, Reason.UNKNOWN_ACTION),
        ({"action": ["work"]}, Reason.UNKNOWN_ACTION),
        (flow("produce", kilograms(1)), Reason.NOT_THIS_SIDE),
        (flow("transfer", kilograms(1)), Reason.NOT_THIS_SIDE),
        ({"action": "work"}, Reason.NO_EFFORT),
        (flow("work", hours(0)), Reason.NO_EFFORT),
        ({"action": "use"}, Reason.NO_QUANTITY),
        (flow("consume", kilograms(-1)), Reason.NEGATIVE),
        (flow("consume", kilograms(1) | {"unit": "bushel"}), Reason.UNKNOWN_UNIT),
        (flow("work", hours(1)) | {"resourceConformsTo": 1}, Reason.SHAPE),
        (flow("work", hours(1)) | {"resourceConformsTo": NOWHERE}, Reason.UNKNOWN_SPEC),
        (flow("work", hours(1)) | {"factor": "luck"}, Reason.UNKNOWN_FACTOR),
        (flow("use", hours(1)), None),
        (flow("use", ONE), None),
        (flow("deliverService", ONE), None),
    ],
)
def test_a_flow_that_is_wrong_makes_its_step_void(
    baking: Baking, described: Any, reason: Reason | None
) -> None:
    good = flow("consume", kilograms(1), baking.rye)
    assert verdict(baking, baking.step(baking.heat, 1, inputs=[good, described])) is reason


def test_a_step_of_the_wrong_form_counts_for_nothing(baking: Baking) -> None:
    good = flow("consume", kilograms(1), baking.rye)
    other_unit = flow("consume", ONE, baking.rye)
    longest = recipes.DURATION_MS_MAX
    for over, reason in (
        ({"inputs": []}, Reason.SHAPE),
        ({"inputs": "x"}, Reason.SHAPE),
        ({"inputs": [good] * 17}, Reason.SHAPE),
        ({"inputs": [good] * 16, "outputs": [good]}, Reason.SHAPE),
        ({"inputs": [good] * 16}, None),
        ({"inputs": [good], "hasDuration": longest}, None),
        ({"inputs": [good], "hasDuration": longest + 1}, Reason.SHAPE),
        ({"inputs": [good], "basedOn": NOWHERE}, Reason.UNKNOWN_SPEC),
        ({"inputs": [good], "basedOn": "x"}, Reason.SHAPE),
        ({"inputs": [other_unit]}, Reason.WRONG_UNIT),
    ):
        assert verdict(baking, baking.step(baking.heat, 1, **over)) is reason, over


def test_a_plan_has_processes_and_intents_of_its_member(baking: Baking) -> None:
    plan = baking.plan("Jun")
    process = baking.process("Jun", plan)
    work = flow("work", hours(2)) | {"factor": "knowledge", "inputOf": process.id}
    wish = baking.intend("Jun", plan, work)
    row = intent(baking, wish)
    assert (row.plan, row.input_of, row.output_of) == (plan.id, process.id, None)
    assert row.factor == "knowledge"
    state = baking.shop.history.state
    assert PlanHeader(*state.get(plans.PLAN + plan.id)).parts == 2
    assert state.get(plans.OF_PLAN + plan.id + wish.id) == "intent"
    other = baking.process("Jun", baking.plan("Jun"))
    made = flow("produce", kilograms(1), baking.dough)
    for name, what, over, reason in (
        ("Ana", work, {}, Reason.NOT_YOURS),
        ("Jun", work, {"plannedWithin": NOWHERE}, Reason.UNKNOWN_PLAN),
        ("Jun", work, {"plannedWithin": "x"}, Reason.SHAPE),
        ("Jun", work, {"inputOf": "x"}, Reason.SHAPE),
        ("Jun", work, {"inputOf": other.id}, Reason.UNKNOWN_PROCESS),
        ("Jun", work, {"factor": "luck"}, Reason.UNKNOWN_FACTOR),
        ("Jun", made, {"inputOf": process.id}, Reason.NOT_THIS_SIDE),
        ("Jun", made, {"outputOf": process.id}, None),
    ):
        assert verdict(baking, baking.intend(name, plan, what, **over)) is reason, (what, over)
    assert verdict(baking, baking.process("Ana", plan)) is Reason.NOT_YOURS


def test_a_plan_that_has_ended_takes_nothing_more(baking: Baking) -> None:
    shop = baking.shop
    plan = baking.plan("Jun")
    wish = baking.intend("Jun", plan, flow("work", hours(3)))
    promise = flow("work", hours(1)) | {"provider": shop.id("Ana"), "satisfies": [wish.id]}
    promise |= {"receiver": bytes(shop.community)}
    for name, data, reason in (
        ("Jun", {}, Reason.SHAPE),
        ("Jun", {"plan": NOWHERE}, Reason.UNKNOWN_PLAN),
        ("Ana", {"plan": plan.id}, Reason.NOT_YOURS),
        ("Jun", {"plan": plan.id}, None),
        ("Jun", {"plan": plan.id}, Reason.PLAN_ENDED),
    ):
        assert verdict(baking, shop.write(name, "plan.end", data)) is reason, data
    for record in (
        baking.process("Jun", plan),
        baking.intend("Jun", plan, flow("work", hours(1))),
        shop.write("Ana", "commitment", promise),
    ):
        assert verdict(baking, record) is Reason.PLAN_ENDED
    assert verdict(baking, shop.work("Ana", 1, satisfies=wish.id)) is None
    assert intent(baking, wish).met == [1, 0, "hour"], "what was done all the same is counted"


def test_a_plan_of_the_wrong_form_counts_for_nothing(baking: Baking) -> None:
    for over, reason in (
        ({"name": " "}, Reason.SHAPE),
        ({"due": -1}, Reason.SHAPE),
        ({"resourceQuantity": {"n": 1}}, Reason.SHAPE),
        ({"resourceQuantity": kilograms(-1)}, Reason.NEGATIVE),
        ({"resourceQuantity": kilograms(1) | {"unit": "bushel"}}, Reason.UNKNOWN_UNIT),
        ({"recipe": "x"}, Reason.SHAPE),
        ({"recipe": baking.knead.id}, Reason.UNKNOWN_RECIPE),
    ):
        assert verdict(baking, baking.plan("Jun", **over)) is reason, over


def test_a_plan_has_so_many_parts_and_no_more(
    baking: Baking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "PLAN_PARTS_MAX", 2)
    plan = baking.plan("Jun")
    assert verdict(baking, baking.process("Jun", plan)) is None
    assert verdict(baking, baking.intend("Jun", plan, flow("work", hours(1)))) is None
    for record in (
        baking.process("Jun", plan),
        baking.intend("Jun", plan, flow("work", hours(1))),
    ):
        assert verdict(baking, record) is Reason.PLAN_FULL


def test_a_member_plans_for_the_community_and_for_nobody_else(baking: Baking) -> None:
    shop = baking.shop
    ours, ana = bytes(shop.community), shop.id("Ana")
    work = flow("work", hours(1))
    for sides, reason in (
        ({"receiver": ours}, None),
        ({"provider": ours}, None),
        ({"provider": ours, "receiver": ours}, None),
        ({"provider": shop.id("Jun"), "receiver": ours}, None),
        ({"provider": ana, "receiver": ours}, Reason.NOT_YOURS),
        ({"provider": ours, "receiver": ana}, Reason.NOT_YOURS),
        ({"provider": b"o" * 16, "receiver": ours}, Reason.NOT_YOURS),
        ({"provider": ana}, Reason.NOT_YOURS),
    ):
        assert verdict(baking, shop.write("Jun", "intent", work | sides)) is reason, sides


def test_what_is_done_belongs_to_the_process_of_its_intent(baking: Baking) -> None:
    shop = baking.shop
    plan = baking.plan("Jun")
    process, other = baking.process("Jun", plan), baking.process("Jun", plan)
    wish = baking.intend("Jun", plan, flow("work", hours(3)), inputOf=process.id)
    ours = {"receiver": bytes(shop.community), "provider": shop.id("Ana")}
    work = flow("work", hours(2)) | ours | {"satisfies": [wish.id]}
    promise = shop.write("Ana", "commitment", work)
    kept = promised(baking, promise)
    assert (kept.plan, kept.input_of) == (plan.id, process.id)
    assert shop.history.state.get(plans.OF_PLAN + plan.id + promise.id) == "commitment"
    for named in ({"satisfies": wish.id}, {"fulfills": promise.id}):
        places: list[tuple[dict[str, Any], Reason | None]] = [
            ({}, Reason.DOES_NOT_FIT),
            ({"inputOf": other.id}, Reason.DOES_NOT_FIT),
            ({"inputOf": process.id}, None),
        ]
        for place, reason in places:
            done = shop.work("Ana", 1, None, **{**named, **place})
            assert verdict(baking, done) is reason
    assert intent(baking, wish).met == [2, 0, "hour"], "one by the promise, one without"


def test_what_is_used_is_of_the_planned_specification(baking: Baking) -> None:
    shop = baking.shop
    plan = baking.plan("Jun")
    wish = baking.intend("Jun", plan, flow("consume", kilograms(6), baking.rye))
    ours = {"receiver": bytes(shop.community), "provider": shop.id("Ana")}
    for spec, reason in ((baking.rye, None), (None, None), (baking.dough, Reason.DOES_NOT_FIT)):
        data = flow("consume", kilograms(1), spec) | ours | {"satisfies": [wish.id]}
        promise = shop.write("Ana", "commitment", data)
        assert verdict(baking, promise) is reason
        if reason is None:
            assert promised(baking, promise).spec == baking.rye.id
        stock = {"action": "raise", "provider": shop.id("Jun"), "newInventoriedResource": {}}
        stock |= flow("raise", kilograms(9), spec)
        kept_in = shop.write("Jun", "event", stock)
        used = flow("consume", kilograms(1)) | {"provider": shop.id("Jun")}
        used |= {"resourceInventoriedAs": kept_in.id, "satisfies": wish.id}
        done = shop.write("Jun", "event", used)
        fits = None if spec is baking.rye else Reason.DOES_NOT_FIT
        assert verdict(baking, done) is fits, "what is planned names the kind, so this does"
        assert (event_row(shop.history.state, done.id) is None) is (fits is not None)
