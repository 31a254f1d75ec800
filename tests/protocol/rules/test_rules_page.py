"""docs/rules.md names every key of a ruleset, every field that rules read, and every limit.

Its translation has the same tables (tests/house/test_translations.py); its sentences are read here.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from commonweal.protocol.rules import document, schema
from commonweal.protocol.rules.environment import EVENT
from commonweal.protocol.rules.schema import Fields

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "rules.md").read_text("utf-8")
PAGE = PAGE.split("\n## The expression language\n")[0]


def section(title: str) -> str:
    return PAGE.split(f"\n### {title}\n")[1].split("\n### ")[0]


def rows(text: str) -> dict[str, str]:
    """Every key in the first column of a table, with the rest of its row."""
    found: dict[str, str] = {}
    for line in text.split("\n"):
        if line.startswith("| `"):
            keys, rest = line[2:].split(" | ", 1)
            found |= dict.fromkeys(re.findall(r"`([^`]+)`", keys), rest)
    return found


@pytest.mark.parametrize(
    ("title", "tables"),
    [
        (
            "Membership, contributions, roles, conditions, values",
            [schema.MEMBERSHIP, schema.CONTRIBUTIONS, schema.ROLE, schema.ADMISSION, schema.VALUE],
        ),
        ("Pools and buckets", [schema.POOL, schema.BUCKET]),
        ("Giving rounds", [schema.ROUND]),
        ("Exchange", [schema.EXCHANGE]),
        ("Credit between members", [schema.CREDIT]),
        ("Suggestions", [schema.MATCH]),
        ("Governance", [schema.LAZY]),
        ("Finality", [schema.FINALITY]),
    ],
)
def test_every_key_stands_on_the_page_with_its_default(title: str, tables: list[Fields]) -> None:
    known = rows(section(title))
    fields = {
        name: field for table in tables for name, field in table.items() if name not in ("en", "zh")
    }
    assert set(fields) - set(known) == set()
    assert set(known) - set(fields) <= {*schema.CLASSES}
    for name, field in fields.items():
        if field.sort == "count" and field.default is not None:
            assert f"`{field.default}`" in known[name], name
        if field.sort == "flag":
            assert f"`{str(field.default).lower()}`" in known[name], name
        if field.sort == "choice":
            assert f"`{field.choices[0]}`" in known[name], name


def test_pages_and_templates_say_when_seals_are_made_without_being_asked() -> None:
    assert schema.FINALITY["interval_minutes"].default == 1
    said = {
        "README.md": "sealed automatically within a minute",
        "README.zh-CN.md": "一分钟内会自动封账",
        "docs/seals.md": "a minute (or what the\nrules say) after a contribution",
    }
    for page, sentence in said.items():
        assert sentence in (ROOT / page).read_text("utf-8"), page
    for template in sorted((ROOT / "protocol" / "rules" / "templates").glob("*.toml")):
        assert document.read_toml(template.read_text("utf-8")).interval_ms == 60_000, template.name


def test_every_choice_stands_on_the_page() -> None:
    titles = ("Pools and buckets", "Governance", "Credit between members")
    text = "".join(map(section, titles))
    for table in (schema.POOL, schema.BUCKET, schema.LAZY, schema.CREDIT):
        for field in table.values():
            for choice in field.choices if field.sort == "choice" else ():
                assert f"`{choice}`" in text, choice
    for choice in schema.LAZY["covers"].choices:
        assert f"`{choice}`" in section("Governance")


def test_every_field_that_a_rule_reads_stands_on_the_page() -> None:
    known = rows(section("What an expression reads"))
    assert set(known) == set(EVENT.fields)


def test_the_limits_stand_on_the_page() -> None:
    assert f"at most {document.DOCUMENT_BYTES_MAX // 1024} KiB" in PAGE
    assert f"{schema.SENTENCE_CHARACTERS_MAX:,} characters" in PAGE
    assert f"`charter` has {schema.CHARTER_CHARACTERS_MAX:,}" in PAGE
    for table, most in (("roles.NAME", schema.ROLES_MAX), ("admit.NAME", schema.ADMISSIONS_MAX)):
        assert f"`[{table}]`, at most {most}" in PAGE
    assert f"`[pools.NAME]`, at most {schema.POOLS_MAX}" in PAGE
    assert f"`[rounds.NAME]`, at most {schema.ROUNDS_MAX}" in PAGE
    assert f"`[credit.UNIT]`, at most {schema.CREDITS_MAX}" in PAGE
    assert f"no limit is beyond {schema.CREDIT_MAX:,}" in PAGE
    assert f"`[[pools.NAME.buckets]]`, at most {schema.BUCKETS_MAX}" in PAGE
    assert f"at most {schema.COMMISSION_DEPTH_MAX} steps" in PAGE


def test_the_limits_stand_in_the_sentences_of_the_translation() -> None:
    page = (ROOT / "docs" / "rules.zh.md").read_text("utf-8")
    assert f"至多 {document.DOCUMENT_BYTES_MAX // 1024} KiB" in page
    assert f"每句至多 {schema.SENTENCE_CHARACTERS_MAX:,} 个字符" in page
    assert f"`charter` 可有 {schema.CHARTER_CHARACTERS_MAX:,} 个" in page
    assert f"`[roles.NAME]`，至多 {schema.ROLES_MAX} 个" in page
    assert f"`[admit.NAME]`，至多 {schema.ADMISSIONS_MAX} 个" in page
    assert f"`[pools.NAME]`，至多 {schema.POOLS_MAX} 个" in page
    assert f"`[rounds.NAME]`，至多 {schema.ROUNDS_MAX} 个" in page
    assert f"`[credit.UNIT]`，至多 {schema.CREDITS_MAX} 个" in page
    assert f"都不超过 {schema.CREDIT_MAX:,}" in page
    assert f"`[[pools.NAME.buckets]]` 是资金池的分配项，至多 {schema.BUCKETS_MAX} 个" in page
    assert f"至多 {schema.COMMISSION_DEPTH_MAX} 级" in page
