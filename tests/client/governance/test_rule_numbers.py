"""The numbers of rules: where they stand in the sentences, and what becomes of them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

import pytest

from commonweal.client.governance.number_words import NumberKind, chinese, spelled, spellings
from commonweal.client.governance.rule_numbers import (
    POINTS_MOST,
    TYPED_CHARS_MAX,
    RuleNumber,
    numbers_of,
    with_numbers,
)
from commonweal.client.governance.rule_sentences import rule_parts, say_anew
from commonweal.client.governance.rule_templates import TEMPLATES, document_of_rules, text_of_rules
from commonweal.client.language.words import words_in
from commonweal.protocol.rules.document import from_map, read_toml

ENGLISH = words_in("en")


def other(number: RuleNumber) -> str:
    """Return another value of a number, as it is typed."""
    if isinstance(number.value, str):
        return "40%" if number.typed != "40%" else "1/3"
    step = 1000 if number.kind is NumberKind.AMOUNT else number.unit_hours
    value = number.value + step if number.value + step <= number.high else number.value - step
    return str(value // step)


def leaves(document: Any, path: tuple[str | int, ...] = ()) -> dict[tuple[str | int, ...], Any]:
    """Return every value of a document by its path."""
    if isinstance(document, Mapping | list | tuple):
        parts = document.items() if isinstance(document, Mapping) else enumerate(document)
        return {at: leaf for key, part in parts for at, leaf in leaves(part, (*path, key)).items()}
    return {path: document}


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_same_numbers_give_the_same_rules_byte_for_byte(template: str) -> None:
    rules = read_toml(text_of_rules(template))
    typed = {number.key: number.typed for number in numbers_of(rules.document)}
    document, changed, refused = with_numbers(rules.document, typed, ENGLISH)
    say_anew(document, rules.document, changed)
    assert len(typed) > 20
    assert (changed, refused) == ({}, {})
    assert from_map(document).to_bytes() == rules.to_bytes()


@pytest.mark.parametrize("template", TEMPLATES)
def test_another_number_changes_its_value_and_no_other(template: str) -> None:
    old = document_of_rules(template)
    keys = [number.key for number in numbers_of(old)]
    assert len(set(keys)) == len(keys)
    for number in numbers_of(old):
        typed = {entry.key: entry.typed for entry in numbers_of(old)} | {number.key: other(number)}
        document, changed, refused = with_numbers(old, typed, ENGLISH)
        assert (list(changed), refused) == ([number.key], {})
        before, after = leaves(old), leaves(document)
        assert {path for path in {*before, *after} if before.get(path) != after.get(path)} == {
            number.path
        }
        again = {entry.key: entry.value for entry in numbers_of(document)}
        assert again[number.key] == changed[number.key]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("template", TEMPLATES)
def test_a_sentence_says_the_other_number_and_is_else_the_same(
    template: str, language: str
) -> None:
    old = document_of_rules(template)
    placed = 0
    for number in numbers_of(old):
        document, changed, _ = with_numbers(old, {number.key: other(number)}, ENGLISH)
        say_anew(document, old, changed)
        (was,) = [part for part in rule_parts(old, language) if _holds(part, number)]
        (now,) = [part for part in rule_parts(document, language) if part.place == was.place]
        pieces = [
            spelled(number.kind, changed[number.key], language)
            if piece.number and piece.number.key == number.key
            else piece.text
            for piece in was.pieces
        ]
        placed += was.sentence != now.sentence
        assert now.sentence.casefold() == "".join(pieces).casefold()
        assert now.sentence[:1] == now.sentence[:1].upper()
    assert placed > 10


def _holds(part: Any, number: RuleNumber) -> bool:
    return number.key in {entry.key for entry in part.beside} | {
        piece.number.key for piece in part.pieces if piece.number
    }


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("template", TEMPLATES)
def test_the_pieces_of_a_sentence_are_the_sentence(template: str, language: str) -> None:
    document = document_of_rules(template)
    for part in rule_parts(document, language):
        assert "".join(piece.text for piece in part.pieces) == part.sentence


def shown(template: str, place: str, language: str) -> str:
    """Return a sentence with its numbers in brackets, as they are typed."""
    (part,) = [
        part for part in rule_parts(document_of_rules(template), language) if part.place == place
    ]
    return "".join(f"[{p.number.typed}]" if p.number else p.text for p in part.pieces)


@pytest.mark.parametrize(
    ("template", "place", "en", "zh"),
    [
        (
            "cooperative",
            "value.work",
            "An hour is [1,000] points; an hour of management is [1,200].",
            "一小时记[1,000]点；管理劳动一小时记[1,200]点。",
        ),
        (
            "cooperative",
            "pools.surplus",
            "Money from outside is shared [30]; who brought a member has [5%] for a year.",
            "来自社群之外的收入[30]分配一次；介绍人在一年内得其所介绍成员份额的[5%]。",
        ),
        (
            "time-bank",
            "governance.ordinary",
            "More than [1/2] of those who are not indifferent decide, [3] at least;"
            " [2] blocks stop it at once.",
            "除表示无所谓者外，过[1/2]且至少[3]人赞成即通过；[2]人阻止，提案随即不通过。",
        ),
        (
            "value-network",
            "governance.constitution",
            "[2/3] change the constitution, after [10] of trial.",
            "章程之变更须[2/3]赞成，并先试行[10]。",
        ),
        (
            "open-source",
            "value.produce",
            "A commit is [500] points.",
            "一次提交记[500]点。",
        ),
        (
            "time-bank",
            "admit.hours-only",
            "Help is counted in hours, at most [12] in one record.",
            "互助以小时计，一条记录最多[12]小时。",
        ),
    ],
)
def test_numbers_stand_where_people_say_them(template: str, place: str, en: str, zh: str) -> None:
    assert (shown(template, place, "en"), shown(template, place, "zh")) == (en, zh)


def rules_of(text: str) -> dict[str, Any]:
    return tomllib.loads('name = "Lanxi"\n' + text)


@pytest.mark.parametrize(
    ("points", "typed", "new"),
    [
        ("event.effort", "2,000", "event.effort * 2"),
        ("event.effort", "0", "event.effort * 0"),
        ("event.effort / 5", "1000", "event.effort"),
        ("event.effort / 5", "250", "event.effort / 4"),
        ("event.effort", "1200", "muldiv(event.effort, 6, 5)"),
        ("muldiv(event.quantity, 12, 10)", "1200", "muldiv(event.quantity, 12, 10)"),
        ("event.factor == 'event.effort' ? 0 : event.effort", "500", None),
    ],
)
def test_points_of_an_hour_are_written_as_an_expression(
    points: str, typed: str, new: str | None
) -> None:
    document = rules_of(f'[value.work]\npoints = "{points}"')
    edited, _, refused = with_numbers(document, {"value.work.points~0": typed}, ENGLISH)
    expected = "event.factor == 'event.effort' ? 0 : event.effort / 2" if new is None else new
    assert (edited["value"]["work"]["points"], refused) == (expected, {})
    edited["value"]["work"] |= {"en": "Work.", "zh": "劳动。"}
    from_map(edited)


@pytest.mark.parametrize(
    "points",
    ["event.effort * 15 / 10", "event.effort - 5", "2 * event.effort", "event.effort / 0", "7"],
)
def test_points_that_are_no_plain_number_are_not_offered(points: str) -> None:
    assert numbers_of(rules_of(f'[value.work]\npoints = "{points}"')) == []


def test_one_bound_that_stands_twice_is_one_number() -> None:
    document = document_of_rules("time-bank")
    key = "admit.hours-only.when~0"
    edited, _, _ = with_numbers(document, {key: "8.5"}, ENGLISH)
    assert edited["admit"]["hours-only"]["when"] == document["admit"]["hours-only"]["when"].replace(
        "12000", "8500"
    )


@pytest.mark.parametrize(
    ("key", "typed", "why"),
    [
        ("membership.vouches", "1001", "from 0 to 1,000"),
        ("membership.vouches", "-1", "-1 is no whole number"),
        ("membership.vouches", "1.5", "1.5 is no whole number"),
        ("membership.vouches", "", "a number is missing"),
        ("membership.vouches", "many", "many is no whole number"),
        ("membership.vouches", "1" * (TYPED_CHARS_MAX + 1), "a number is missing"),
        ("membership.vouches", "1e3", "1e3 is no whole number"),
        ("value.work.points~0", f"{POINTS_MOST + 1}", f"from 0 to {POINTS_MOST:,}"),
        ("pools.surplus.buckets.0.share", "120%", "write a part of the whole, as 20% or 1/5"),
        ("pools.surplus.buckets.0.share", "20", "write a part of the whole, as 20% or 1/5"),
        ("governance.ordinary.period_hours", "367", "from 0 to 366"),
        ("governance.ordinary.period_hours", "0.01", "0.01 is no whole number"),
    ],
)
def test_a_number_that_cannot_be_is_refused_and_stays(key: str, typed: str, why: str) -> None:
    old = document_of_rules("cooperative")
    document, changed, refused = with_numbers(old, {key: typed}, ENGLISH)
    assert (document, changed, refused) == (old, {}, {key: why})


@pytest.mark.parametrize(
    ("key", "typed", "value"),
    [
        ("membership.vouches", "1,000", 1000),
        ("membership.vouches", "３", 3),
        ("value.work.points~0", f"{POINTS_MOST}", POINTS_MOST),
        ("governance.ordinary.period_hours", "366", 8784),
        ("governance.ordinary.period_hours", "1.5", 36),
        ("governance.ordinary.threshold", "2/3", ">2/3"),
        ("governance.ordinary.threshold", "> 60 %", ">60%"),
        ("pools.surplus.buckets.0.share", "1/5", None),
        ("pools.surplus.commission.0", "7％", "7%"),
    ],
)
def test_numbers_are_read_as_people_type_them(key: str, typed: str, value: Any) -> None:
    _, changed, refused = with_numbers(document_of_rules("cooperative"), {key: typed}, ENGLISH)
    assert (changed.get(key), refused) == (value, {})


def test_names_with_dots_are_numbers_of_their_own() -> None:
    document = rules_of('[roles."a.b"]\nendorsements = 1\n[roles.a]\nendorsements = 2')
    assert [number.key for number in numbers_of(document)] == [
        "roles.a%2Eb.endorsements",
        "roles.a.endorsements",
    ]


@pytest.mark.parametrize(
    ("sentence", "beside"),
    [("Two or two, and two.", 2), ("Two of us, two a week.", 0), ("12 and 22.", 2)],
)
def test_a_number_that_is_not_certain_stands_beside(sentence: str, beside: int) -> None:
    document = rules_of(f'[membership]\nvouches = 2\ngrowth_per_week = 2\nen = "{sentence}"')
    (part,) = rule_parts(document, "en")
    assert len(part.beside) == beside


@pytest.mark.parametrize(
    ("number", "text"),
    [
        *((0, "零"), (2, "两"), (10, "十"), (12, "十二"), (110, "一百一十"), (105, "一百零五")),
        *((2000, "两千"), (1010, "一千零一十"), (200_000, "二十万"), (100_000_000, "一亿")),
    ],
)
def test_numbers_in_chinese(number: int, text: str) -> None:
    assert chinese(number, is_counted=True) == text


@pytest.mark.parametrize(
    ("kind", "value", "en", "zh"),
    [
        (NumberKind.PORTION, "20%", "20 %", "百分之二十"),
        (NumberKind.PORTION, ">3/5", "three fifths", "五分之三"),
        (NumberKind.PORTION, "1/8", "an eighth", "八分之一"),
        (NumberKind.PORTION, "12.5%", "12.5 %", "12.5%"),
        (NumberKind.PORTION, "7/100", "7/100", "一百分之七"),
        (NumberKind.HOURS, 336, "two weeks", "两周"),
        (NumberKind.HOURS, 240, "ten days", "十天"),
        (NumberKind.HOURS, 1, "an hour", "一小时"),
        (NumberKind.HOURS, 36, "36 hours", "三十六小时"),
        (NumberKind.EVERY, 168, "once a week", "每周"),
        (NumberKind.EVERY, 720, "every 30 days", "每三十天"),
        (NumberKind.MINUTES, 5, "five minutes", "五分钟"),
        (NumberKind.PERCENT, 15, "15 %", "百分之十五"),
        (NumberKind.AMOUNT, 8500, "8.5", "8.5"),
        (NumberKind.AMOUNT, 8000, "8", "八"),
        (NumberKind.POINTS, 1500, "1,500", "一千五百"),
    ],
)
def test_numbers_as_a_sentence_says_them(
    kind: NumberKind, value: int | str, en: str, zh: str
) -> None:
    assert (spelled(kind, value, "en"), spelled(kind, value, "zh")) == (en, zh)
    assert en in spellings(kind, value, "en")
    assert zh in spellings(kind, value, "zh")


def test_the_limits_of_balances_are_changed_in_their_sentence() -> None:
    document = document_of_rules("time-bank")
    typed = {"credit.hour.floor": "-15", "credit.hour.soft_ceiling": "45"}
    edited, changed, refused = with_numbers(document, typed, ENGLISH)
    assert (changed, refused) == ({"credit.hour.floor": -15, "credit.hour.soft_ceiling": 45}, {})
    say_anew(edited, document, changed)
    table = edited["credit"]["hour"]
    assert "from -15 to 60; beyond -10 or 45" in table["en"]
    assert "负十五到六十之间；低于负十宜多助人，高于四十五" in table["zh"]
    assert with_numbers(document, {"credit.hour.floor": "负 20"}, ENGLISH)[1:] == ({}, {})
    refused = with_numbers(document, {"credit.hour.floor": "1"}, ENGLISH)[2]
    assert refused == {"credit.hour.floor": "from -1,000,000,000 to 0"}


def test_what_suggestions_count_is_changed_beside_its_sentence() -> None:
    document = document_of_rules("time-bank")
    typed = {"match.fairness": "400", "match.ring_members": "4"}
    edited, changed, refused = with_numbers(document, typed, ENGLISH)
    assert (changed, refused) == ({"match.fairness": 400, "match.ring_members": 4}, {})
    say_anew(edited, document, changed)
    assert edited["match"]["en"].endswith("a ring has four members at most.")
    assert edited["match"]["zh"].endswith("互助环至多四人。")
    assert with_numbers(document, {"match.ring_members": "5"}, ENGLISH)[2] == {
        "match.ring_members": "from 2 to 4"
    }
