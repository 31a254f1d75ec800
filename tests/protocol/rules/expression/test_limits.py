"""No input gets past the limits: they are counted, and met before the work is done."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.protocol.errors import (
    OutOfFuel,
    RuleError,
    RuleOverflow,
    RuleSyntaxError,
    TooLarge,
    ValueMismatch,
)
from commonweal.protocol.rules.expression import (
    DEPTH_MAX,
    INT,
    INT_DIGITS_MAX,
    INT_MAX,
    INT_MIN,
    LIST_ITEMS_MAX,
    NAME_CHARACTERS_MAX,
    NODES_MAX,
    SOURCE_CHARACTERS_MAX,
    STRING_CHARACTERS_MAX,
    Type,
    Value,
    check,
    evaluate,
)
from tests.protocol.rules.sample import ENV, VALUES, given_by


def nested_macros(levels: int) -> str:
    source = "true"
    for level in range(levels):
        source = f"[0,1,2,3,4,5,6,7,8,9].all(v{level}, {source})"
    return source


LONG_LIST: dict[str, Value] = {"xs": [1] * (LIST_ITEMS_MAX + 1)}
HOSTILE: dict[str, tuple[str, type[RuleError], str]] = {
    "10 MB of source": ("1+" * 5_000_000 + "1", TooLarge, "10,000,001 characters, and 4,096"),
    "200,000 brackets": ("(" * 200_000, TooLarge, "200,000 characters"),
    "4,000 brackets": ("(" * 2_000 + "1" + ")" * 2_000, TooLarge, "more than 32 deep"),
    "33 brackets": ("(" * 33 + "1" + ")" * 33, TooLarge, "more than 32 deep"),
    "square brackets": ("[" * 2_000, TooLarge, "more than 32 deep"),
    "calls": ("min(" * 1_000, TooLarge, "more than 32 deep"),
    "macros in macros": ("xs.map(x," * 400, TooLarge, "more than 32 deep"),
    "fields of fields": ("a" + ".a" * 2_000, TooLarge, "more than 32 deep"),
    "macros after macros": ("xs" + ".filter(x,p)" * 300, TooLarge, "more than 32 deep"),
    "a chain of not": ("!" * 4_000 + "true", TooLarge, "more than 32 deep"),
    "a chain of minus": ("-" * 4_000 + "1", TooLarge, "more than 32 deep"),
    "a ladder of choices": ("p?1:" * 1_000 + "1", TooLarge, "more than 32 deep"),
    "a long sum": ("1" + "+1" * 2_000, TooLarge, "more than 512 values and operators"),
    "a long product": ("1" + "*1" * 256, TooLarge, "more than 512 values and operators"),
    "a long condition": ("p" + "||p" * 900, TooLarge, "more than 512 values and operators"),
    "a long list": ("[" + "1," * 2_000 + "1]", TooLarge, "more than 512 values and operators"),
    "a huge number": ("9" * 4_000, TooLarge, "at most 39 digits, not 4,000"),
    "a number past 128 bits": (f"{INT_MAX + 1}", TooLarge, "does not fit 128 bits"),
    "a number below 128 bits": (f"{INT_MIN - 1}", TooLarge, "does not fit 128 bits"),
    "a product of giants": ("*".join([f"{INT_MAX}"] * 90), RuleOverflow, "leaves the range"),
    "a huge text": ("k == '" + "x" * 4_000 + "'", TooLarge, "at most 256 characters, not 4,000"),
    "a huge name": ("n" * 4_000, TooLarge, "at most 64 characters, not 4,000"),
    "an open text": ("'" + "\\'" * 2_000, RuleSyntaxError, "begins nothing"),
    "nested macros, 10^9 steps": (nested_macros(9), OutOfFuel, "used up"),
    "lists of lists": ("xs.map(a0, xs.map(a1, xs.map(a2, xs)))", OutOfFuel, "used up"),
    "a search in each item": ("xs.exists(x, 9 in xs)", OutOfFuel, "used up"),
}


@pytest.mark.parametrize(("source", "error", "limit"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_source_meets_a_named_limit(
    source: str, error: type[RuleError], limit: str
) -> None:
    """The work done is counted: Python's function calls stay below a bound for each of them."""
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        with pytest.raises(RuleError) as caught:
            given_by(source, {"xs": [1] * 400})
    finally:
        sys.setprofile(before)
    assert type(caught.value) is error
    assert limit in str(caught.value)
    assert calls < 400_000
    if len(source) > SOURCE_CHARACTERS_MAX:
        assert calls < 100, "a source that is too long is not read"


@pytest.mark.parametrize("source", ["size(xs)", "1 in xs", "xs.sum(x, x)", "xs"])
def test_a_list_that_is_too_long_is_not_walked(source: str) -> None:
    with pytest.raises(TooLarge, match="xs has 4,097 items, and 4,096 are the most"):
        given_by(source, LONG_LIST)
    assert given_by("size(xs)", {"xs": [1] * LIST_ITEMS_MAX}) == LIST_ITEMS_MAX


def deepest() -> str:
    """Every kind of part that can stand in another, as deep as the limits let it."""
    source = "((1))"
    for _ in range(DEPTH_MAX // 2 - 1):
        source = f"(p||p&&1==1+1*-{source}?1:2)"
    return source


AT_THE_LIMIT: dict[str, tuple[str, Callable[[str], str]]] = {
    "characters": (" " * (SOURCE_CHARACTERS_MAX - 1) + "1", lambda source: " " + source),
    "brackets": ("(" * DEPTH_MAX + "1" + ")" * DEPTH_MAX, lambda source: f"({source})"),
    "lists": ("[" * DEPTH_MAX + "1" + "]" * DEPTH_MAX, lambda source: f"[{source}]"),
    "arguments": (
        "min(1," * DEPTH_MAX + "1" + ")" * DEPTH_MAX,
        lambda source: f"min(1,{source})",
    ),
    "branches": ("1==1?1:" * DEPTH_MAX + "1", lambda source: f"1==1?1:{source}"),
    "not": ("!" * DEPTH_MAX + "true", lambda source: "!" + source),
    "minus": ("-" * DEPTH_MAX + "1", lambda source: "-" + source),
    "macros on macros": (
        "[1]" + ".filter(x,true)" * (DEPTH_MAX - 1),
        lambda source: source + ".filter(x,true)",
    ),
    "nodes": ("1" + "+1" * (NODES_MAX // 2 - 1), lambda source: source + "+1"),
    "digits": ("0" * (INT_DIGITS_MAX - 1) + "1", lambda source: "0" + source),
    "text": (f"'{'x' * STRING_CHARACTERS_MAX}'", lambda source: source.replace("x", "xx", 1)),
    "name": ("n" * NAME_CHARACTERS_MAX, lambda source: source + "n"),
}


@pytest.mark.parametrize(("source", "more"), AT_THE_LIMIT.values(), ids=AT_THE_LIMIT)
def test_a_limit_is_reached_and_not_passed(source: str, more: Callable[[str], str]) -> None:
    env: dict[str, Type] = {"n" * NAME_CHARACTERS_MAX: INT}
    check(source, env)
    with pytest.raises(TooLarge):
        check(more(source), env)


@pytest.mark.parametrize("part", ["event.amount", "-a", "(a)", "min(a, b)", "xs.sum(x, x)"])
def test_parts_that_stand_side_by_side_are_not_deep(part: str) -> None:
    check(" + ".join([part] * (DEPTH_MAX + 1)), ENV)


def test_the_deepest_rule_fits_a_small_stack() -> None:
    """Whatever is refused is refused by depth; what is left needs a few hundred frames."""
    frames, frame = 0, sys._getframe()
    while frame.f_back is not None:
        frames, frame = frames + 1, frame.f_back
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(frames + 500)
    try:
        assert given_by(deepest()) == 1
    finally:
        sys.setrecursionlimit(before)
    with pytest.raises(TooLarge, match="deep"):
        check(f"({deepest()})", ENV)


@pytest.mark.parametrize(
    ("source", "fuel"),
    [
        ("1", 1),
        ("a + b * 2", 5),
        ("(((a)))", 1),
        ("-a", 2),
        ("!!p", 3),
        ("--a", 3),
        ("---a", 4),
        ("event.amount", 2),
        ("min(a, b, 1)", 4),
        ("[1, 2, 3]", 4),
        ("p ? 1 : a + b + 1", 3),
        ("!p ? 1 : a + b + 1", 8),
        ("p || a + b > 1", 2),
        ("p && a + b > 1", 7),
        ("1 in xs", 6),
        ("size(xs)", 2),
        ("xs.sum(x, 1)", 8),
        ("xs.sum(x, x + 1)", 14),
        ("xs.all(x, x < 3)", 6),
        ("xs.exists(x, x == 1)", 10),
        ("xs.map(x, xs.count(y, y < x))", 47),
    ],
)
def test_fuel_is_one_unit_for_each_part_and_item(source: str, fuel: int) -> None:
    given_by(source, fuel=fuel)
    with pytest.raises(OutOfFuel):
        given_by(source, fuel=fuel - 1)


PIECES = re.findall(
    r"\S+",
    "a b p k x y z xs event events .amount .action .sum(x, .map(y, .all(x, .filter(z, min( max( "
    "+ - * / % ! && || == != < <= > >= in ? : ( ) [ ] , . = & { } ' \" \\ // muldiv( size( "
    "0 1 42 1.5 'x' \"y\" true false if null 工 \u202e",
)


@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=40).map("\n ".join)))
def test_any_text_is_a_rule_or_is_refused_by_name(source: str) -> None:
    try:
        rule = check(source, ENV)
        evaluate(rule, VALUES)
    except RuleError as error:
        lines = source.split("\n")
        assert 1 <= error.line <= len(lines)
        assert 1 <= error.column <= len(lines[error.line - 1]) + 1


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.floats() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["action", "amount"]), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(list(ENV)), JUNK))
def test_any_values_give_a_result_or_an_error_by_name(values: dict[str, Value]) -> None:
    for source in ("a + b", "event.amount", "events.sum(e, e.amount)", "xs", "a in xs", "events"):
        try:
            evaluate(check(source, ENV), values)
        except RuleError as error:
            assert isinstance(error, ValueMismatch | RuleOverflow)
