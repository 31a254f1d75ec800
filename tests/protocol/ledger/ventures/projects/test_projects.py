"""Projects: who opens, joins and leaves them, and which scope is theirs."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.ventures.projects import projects
from tests.protocol.ledger.council import START
from tests.protocol.ledger.fellowship import Fellowship
from tests.protocol.ledger.village import TEXT


def test_who_opens_a_project_is_in_it_and_others_join_and_leave() -> None:
    shop = Fellowship()
    press = shop.open("Jun")
    shop.enter(press, "Ana", "Bo")
    shop.leave(press, "Bo")
    shop.cut()
    final = shop.history.final
    assert {*projects.members_of(final, press.id)} == {shop.id("Jun"), shop.id("Ana")}
    row = shop.project(press)
    assert (row.name, row.members, row.since, row.status) == ("press", 2, 2, "open")
    assert projects.project_of(final, "press") == press.id
    assert projects.project_of(final, "Press") is None, "a scope is the name, letter by letter"


def test_joining_again_counts_and_joining_twice_does_not() -> None:
    shop = Fellowship()
    press = shop.open("Jun")
    shop.enter(press, "Ana")
    again = shop.write("Ana", "project.join", {"project": press.id})
    assert shop.verdict(again) is Reason.NOTHING_NEW
    assert shop.verdict(shop.leave(press, "Bo")) is Reason.NOT_IN_PROJECT
    shop.leave(press, "Ana")
    assert shop.verdict(shop.leave(press, "Ana")) is Reason.NOT_IN_PROJECT
    back = shop.write("Ana", "project.join", {"project": press.id})
    assert shop.verdict(back) is None


BAD: tuple[dict[str, Any], ...] = (
    {"name": ""},
    {"name": "two  spaces"},
    {"name": "n" * 65},
    {"name": None},
    {"split": "half"},
    {"split": None},
    {"end": -1},
    {"end": True},
    {"end": "friday"},
)


@pytest.mark.parametrize("over", BAD)
def test_a_project_of_another_form_is_none(over: dict[str, Any]) -> None:
    shop = Fellowship()
    assert shop.verdict(shop.open("Jun", **over)) is Reason.SHAPE


def test_a_project_says_what_it_is_for() -> None:
    shop = Fellowship()
    bare = shop.write("Jun", "project", {"name": "press", "split": "equal"})
    assert shop.verdict(bare) is Reason.SHAPE


@pytest.mark.parametrize("kind", ["project.join", "project.leave"])
def test_only_an_open_project_is_joined_and_left(kind: str) -> None:
    shop = Fellowship()
    assert shop.verdict(shop.write("Jun", kind, {"project": 3})) is Reason.SHAPE
    unknown = shop.write("Jun", kind, {"project": shop.community})
    assert shop.verdict(unknown) is Reason.UNKNOWN_PROJECT
    press = shop.open("Jun")
    shop.leave(press, "Jun")
    shop.cut()
    assert shop.project(press).status == "closed"
    assert shop.verdict(shop.write("Ana", kind, {"project": press.id})) is Reason.PROJECT_CLOSED


@pytest.mark.parametrize("other", ["press", "Press", "рress", "préss"])
def test_names_that_look_alike_are_refused_for_ever(other: str) -> None:
    shop = Fellowship()
    press = shop.open("Jun")
    assert shop.verdict(shop.open("Ana", other)) is Reason.NAME_TAKEN
    shop.leave(press, "Jun")
    shop.cut()
    assert shop.verdict(shop.open("Ana", other)) is Reason.NAME_TAKEN, "also once it has closed"


@pytest.mark.parametrize("most", [1, 3])
def test_a_member_opens_as_many_as_the_rules_allow(most: int) -> None:
    shop = Fellowship(open_per_member=most)
    opened = [shop.open("Jun", f"project {number}") for number in range(most)]
    assert {shop.verdict(one) for one in opened} == {None}
    assert shop.verdict(shop.open("Jun", "one more")) is Reason.TOO_MANY_PROJECTS
    assert shop.verdict(shop.open("Ana", "of another")) is None
    shop.leave(opened[0], "Jun")
    shop.cut()
    assert shop.verdict(shop.open("Jun", "one more")) is None


def test_rules_may_let_nobody_or_a_role_open_projects() -> None:
    shop = Fellowship(open_per_member=0)
    assert shop.verdict(shop.open("Jun")) is Reason.TOO_MANY_PROJECTS
    shop = Fellowship(opener="consumer")
    assert shop.verdict(shop.open("Jun")) is Reason.NOT_AN_OPENER
    shop.write("Jun", "role.claim", {"role": "consumer"})
    assert shop.verdict(shop.open("Jun")) is None


def test_a_project_ends_after_the_last_seal() -> None:
    shop = Fellowship()
    last = shop.history.cut.time_ms
    assert shop.verdict(shop.open("Jun", end=last)) is Reason.ENDS_IN_THE_PAST
    assert shop.verdict(shop.open("Jun", end=last + 1)) is None
    assert last > START


def test_a_name_that_is_in_use_as_a_scope_makes_the_project_void() -> None:
    """Nobody takes over what a scope earns by opening a project of its name."""
    shop = Fellowship()
    shop.work("Ana", 1, inScopeOf="shop")
    shop.cut()
    taken = shop.open("Jun", "shop")
    shop.cut()
    row = shop.project(taken)
    assert (row.status, row.cause, row.height) == ("void", "scope", 3)
    assert projects.open_projects(shop.history.final) == []
    shop.earn(900, inScopeOf="shop")
    shop.cut()
    assert shop.held("shop") == 0


def test_what_is_booked_with_the_project_is_its_own() -> None:
    shop = Fellowship()
    shop.work("Ana", 1, by="Bo", inScopeOf="press")
    press = shop.open("Jun")
    shop.cut()
    assert shop.project(press).status == "open", "one seal covers both"


def test_a_scope_of_the_rules_is_no_projects() -> None:
    shop = Fellowship()
    table = dict(shop.history.ruleset.document["pools"])
    bucket = {**table["income"]["buckets"][0], "scope": "press"}
    change = shop.patch("Jun", {"pools": {"income": {"buckets": [bucket]}}})
    shop.say(change, "yes", "Mei Jun Ana Bo")
    shop.cut()
    shop.cut(25)
    press = shop.open("Jun")
    shop.cut()
    assert shop.project(press).cause == "scope"


def test_who_leaves_the_community_leaves_its_projects() -> None:
    shop = Fellowship()
    press = shop.open("Jun")
    shop.enter(press, "Ana")
    shop.write("Jun", "member.leave", {})
    shop.cut()
    assert shop.project(press).members == 1
    assert projects.members_of(shop.history.final, press.id) == [shop.id("Ana")]


def test_the_purpose_can_be_erased_and_the_project_goes_on() -> None:
    shop = Fellowship()
    press = shop.open("Jun")
    shop.write("Jun", "body.erase", {"record": press.id, "body": TEXT.hash})
    shop.cut()
    assert shop.project(press).status == "open"
