"""What members read is there in Chinese as fully as in English; each check, given a fault, sees it.

A page with a translation that changes fails here until the translation has the same headings,
examples, tables, code, numbers and links.
"""

from __future__ import annotations

import pytest

from tests.house import translations
from tests.house.test_tidy import PAGES, ROOT, name
from tests.house.translations import differences, strange_links, translated

MEMBERS_READ = frozenset(
    {
        "README.md",
        "docs/collective.md",
        "docs/exporting.md",
        "docs/importing.md",
        "docs/installing.md",
        "docs/keeping.md",
        "docs/page.md",
        "docs/proving.md",
        "docs/recipes.md",
        "docs/refounding.md",
        "docs/rounds.md",
        "docs/credit.md",
        "docs/rules.md",
        "docs/settlement.md",
        "docs/taking-part.md",
        "docs/templates/README.md",
        "docs/templates/cooperative.md",
        "docs/templates/open-source.md",
        "docs/templates/time-bank.md",
        "docs/templates/value-network.md",
    }
)
"""The pages that must have a translation; others may have one."""

TRANSLATED = frozenset(name(page) for page in PAGES if (ROOT / translated(name(page))).is_file())


def text(place: str) -> str:
    return (ROOT / place).read_text("utf-8")


@pytest.mark.parametrize("place", sorted(TRANSLATED))
def test_a_page_and_its_translation_differ_in_words_alone(place: str) -> None:
    assert not list(differences(text(place), text(translated(place))))


@pytest.mark.parametrize("place", sorted(TRANSLATED))
def test_a_translation_links_where_its_page_does(place: str) -> None:
    page, other = text(place), text(translated(place))
    assert not list(strange_links(place, page, other, TRANSLATED))


@pytest.mark.parametrize("place", sorted(TRANSLATED))
def test_a_page_links_to_its_translation(place: str) -> None:
    assert translated(place) in translations.linked(place, text(place))


def test_what_members_read_has_a_translation() -> None:
    assert MEMBERS_READ <= TRANSLATED


def test_a_translation_is_of_a_page() -> None:
    there = {name(page) for page in PAGES if ".zh" in page.name}
    assert there == {translated(place) for place in TRANSLATED}


PAGE = """\
# Losing nothing

[中文](keeping.zh.md)

```console
$ weal --home mei record work 3 hours --note "sowed beans"
Recorded: work 3 hour. It is on this node, as ...
$ cat > rules.toml <<'END'
> name = "The beans"
> END
$ false
[1]
```

```sh
weal up --background  # once
```

See [rules](rules.md) for `--note`, and at most 64 of `vouches`.

| key | default |
|---|---|
| `vouches` | `2` of 10 |
"""
OTHER = """\
# 什么都不丢

[English](keeping.md)

```console
$ weal --home mei record 工作 3 小时 --note "播种"
已记下：工作 3 小时。...
$ cat > rules.toml <<'END'
> name = "豆子"
> END
$ false
[1]
```

```sh
weal up --background  # 一次
```

`--note` 见[规则](rules.zh.md)；`vouches` 至多 64 个。

| 键 | 默认 |
|---|---|
| `vouches` | 10 中的 `2` |
"""


def compared(page: str, other: str) -> list[str]:
    pages = frozenset({"docs/keeping.md", "docs/rules.md"})
    return [*differences(page, other), *strange_links("docs/keeping.md", page, other, pages)]


def test_a_translation_in_other_words_is_alike() -> None:
    assert compared(PAGE, OTHER) == []


@pytest.mark.parametrize(
    ("shared", "planted"),
    [
        ("# 什么都不丢\n", "# 什么都不丢\n\n## 备份\n"),
        ("# 什么", "## 什么"),
        ("小时 --note", "小时 --wait"),
        ('--note "播种"', '--note "播种" --wait 1'),
        ('--note "播种"', "播种 播种"),
        ("record 工作 3", "record 工作 4"),
        ("已记下：工作 3 小时。...\n", "$ weal 状态\n"),
        ("> END", "> [values]\n> END"),
        ('> name = "豆子"', '> name = "beans"'),
        ("[1]", "[2]"),
        ("```console", "```sh"),
        ("weal up --background", "weal up"),
        ("weal up --background", "weal up --background 二"),
        ("`--note` 见", "`--text` 见"),
        ("至多 64 个", "至多 32 个"),
        ("rules.zh.md", "rules.md"),
        ("见[规则](rules.zh.md)", "见规则"),
        ("[English](keeping.md)", ""),
        ("10 中的 `2`", "10 中的 `3`"),
        ("10 中的 `2`", "11 中的 `2`"),
        ("| `vouches` | 10 中的 `2` |\n", ""),
        ("10 中的 `2` |", "10 中的 `2` | |"),
    ],
)
def test_a_difference_that_is_planted_is_seen(shared: str, planted: str) -> None:
    assert shared in OTHER
    assert compared(PAGE, OTHER.replace(shared, planted, 1))


def test_what_is_new_on_the_page_alone_is_seen() -> None:
    assert compared(PAGE + "\n## What is wrong?\n", OTHER)
    assert compared(PAGE.replace("`--note`", "`--note`, `--wait`"), OTHER)
    assert compared(PAGE + "\n[seals](seals.md)\n", OTHER)


def test_the_page_of_the_project_has_the_name_that_readers_know() -> None:
    assert translated("README.md") == "README.zh-CN.md"
    assert translated("docs/templates/README.md") == "docs/templates/README.zh.md"
