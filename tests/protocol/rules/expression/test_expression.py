"""What a rule gives, and what it is refused for, with the place."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.protocol import errors
from commonweal.protocol.errors import (
    DivisionByZero,
    RuleError,
    RuleOverflow,
    RuleSyntaxError,
    RuleTypeError,
    ValueMismatch,
)
from commonweal.protocol.rules.expression import (
    BOOL,
    INT,
    INT_MAX,
    INT_MIN,
    ListType,
    Type,
    Value,
    check,
    evaluate,
)
from tests.protocol.rules.sample import ENV, WORK, given_by


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("event.action == 'work' ? event.amount * 3 : 0", 750),
        ("agent.event.amount", -40),
        ("k == '工作' && k != \"work\"", True),
        ("event.action in ['work', 'use']", True),
        ("a in xs || 3 in xs", True),
        ("7 in xs.map(x, x * 7)", True),
        ("min(a, b, 3)", -2),
        ("max(a, b, 3)", 7),
        ("muldiv(a, b, 3)", -4),
        ("muldiv(-7, 1, -2)", 3),
        (f"muldiv({INT_MAX}, {INT_MAX}, {INT_MAX})", INT_MAX),
        (f"muldiv({INT_MIN}, -1, -1)", INT_MIN),
        ("size(xs) + size(events)", 5),
        ("events.sum(e, e.amount)", 210),
        ("events.count(e, e.attested)", 1),
        ("events.filter(e, e.amount < 0).map(e, e.action)", ["transfer"]),
        ("events.filter(e, false).sum(e, e.amount)", 0),
        ("events.all(e, e.amount > -41) && !events.exists(e, e.amount == 0)", True),
        ("xs.filter(x, false).all(x, 1 / 0 == 1)", True),
        ("xs.map(x, xs.filter(y, y < x))", [[1, 2], [], [1]]),
        ("xs.sum(x, 1) + xs.sum(x, x)", 9),
        ("p ? 'yes' : 'no'", "yes"),
        ("true || 1 / 0 == 1", True),
        ("false && 1 / 0 == 1", False),
        ("p ? 1 : 1 / 0", 1),
        (f"{INT_MIN}", INT_MIN),
        (f"{INT_MIN} + {INT_MAX}", -1),
        ("1 - 2 - 3", -4),
        ("2 * 7 / 4 * 4 % 5", 2),
        ("-7 / 2 * 2 + -7 % 2", -7),
        ("--a - -a", 14),
        ("!!p == p", True),
        ("event", WORK),
        ("a // a is seven\n + 1", 8),
        (r"""'\'' == "'" && '\\' != '\n'""", True),
    ],
)
def test_a_rule_gives_what_it_says(source: str, value: Value) -> None:
    found = given_by(source)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("source", "error", "line", "column"),
    [
        ("", RuleSyntaxError, 1, 1),
        ("a +\n  ", RuleSyntaxError, 2, 3),
        ("a = 7", RuleSyntaxError, 1, 3),
        ("a\n  & p", RuleSyntaxError, 2, 3),
        ("1.5 * a", RuleSyntaxError, 1, 1),
        ("a * 1u", RuleSyntaxError, 1, 5),
        ("0x10", RuleSyntaxError, 1, 1),
        ("1e3", RuleSyntaxError, 1, 1),
        ("k == 'open", RuleSyntaxError, 1, 6),
        ("k == 'two\nlines'", RuleSyntaxError, 1, 6),
        (r"k == '\q'", RuleSyntaxError, 1, 6),
        ("k == r'raw'", RuleSyntaxError, 1, 6),
        ("{'a': 1}", RuleSyntaxError, 1, 1),
        ("xs[0]", RuleSyntaxError, 1, 3),
        ("k == 'a\u202eb'", RuleSyntaxError, 1, 8),
        ("k == '\ud800'", RuleSyntaxError, 1, 7),
        ("a\x00", RuleSyntaxError, 1, 2),
        ("a + １", RuleSyntaxError, 1, 5),
        ("工 + 1", RuleSyntaxError, 1, 1),
        ("a < b < 3", RuleSyntaxError, 1, 7),
        ("p ? p ? 1 : 2 : 3", RuleSyntaxError, 1, 7),
        ("!-a", RuleSyntaxError, 1, 2),
        ("now()", RuleSyntaxError, 1, 1),
        ("k.startsWith('a')", RuleSyntaxError, 1, 3),
        ("xs.map(null, 1)", RuleSyntaxError, 1, 8),
        ("event.package", RuleSyntaxError, 1, 7),
        ("(a", RuleSyntaxError, 1, 3),
        ("a b", RuleSyntaxError, 1, 3),
        ("[1, 2,]", RuleSyntaxError, 1, 7),
        ("xs.map(x)", RuleSyntaxError, 1, 9),
        ("a + amuont", RuleTypeError, 1, 5),
        ("a +\n event.amuont", RuleTypeError, 2, 8),
        ("a.amount", RuleTypeError, 1, 3),
        ("a + p", RuleTypeError, 1, 5),
        ("p + 1", RuleTypeError, 1, 1),
        ("k + 'x'", RuleTypeError, 1, 1),
        ("xs + xs", RuleTypeError, 1, 1),
        ("a == '7'", RuleTypeError, 1, 6),
        ("xs == xs", RuleTypeError, 1, 1),
        ("event == event", RuleTypeError, 1, 1),
        ("k < 'x'", RuleTypeError, 1, 3),
        ("p < true", RuleTypeError, 1, 3),
        ("k in xs", RuleTypeError, 1, 6),
        ("a in a", RuleTypeError, 1, 6),
        ("a && p", RuleTypeError, 1, 1),
        ("p || a", RuleTypeError, 1, 6),
        ("!a", RuleTypeError, 1, 2),
        ("-k", RuleTypeError, 1, 2),
        ("a ? 1 : 2", RuleTypeError, 1, 1),
        ("p ? 1 : 'x'", RuleTypeError, 1, 9),
        ("[1, 'x']", RuleTypeError, 1, 5),
        ("[]", RuleTypeError, 1, 1),
        ("size(k)", RuleTypeError, 1, 6),
        ("min(a)", RuleTypeError, 1, 1),
        ("muldiv(a, b)", RuleTypeError, 1, 1),
        ("muldiv(a, b, p)", RuleTypeError, 1, 14),
        ("event.sum(e, 1)", RuleTypeError, 1, 7),
        ("xs.sum(x, p)", RuleTypeError, 1, 11),
        ("xs.filter(x, x)", RuleTypeError, 1, 14),
        ("xs.map(a, 1)", RuleTypeError, 1, 4),
        ("xs.map(x, xs.map(x, 1))", RuleTypeError, 1, 14),
        ("xs.map(x, 1) == x", RuleTypeError, 1, 17),
        ("xs.sum(x, x) + x", RuleTypeError, 1, 16),
        ("1 / 0", DivisionByZero, 1, 3),
        ("1 + 2 + 1 %\n 0", DivisionByZero, 1, 11),
        ("muldiv(1, 1, 0)", DivisionByZero, 1, 1),
        ("1 / 0 == 1 || true", DivisionByZero, 1, 3),
        ("1 / 0 == 1 && false", DivisionByZero, 1, 3),
        ("[0, 1].exists(x, 1 / x == 1)", DivisionByZero, 1, 20),
        (f"{INT_MAX} + 1", RuleOverflow, 1, 41),
        (f"1 + 1 + {INT_MAX} - 9", RuleOverflow, 1, 7),
        (f"{INT_MIN} - 1", RuleOverflow, 1, 42),
        (f"{INT_MIN} / -1", RuleOverflow, 1, 42),
        (f"{INT_MIN} % -1", RuleOverflow, 1, 42),
        (f"-({INT_MIN})", RuleOverflow, 1, 1),
        (f"muldiv({INT_MAX}, 2, 1)", RuleOverflow, 1, 1),
        (f"xs.sum(x, {INT_MAX} / 2)", RuleOverflow, 1, 4),
    ],
)
def test_a_refusal_names_the_place(
    source: str, error: type[RuleError], line: int, column: int
) -> None:
    with pytest.raises(RuleError) as caught:
        given_by(source)
    assert (type(caught.value), caught.value.line, caught.value.column) == (error, line, column)
    assert caught.value.sentence
    assert caught.value.hint
    assert str(caught.value).startswith(f"line {line}, column {column}: ")


HIDDEN = [*range(9), 11, *range(14, 32), *range(127, 160), 0x61C, 0x200E, 0x200F]
HIDDEN += [*range(0x2028, 0x202F), *range(0x2066, 0x206A), 0xD800, 0xDFFF]


@pytest.mark.parametrize("code", HIDDEN, ids=hex)
def test_a_character_that_hides_or_turns_is_refused_everywhere(code: int) -> None:
    for source, column in (
        (f"a{chr(code)}", 2),
        (f"k == '{chr(code)}'", 7),
        (f"a //{chr(code)}", 5),
    ):
        with pytest.raises(RuleSyntaxError, match=f"U\\+{code:04X} cannot be seen") as caught:
            check(source, ENV)
        assert (caught.value.line, caught.value.column) == (1, column)


def test_a_mistyped_name_is_guessed() -> None:
    with pytest.raises(
        RuleTypeError, match=r"event has no field 'amuont'; did you mean 'amount'\?"
    ):
        check("event.amuont", ENV)
    with pytest.raises(RuleTypeError, match="there is no 'itme' here; did you mean 'item'"):
        check("xs.map(item, itme)", ENV)
    with pytest.raises(RuleTypeError, match="known are action, amount, attested"):
        check("event.zzz", ENV)


def test_a_caller_can_say_what_a_rule_must_give() -> None:
    assert check("xs.map(x, x > 1)", ENV, gives=ListType(BOOL)).type == ListType(BOOL)
    with pytest.raises(RuleTypeError, match="the rule has to be int, not bool"):
        check("a > 1", ENV, gives=INT)


@pytest.mark.parametrize(
    ("source", "values", "named"),
    [
        ("a", {"a": True}, "a is not of type int"),
        ("a", {"a": 1.0}, "a is not of type int"),
        ("a", {"a": INT_MAX + 1}, "a is not of type int"),
        ("p", {"p": 1}, "p is not of type bool"),
        ("k == 'x'", {"k": b"x"}, "k is not of type string"),
        ("a", {"a": None}, "a is not of type int"),
        ("event.amount", {"event": {}}, "the field amount is not of type int"),
        ("event.amount", {"event": []}, "event is not of type event"),
        ("size(xs)", {"xs": (1, 2)}, "xs is not of type list of int"),
        ("xs.sum(x, 1)", {"xs": [1, "2"]}, "an item is not of type int"),
        ("1 in xs", {"xs": [True]}, "an item is not of type int"),
        ("xs", {"xs": [True]}, "an item of the result is not of type int"),
        ("events", {"events": [{}]}, "an item of the result.action is not of type string"),
    ],
)
def test_a_value_of_another_type_ends_the_evaluation(
    source: str, values: dict[str, Value], named: str
) -> None:
    with pytest.raises(ValueMismatch, match=named):
        given_by(source, values)


def test_a_missing_value_ends_the_evaluation() -> None:
    with pytest.raises(ValueMismatch, match="b is not of type int"):
        evaluate(check("a + b", ENV), {"a": 1})


def test_rules_leave_what_they_read_as_it_was() -> None:
    xs: list[Value] = [3, 1, 2]
    assert given_by("xs.filter(x, x > 1).map(x, x * 2)", {"xs": xs}) == [6, 4]
    assert xs == [3, 1, 2]


def test_a_rule_can_be_evaluated_again_after_an_error() -> None:
    rule = check("xs.sum(x, 6 / x)", ENV)
    with pytest.raises(DivisionByZero):
        evaluate(rule, {"xs": [1, 0]})
    assert [evaluate(rule, {"xs": [1, 2, 3]}) for _ in range(2)] == [11, 11]


@given(st.integers(INT_MIN, INT_MAX), st.integers(INT_MIN, INT_MAX), st.integers(INT_MIN, INT_MAX))
def test_arithmetic_is_exact_or_an_error(one: int, two: int, three: int) -> None:
    """Against whole numbers of any size, cut towards zero after the fact."""

    def cut(dividend: int, divisor: int) -> int:
        return (abs(dividend) // abs(divisor)) * (-1 if (dividend < 0) != (divisor < 0) else 1)

    expected: dict[str, Callable[[], int]] = {
        "a + b": lambda: one + two,
        "a - b": lambda: one - two,
        "a * b": lambda: one * two,
        "a / b": lambda: cut(one, two),
        "a % b": lambda: one - two * cut(one, two),
        "muldiv(a, b, c)": lambda: cut(one * two, three),
        "[a, b, c].sum(x, x)": lambda: one + two + three,
    }
    values: dict[str, Value] = {"a": one, "b": two, "c": three}
    env: dict[str, Type] = {"a": INT, "b": INT, "c": INT}
    for source, exactly in expected.items():
        try:
            found: object = evaluate(check(source, env), values)
        except DivisionByZero:
            assert (two if source in ("a / b", "a % b") else three) == 0
            continue
        except RuleOverflow:
            if source == "[a, b, c].sum(x, x)":
                assert not all(
                    INT_MIN <= sum_ <= INT_MAX for sum_ in (one + two, one + two + three)
                )
            else:
                overflown = cut(one, two) if source == "a % b" else exactly()
                assert not INT_MIN <= overflown <= INT_MAX
            continue
        assert found == exactly()


def test_every_error_of_rules_tells_the_member_what_to_do() -> None:
    kinds: list[type[RuleError]] = [RuleError, *RuleError.__subclasses__()]
    for error in kinds:
        assert getattr(errors, error.__name__) is error
        assert (error.__doc__ or "").endswith(".")
        assert error.exit_code == 65
