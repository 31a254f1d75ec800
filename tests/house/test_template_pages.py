"""The page of each template shows every rule of it at work: the pages run, so what they show is so.

A rule that is added to a template fails here until its page shows it.
"""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest

from commonweal.client.governance.rule_templates import TEMPLATES, text_of_rules
from commonweal.protocol.ledger.members.roles import WITNESS
from commonweal.protocol.rules.document import Ruleset, read_toml

PAGES = Path(__file__).parents[2] / "docs" / "templates"
CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)

ALIKE = {"technology"}
"""Factors that a rule counts as it counts another, which a page shows."""

SHOWN_BY = {
    "campaigns": "campaign new ",
    "credit": "pay ",
    "data": "consent grant ",
    "exchange": "--community",
    "match": " match ",
    "projects": "project new ",
    "promotion": "promote $(cat offer) ",
    "reports": "report factors",
    "reviews": "review $(cat deal) ",
}
"""Sections of what members do beside contributions, and the command by which a page shows each."""


def template(name: str) -> Ruleset:
    return read_toml(text_of_rules(name))


def shown(name: str) -> str:
    """Return what is typed and printed on the page of a template."""
    return "\n".join(CONSOLE.findall((PAGES / f"{name}.md").read_text("utf-8")))


def test_each_template_that_is_shipped_has_a_page() -> None:
    folder = resources.files("commonweal.protocol.rules") / "templates"
    shipped = {entry.name.removesuffix(".toml") for entry in folder.iterdir()}
    pages = {page.stem.removesuffix(".zh") for page in PAGES.glob("*.md")} - {"README"}
    assert shipped == {*TEMPLATES} == pages


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_bucket_of_a_template_pays_on_its_page(name: str) -> None:
    page = shown(name)
    assert f"--rules {name} " in page
    for pool in template(name).pools:
        assert f"from the pool {pool.name}." in page
        for bucket in pool.buckets:
            said = f"By the rule {bucket.name}: {bucket.en[:40]}"
            assert said in page, f"{bucket.name} pays nobody"
        commissions = re.findall(r"^(\d+) of 100 of .*\na commission on what", page, re.MULTILINE)
        assert {*map(int, commissions)} == {
            part.above * 100 // part.below for part in pool.commission
        }


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_value_role_and_condition_of_a_template_is_at_work_on_its_page(name: str) -> None:
    page, rules = shown(name), template(name)
    for action, points in rules.values.items():
        assert f"record {action} " in page, f"nobody does {action}"
        is_nothing = rules.document["value"][action]["points"] == "0"
        valued = re.search(rf"record {action} .*\nRecorded: .*\n.* = [\d,]+ points once", page)
        assert is_nothing or valued, f"{action} is worth nothing: {points}"
    for factor in re.findall(r"'(\w+)'", str(rules.document["value"])):
        if factor in rules.factors and factor not in ALIKE:
            assert f"--factor {factor} " in page, f"nobody gives {factor}"
    for role in {*rules.document["roles"]} - {WITNESS}:
        assert f"role claim {role}" in page, f"nobody is {role}"
    for condition in rules.admissions:
        said = rules.sentence("en", "admit", condition.name).rstrip(".")
        assert f"a condition of the rules is not met: {said}" in page


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_section_of_a_template_that_members_act_by_is_at_work_on_its_page(name: str) -> None:
    sections = template(name).document
    for section, command in SHOWN_BY.items():
        if section in sections:
            for page in (name, f"{name}.zh"):
                assert command in shown(page), f"nothing on {page} shows {section}"


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_translation_shows_each_rule_in_its_own_words(name: str) -> None:
    page, rules = shown(f"{name}.zh"), template(name)
    for pool in rules.pools:
        assert f"从资金池 {pool.name} 分得" in page
        for bucket in pool.buckets:
            assert f"依据规则 {bucket.name}：{bucket.zh}" in page
    for condition in rules.admissions:
        said = rules.sentence("zh", "admit", condition.name).rstrip("。")
        assert f"没有满足规则的一个条件：{said}" in page
