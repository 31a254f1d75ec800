"""Events follow the table of Valueflows, and what it does not allow counts for nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.things.pairs import TAKER_OF
from commonweal.protocol.vocabulary import actions
from commonweal.protocol.vocabulary.actions import ACTIONS
from tests.protocol.ledger.bakery import Bakery, amount, between, effort
from tests.protocol.ledger.scenes import quantity

VECTORS = Path(__file__).parents[3] / "vectors"
TABLE = json.loads((VECTORS / "valueflows_actions.json").read_text())["actions"]
EXAMPLES = json.loads((VECTORS / "valueflows_exchange_examples.json").read_text())["cases"]

COLUMNS = {
    "side": "inputOutput",
    "creates": "createResource",
    "quantity": "eventQuantity",
    "accounting": "accountingEffect",
    "onhand": "onhandEffect",
    "location": "locationEffect",
    "contained": "containedEffect",
    "accountable": "accountableEffect",
    "stage": "stageEffect",
    "state": "stateEffect",
    "pair": "pairsWith",
}


def test_the_table_of_actions_is_that_of_valueflows() -> None:
    assert sorted(ACTIONS) == sorted(TABLE)
    assert len(ACTIONS) == 19
    for name, action in ACTIONS.items():
        for ours, theirs in COLUMNS.items():
            expected = TABLE[name][theirs].replace("notApplicable", "-")
            assert getattr(action, ours) == expected, (name, theirs)


@pytest.mark.parametrize("name", sorted(TABLE))
def test_each_action_changes_balances_as_the_table_says(name: str) -> None:
    signs = {
        "notApplicable": (0, 0),
        "increment": (1, 0),
        "decrement": (-1, 0),
        "decrementIncrement": (-1, 1),
        "incrementTo": (0, 1),
    }
    books, shelf = (signs[TABLE[name][f"{key}Effect"]] for key in ("accounting", "onhand"))
    bakery = Bakery()
    mine, other = (
        bakery.make(bakery.mei, bakery.bread, 10),
        bakery.make(bakery.mei, bakery.bread, 10),
    )
    data: dict[str, Any] = {"resourceInventoriedAs": mine.id, "receiver": bakery.mei.owner.id}
    data |= effort(4) if TABLE[name]["eventQuantity"] == "effort" else amount(4)
    taken = 0
    if name in TAKER_OF:
        bakery.row(bakery.event(bakery.mei, TAKER_OF[name], data))
        taken = 4
    if books[1] or shelf[1]:
        data["toResourceInventoriedAs"] = other.id
    bakery.row(bakery.event(bakery.mei, name, data))
    assert bakery.balance(mine) == (10 + 4 * books[0], 10 - taken + 4 * shelf[0])
    assert bakery.balance(other) == (10 + 4 * books[1], 10 + 4 * shelf[1])


@pytest.mark.parametrize("case", EXAMPLES, ids=lambda case: case["title"])
def test_the_examples_of_valueflows_come_out_as_printed(case: dict[str, Any]) -> None:
    bakery = Bakery()
    before, step, after = case["steps"][:2], case["steps"][2], case["steps"][3:]
    alice = bakery.jun
    bob = bakery.jun if step["provider"] == step["receiver"] else bakery.lin
    source = bakery.make(alice, bakery.coin, before[0]["accounting"])
    target = bakery.make(bob, bakery.coin, before[1]["accounting"])
    data = between(source, target, bob) | amount(step["qty"], "coin")
    bakery.row(bakery.event(alice, step["event"], data, source, target))
    assert bakery.balance(source)[0] == after[0]["accounting"] == 440
    assert bakery.balance(target)[0] == after[1]["accounting"] == 580


def test_a_book_is_lent_and_returned() -> None:
    bakery = Bakery()
    book = bakery.make(bakery.jun, bakery.book, 1)
    data = between(book, None, bakery.lin) | amount(1, "one")
    lent = bakery.event(bakery.jun, "transferCustody", data, book)
    assert bakery.balance(book) == (1, 0)
    assert bakery.balance(lent) == (0, 1)
    assert bakery.resource(lent).accountable == bakery.jun.owner.id
    assert bakery.resource(lent).custodian == bakery.lin.owner.id
    sold = bakery.event(
        bakery.lin, "transfer", between(lent, None, bakery.mei) | amount(1, "one"), lent
    )
    assert bakery.verdict(sold) == Reason.NOT_THEIRS
    data = between(lent, None, bakery.jun) | amount(1, "one")
    unnamed = bakery.event(bakery.lin, "transferCustody", data, lent)
    assert bakery.verdict(unnamed) == Reason.RETURN_NOT_NAMED
    data = between(lent, book, bakery.jun) | amount(1, "one")
    returned = bakery.event(bakery.lin, "transferCustody", data, lent, book)
    assert bakery.verdict(returned) is None
    assert (bakery.balance(book), bakery.balance(lent)) == ((1, 1), (0, 0))


def test_a_workshop_turns_flour_and_work_into_bread() -> None:
    bakery = Bakery()
    flour = bakery.mei.write("spec.resource", {"name": "flour", "unit": "kilogram"})
    baked = bakery.mei.write("spec.process", {"name": "baked"})
    process = bakery.mei.write("process", {"basedOn": baked.id})
    sack = bakery.make(bakery.jun, flour, 25)
    eaten = {"resourceInventoriedAs": sack.id, "inputOf": process.id}
    bakery.row(bakery.event(bakery.jun, "consume", eaten | amount(5, "kilogram"), process, sack))
    worked = {"inputOf": process.id, "factor": "labour", "inScopeOf": "bakery"}
    row = bakery.row(bakery.event(bakery.lin, "work", worked | effort(250, "hour", 2), process))
    assert row.effort == [250, 2, "hour"]
    assert (row.factor, row.scope, row.input_of) == ("labour", "bakery", process.id)
    out: dict[str, Any] = {"outputOf": process.id, "resourceConformsTo": bakery.bread.id}
    out |= {"newInventoriedResource": {}, "receiver": bakery.jun.owner.id, "atLocation": "shelf"}
    bread = bakery.event(bakery.lin, "produce", out | amount(40), process)
    assert bakery.balance(sack) == (20, 20)
    assert bakery.balance(bread) == (40, 40)
    made = bakery.resource(bread)
    assert (made.accountable, made.custodian) == (bakery.jun.owner.id, bakery.jun.owner.id)
    assert (made.stage, made.location, made.spec) == (baked.id, "shelf", bakery.bread.id)


def test_a_transfer_begins_a_resource_for_its_receiver() -> None:
    bakery = Bakery()
    mine = bakery.make(bakery.jun, bakery.bread, 10)
    data = between(mine, None, bakery.lin) | amount(25, "loaf", 1) | {"state": "fresh"}
    given = bakery.event(bakery.jun, "transfer", data, mine)
    bakery.row(given)
    row = bakery.resource(given)
    assert (row.accounting, row.onhand, row.scale, row.unit) == (25, 25, 1, "loaf")
    assert (row.accountable, row.spec, row.state) == (
        bakery.lin.owner.id,
        bakery.bread.id,
        "fresh",
    )
    assert (bakery.balance(mine), bakery.resource(mine).scale) == ((75, 75), 1)


def test_rights_and_custody_go_separately() -> None:
    bakery = Bakery()
    mine = bakery.make(bakery.jun, bakery.bread, 10)
    data = between(mine, None, bakery.lin) | amount(10)
    rights = bakery.event(bakery.jun, "transferAllRights", data, mine)
    assert (bakery.balance(mine), bakery.balance(rights)) == ((0, 10), (10, 0))
    assert bakery.resource(rights).accountable == bakery.lin.owner.id


def test_what_is_packed_lies_in_its_container_until_it_is_taken_out() -> None:
    bakery = Bakery()
    bread, box = bakery.make(bakery.jun, bakery.bread, 10), bakery.make(bakery.jun, bakery.book, 1)
    packed = {"resourceInventoriedAs": bread.id, "containedIn": box.id}
    bakery.row(bakery.event(bakery.jun, "combine", packed | amount(10), bread, box))
    assert bakery.resource(bread).contained == box.id
    assert bakery.balance(bread) == (10, 0)
    bakery.row(
        bakery.event(bakery.jun, "separate", {"resourceInventoriedAs": bread.id} | amount(10))
    )
    assert bakery.resource(bread).contained is None
    assert bakery.balance(bread) == (10, 10)


def test_income_comes_from_outside_into_the_communitys_purse() -> None:
    bakery = Bakery()
    data = {"provider": bytes(16), "receiver": bakery.community, "newInventoriedResource": {}}
    data |= {"resourceConformsTo": bakery.coin.id}
    income = bakery.event(bakery.mei, "transfer", data | amount(500, "coin"))
    assert bakery.balance(income) == (0, 0)
    bakery.jun.write("attest", {"event": income.id, "say": "yes"}, [income])
    assert bakery.balance(income) == (500, 500)
    assert bakery.resource(income).accountable == bakery.community
    forged = bakery.event(
        bakery.jun, "transfer", data | {"receiver": bakery.lin.owner.id} | amount(5, "coin")
    )
    assert bakery.verdict(forged) == Reason.NOT_YOURS
    from_nowhere = data | {"provider": bakery.jun.owner.id}
    made = bakery.event(bakery.jun, "transfer", from_nowhere | amount(5, "coin"))
    assert bakery.verdict(made) == Reason.UNKNOWN_RESOURCE


def test_effort_changes_no_balance() -> None:
    bakery = Bakery()
    oven = bakery.make(bakery.jun, bakery.book, 1)
    used = bakery.event(bakery.jun, "use", {"resourceInventoriedAs": oven.id} | effort(3))
    worked = bakery.event(bakery.jun, "work", {"resourceInventoriedAs": oven.id} | effort(3))
    assert bakery.verdict(used) is bakery.verdict(worked) is None
    assert bakery.balance(oven) == (1, 1)


def test_work_of_another_or_of_someone_outside_may_be_recorded() -> None:
    bakery = Bakery()
    for provider in (bakery.lin.owner.id, bytes(range(16))):
        data = {"provider": provider} | amount(1, "commit")
        assert bakery.row(bakery.event(bakery.jun, "produce", data)).provider == provider


def bad_events(bakery: Bakery) -> list[tuple[str, dict[str, Any], Reason]]:
    return [*bad_fields(bakery), *bad_resources(bakery)]


def bad_fields(bakery: Bakery) -> list[tuple[str, dict[str, Any], Reason]]:
    lin = {"receiver": bakery.lin.owner.id}
    process = bakery.jun.write("process").id
    return [
        ("sing", amount(1), Reason.UNKNOWN_ACTION),
        ("produce", {}, Reason.NO_QUANTITY),
        ("produce", effort(1), Reason.NOT_THIS_QUANTITY),
        ("work", amount(1), Reason.NOT_THIS_QUANTITY),
        ("work", {}, Reason.NO_EFFORT),
        ("use", {}, Reason.NO_QUANTITY),
        ("produce", amount(1, "furlong"), Reason.UNKNOWN_UNIT),
        ("work", effort(1, ""), Reason.UNKNOWN_UNIT),
        ("produce", {"resourceQuantity": {"n": 1, "unit": "loaf"}}, Reason.SHAPE),
        ("produce", {"resourceQuantity": quantity(1, "loaf", 10)}, Reason.SHAPE),
        ("produce", {"resourceQuantity": [1, 0, "loaf"]}, Reason.SHAPE),
        ("produce", amount(-1), Reason.NEGATIVE),
        ("work", effort(-1), Reason.NEGATIVE),
        ("work", effort(1) | {"provider": b"nobody"}, Reason.UNKNOWN_AGENT),
        ("work", effort(1) | {"provider": None}, Reason.UNKNOWN_AGENT),
        ("work", effort(1) | {"receiver": bytes(32)}, Reason.UNKNOWN_AGENT),
        ("work", effort(1) | {"factor": "luck"}, Reason.UNKNOWN_FACTOR),
        ("work", effort(1) | {"factor": ["luck"]}, Reason.UNKNOWN_FACTOR),
        ("work", effort(1) | {"inScopeOf": " a"}, Reason.SHAPE),
        ("work", effort(1) | {"inputOf": bytes(32)}, Reason.UNKNOWN_PROCESS),
        ("work", effort(1) | {"inputOf": 3}, Reason.SHAPE),
        ("work", effort(1) | {"outputOf": process}, Reason.NOT_THIS_SIDE),
        ("produce", amount(1) | {"inputOf": process}, Reason.NOT_THIS_SIDE),
        ("transfer", amount(1) | lin | {"inputOf": process}, Reason.NOT_THIS_SIDE),
        ("work", effort(1) | {"fulfills": bytes(32)}, Reason.UNKNOWN_PLAN),
        ("work", effort(1) | {"satisfies": "x"}, Reason.SHAPE),
        ("work", effort(1) | {"corrects": bytes(32)}, Reason.UNKNOWN_EVENT),
        ("work", effort(1) | {"corrects": 1}, Reason.SHAPE),
    ]


def bad_resources(bakery: Bakery) -> list[tuple[str, dict[str, Any], Reason]]:
    mine = bakery.make(bakery.jun, bakery.bread, 10).id
    yours = bakery.make(bakery.lin, bakery.bread, 10).id
    coins = bakery.make(bakery.jun, bakery.coin, 10).id
    lin = {"receiver": bakery.lin.owner.id}
    of = {"resourceInventoriedAs": mine}
    return [
        ("produce", amount(1) | {"resourceConformsTo": bytes(32)}, Reason.UNKNOWN_SPEC),
        ("produce", amount(1) | {"resourceConformsTo": bakery.coin.id}, Reason.WRONG_UNIT),
        ("consume", amount(1, "coin") | of, Reason.WRONG_UNIT),
        ("consume", amount(1) | {"resourceInventoriedAs": bytes(32)}, Reason.UNKNOWN_RESOURCE),
        ("consume", amount(1) | {"resourceInventoriedAs": "x"}, Reason.SHAPE),
        ("consume", amount(11) | of, Reason.NOT_ENOUGH),
        ("consume", amount(1) | {"resourceInventoriedAs": yours}, Reason.NOT_YOURS),
        ("raise", amount(1) | {"resourceInventoriedAs": yours}, Reason.NOT_YOURS),
        ("raise", amount(2**63 - 1) | of, Reason.TOO_LARGE),
        ("cite", amount(1) | {"resourceInventoriedAs": yours, "state": "mine"}, Reason.NOT_YOURS),
        ("consume", amount(1) | of | {"newInventoriedResource": {}}, Reason.NO_NEW_RESOURCE),
        ("produce", amount(1) | {"newInventoriedResource": 1}, Reason.SHAPE),
        ("consume", amount(1) | of | {"toResourceInventoriedAs": yours}, Reason.NO_NEW_RESOURCE),
        ("transfer", amount(1) | of, Reason.ONE_SIDE),
        ("transfer", amount(1) | of | lin, Reason.NO_OTHER_RESOURCE),
        ("transfer", amount(1) | of | lin | {"toResourceInventoriedAs": mine}, Reason.ONE_SIDE),
        ("transfer", amount(1) | of | lin | {"toResourceInventoriedAs": coins}, Reason.WRONG_UNIT),
        (
            "transfer",
            amount(1) | lin | {"resourceInventoriedAs": yours, "newInventoriedResource": {}},
            Reason.NOT_THEIRS,
        ),
        (
            "transfer",
            amount(1) | of | {"receiver": bakery.founder.id, "toResourceInventoriedAs": yours},
            Reason.NOT_THEIRS,
        ),
        ("move", amount(1) | of | lin | {"toResourceInventoriedAs": yours}, Reason.NOT_THEIRS),
    ]


@pytest.mark.parametrize("number", range(len(bad_events(Bakery()))))
def test_a_bad_event_counts_for_nothing_and_says_why(number: int) -> None:
    bakery = Bakery()
    action, data, reason = bad_events(bakery)[number]
    before = bakery.ledger().state.to_bytes()
    refused = bakery.event(bakery.jun, action, data, bakery.lin.log[-1])
    assert bakery.verdict(refused) == reason
    assert bakery.ledger().state.to_bytes() == before


def test_things_of_one_unit_and_another_kind_do_not_mix() -> None:
    bakery = Bakery()
    cake = bakery.mei.write("spec.resource", {"name": "cake", "unit": "loaf"})
    bread, sweet = bakery.make(bakery.jun, bakery.bread, 10), bakery.make(bakery.lin, cake, 10)
    data = between(bread, sweet, bakery.lin) | amount(1)
    mixed = bakery.event(bakery.jun, "transfer", data, sweet)
    assert bakery.verdict(mixed) == Reason.WRONG_SPEC
    data = {"resourceInventoriedAs": bread.id, "resourceConformsTo": cake.id} | amount(1)
    assert bakery.verdict(bakery.event(bakery.jun, "consume", data, sweet)) == Reason.WRONG_SPEC


def test_a_correction_counts_more_or_less_and_never_below_nothing() -> None:
    bakery = Bakery()
    bread = bakery.make(bakery.jun, bakery.bread, 10)
    less = bakery.event(bakery.jun, "raise", {"corrects": bread.id} | amount(-4))
    assert bakery.verdict(less) is None
    assert bakery.balance(bread) == (6, 6)
    row = bakery.row(bread)
    assert (row.quantity, row.corrections) == ([6, 0, "loaf"], 1)
    for pen, action, data, reason in (
        (bakery.jun, "raise", amount(-7), Reason.NEGATIVE),
        (bakery.lin, "raise", amount(-1), Reason.NOT_YOURS),
        (bakery.jun, "lower", amount(1), Reason.WRONG_CORRECTION),
        (bakery.jun, "raise", amount(-1, "coin"), Reason.WRONG_CORRECTION),
        (bakery.jun, "raise", amount(2**63 - 1), Reason.TOO_LARGE),
    ):
        record = bakery.event(pen, action, {"corrects": bread.id} | data, less)
        assert bakery.verdict(record) == reason
    mine = bakery.event(bakery.jun, "consume", {"resourceInventoriedAs": bread.id} | amount(6))
    gone = bakery.event(bakery.jun, "raise", {"corrects": bread.id} | amount(-1))
    assert bakery.verdict(mine) is None
    assert bakery.verdict(gone) == Reason.NOT_ENOUGH


def test_a_corrected_transfer_moves_the_difference_back() -> None:
    bakery = Bakery()
    mine = bakery.make(bakery.jun, bakery.bread, 10)
    given = bakery.event(bakery.jun, "transfer", between(mine, None, bakery.lin) | amount(6), mine)
    less = bakery.event(bakery.jun, "transfer", {"corrects": given.id} | amount(-25, "loaf", 1))
    assert bakery.verdict(less) is None
    bakery.lin.write("attest", {"event": less.id, "say": "yes"}, [less])
    assert (bakery.balance(mine), bakery.balance(given)) == ((65, 65), (35, 35))


def test_actions_are_not_changed_by_whoever_reads_them() -> None:
    with pytest.raises(TypeError):
        actions.ACTIONS["sing"] = ACTIONS["work"]  # type: ignore[index]
