"""The language agrees with CEL, on expressions that nobody wrote.

`cel-expr-python` is the oracle. Two differences are meant, and each is proved where it
occurs: CEL has 64 bits where a rule has 128, and CEL absorbs an error in `error || true`.
For the second, the same expression is given to CEL once more, written out so that nothing
can absorb an error; then both have to agree.
"""

from __future__ import annotations

import os
from collections import Counter
from random import Random
from typing import Any

import pytest
from cel_expr_python import cel
from cel_expr_python.ext import ext_math

from commonweal.protocol.errors import RuleError
from commonweal.protocol.rules.expression import Value, check, evaluate
from tests.protocol.rules.expression.expressions import ENV, Part, as_rule, generated

BATCHES = 4 if "COMMONWEAL_EXAMPLES" in os.environ else 1
EXPRESSIONS = 5_000
"""In each batch."""
COMPARED_SHARE_MIN = 90
"""Of a hundred expressions, how many have to be compared in value, not explained away."""

DIFFERENCES_MIN = 5
"""How often each batch has to meet each of the differences that are meant."""

LIST_ITEMS_MAX = 4
"""The lists that are generated are short, so that the oracle can be given them item by item."""


def as_cel(part: Part, strict: bool) -> str:
    """Return the part in CEL, with what only rules have written out.

    strict: && and || become choices, all and exists are asked item by item, so that an
    error in a left or earlier operand stays one.
    """
    inner = [as_cel(one, strict) for one in part.parts]
    match part.shape:
        case "min" | "max":
            return f"math.{'least' if part.shape == 'min' else 'greatest'}({inner[0]}, {inner[1]})"
        case "count":
            return f"size({inner[0]}.filter({part.text}, {inner[1]}))"
        case "sum":
            return _sum(f"{inner[0]}.map({part.text}, {inner[1]})")
        case "&&" if strict:
            return f"({inner[0]} ? {inner[1]} : false)"
        case "||" if strict:
            return f"({inner[0]} ? true : {inner[1]})"
        case "all" if strict:
            return _unrolled(part, inner, "{now} ? {later} : false", "true")
        case "exists" if strict:
            return _unrolled(part, inner, "{now} ? true : {later}", "false")
    return as_rule(Part(part.shape, tuple(Part("leaf", text=one) for one in inner), part.text))


def _sum(values: str) -> str:
    """The sum of a list, whose length decides; the list is computed once, under the name s."""
    total, found = "0", "0"
    for count in range(1, LIST_ITEMS_MAX + 1):
        total = f"{total} + s[{count - 1}]"
        found = f"(size(s) == {count} ? {total} : {found})"
    return f"[{values}].map(s, {found})[0]"


def _unrolled(part: Part, inner: list[str], step: str, end: str) -> str:
    over, body = inner
    found = end
    for index in reversed(range(LIST_ITEMS_MAX)):
        here = f"([s[{index}]].map({part.text}, {body})[0])"
        found = f"(size(s) > {index} ? ({step.format(now=here, later=found)}) : {end})"
    return f"[{over}].map(s, {found})[0]"


class Oracle:
    """CEL over ENV."""

    def __init__(self) -> None:
        kinds = cel.Type
        variables = {"a": kinds.INT, "b": kinds.INT, "p": kinds.BOOL, "k": kinds.STRING}
        lists = {"xs": kinds.List(kinds.INT), "ks": kinds.List(kinds.STRING)}
        extensions = [ext_math.ExtMath()]
        self._env = cel.NewEnv(variables={**variables, **lists}, extensions=extensions)

    def answer(self, source: str, values: dict[str, Value]) -> Any:
        """Return what CEL gives, or "error: ..." with its reason."""
        found = self._env.compile(source).eval(data=values)
        plain = found.plain_value()
        return f"error: {plain}" if found.type() == cel.Type.ERROR else plain


def verdict(part: Part, values: dict[str, Value], ask: Oracle) -> str:
    """Return how rule and CEL compare: "same", or the name of a proved difference."""
    source = as_rule(part)
    try:
        ours: object = evaluate(check(source, ENV), values)
    except RuleError as error:
        ours = f"error: {type(error).__name__}"
    theirs = ask.answer(as_cel(part, strict=False), values)
    if _agree(ours, theirs):
        return "same"
    strict = ask.answer(as_cel(part, strict=True), values)
    if str(strict) == "error: OUT_OF_RANGE: integer overflow":
        return "beyond 64 bits"
    if str(ours).startswith("error") and _agree(ours, strict):
        return "absorbed by CEL"
    return f"unexplained: {source!r} on {values}: {ours!r}, CEL {theirs!r}, strictly {strict!r}"


def _agree(ours: object, theirs: object) -> bool:
    failures = str(ours).startswith("error"), str(theirs).startswith("error")
    return all(failures) or (not any(failures) and type(ours) is type(theirs) and ours == theirs)


@pytest.mark.many
@pytest.mark.parametrize("batch", range(BATCHES))
def test_every_expression_means_what_it_means_in_cel(batch: int) -> None:
    chance, ask, verdicts = Random(batch), Oracle(), Counter[str]()
    for index in range(EXPRESSIONS):
        part = generated(chance, ("int", "bool", "bool", "ints")[index % 4], 3)
        values: dict[str, Value] = {
            "a": chance.randrange(-50, 50),
            "b": chance.randrange(-5, 5),
            "p": chance.random() < 0.5,
            "k": chance.choice("xy"),
            "xs": [chance.randrange(-9, 10) for _ in range(chance.randrange(LIST_ITEMS_MAX))],
            "ks": ["x", "z"],
        }
        verdicts[verdict(part, values, ask)] += 1
    assert set(verdicts) <= {"same", "absorbed by CEL", "beyond 64 bits"}, verdicts.most_common(9)
    assert verdicts["same"] * 100 >= COMPARED_SHARE_MIN * verdicts.total(), verdicts
    assert verdicts["absorbed by CEL"] >= DIFFERENCES_MIN, verdicts
    assert verdicts["beyond 64 bits"] >= DIFFERENCES_MIN, verdicts


@pytest.mark.parametrize(
    "source",
    [
        "-7 / 2", "-7 % 2", "7 % -2", "-(-9)", "--a", "---a", "!!p", "a - -1", "007", "a -1",
        "1 + 2 * 3 - 4 / 2 % 3", "(a < b) == p && p || !p", "p ? 1 : p ? 2 : 3", "1 + 1 in [2]",
        "-9223372036854775808", "- 9223372036854775808", "xs.map(v, xs.map(w, v * w))",
        "// first\na // second\n+ 1", '"a\\n\\t\\r" == "a\\n\\t\\r"', "k == '\\\"'",
        "size([[1], [2, 3]]) + size(xs.filter(v, v > 1))",
    ],
)  # fmt: skip
def test_spellings_of_cel_mean_the_same_here(source: str) -> None:
    values: dict[str, Value] = {"a": 7, "b": -3, "p": True, "k": "x", "xs": [1, 5], "ks": []}
    theirs = Oracle().answer(source, values)
    assert not str(theirs).startswith("error")
    assert _agree(evaluate(check(source, ENV), values), theirs)


@pytest.mark.parametrize(
    "source",
    [
        "p ? p ? 1 : 2 : 3", "-!p", "!-a", "a.", "1 +", "(1", "[1, 2", "if", "xs.map(if, 1)", "a b",
        "'x", "'a\nb'", "a == 'x'", "a + k", "p ? 1 : 'x'", "!a", "-p", "a && p", "k in xs",
        "unknown", "xs.all(v, v)", "xs.filter(v, 1)", "size(a)", "1..2",
    ],
)  # fmt: skip
def test_what_cel_refuses_is_refused_here(source: str) -> None:
    with pytest.raises(RuntimeError):
        Oracle().answer(source, {})
    with pytest.raises(RuleError):
        check(source, ENV)
