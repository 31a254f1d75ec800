"""The tables of docs/rules.md about expressions are true."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from cel_expr_python import cel

from commonweal.protocol import errors
from commonweal.protocol.rules import expression
from commonweal.protocol.rules.expression import (
    BOOL,
    INT,
    STRING,
    ListType,
    RecordType,
    Type,
    Value,
    check,
    evaluate,
)
from commonweal.protocol.rules.expression.parser import parse
from commonweal.protocol.rules.expression.tokens import RESERVED

PAGE = Path(__file__).parents[4] / "docs" / "rules.md"
SECTION = PAGE.read_text("utf-8").split("\n## The expression language\n")[1].split("\n## ")[0]

EVENT = RecordType("event", {"action": STRING, "hours": INT, "attested": BOOL})
TYPES: dict[str, Type] = {
    str(kind): kind
    for kind in (INT, STRING, BOOL, ListType(INT), EVENT, ListType(EVENT), ListType(STRING))
}


def rows(*header: str) -> Iterator[dict[str, str]]:
    """The rows of the tables that have all these columns, each cell by its column's name."""
    columns: list[str] = []
    for line in SECTION.splitlines():
        if not line.startswith("|"):
            columns = []
            continue
        cells = [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if not columns:
            columns = cells
        elif set(header) <= set(columns) and "---" not in cells[0]:
            yield dict(zip(columns, cells, strict=True))


def code(cell: str) -> str:
    """What stands between the backticks of a cell."""
    return cell.strip("`")


VALUES: dict[str, Value] = {
    code(row["name"]): json.loads(code(row["value"])) for row in rows("name", "type", "value")
}
ENV = {code(row["name"]): TYPES[row["type"]] for row in rows("name", "type", "value")}
RESULTS = {code(row["example"]): code(row["result"]) for row in rows("example", "result")}
REFUSED = {code(row["example"]): code(row["error"]) for row in rows("error", "example")}


@pytest.mark.parametrize(("example", "result"), RESULTS.items())
def test_an_example_gives_its_result(example: str, result: str) -> None:
    found = evaluate(check(example, ENV), VALUES)
    assert json.dumps(found, ensure_ascii=False) == result


@pytest.mark.parametrize("example", [example for example in REFUSED if example])
def test_an_example_is_refused_by_its_error(example: str) -> None:
    with pytest.raises(errors.RuleError) as caught:
        evaluate(check(example, ENV), VALUES)
    assert type(caught.value).__name__ == REFUSED[example]


LEFT_OUT = [
    example
    for row in rows("left out")
    for example in re.findall("`([^`]+)`", row["written in CEL"])
]


@pytest.mark.parametrize("example", LEFT_OUT)
def test_a_part_of_cel_that_is_left_out_is_refused(example: str) -> None:
    with pytest.raises(errors.RuleError):
        check(example, ENV)


@pytest.mark.parametrize("example", LEFT_OUT)
def test_a_part_that_is_left_out_is_written_as_in_cel(example: str) -> None:
    """An example that CEL itself cannot read would show nothing."""
    cel.NewEnv(variables=dict.fromkeys(ENV, cel.Type.DYN)).compile(example)


def test_every_error_and_every_limit_stands_on_the_page() -> None:
    named = {code(row["error"]) for row in rows("error", "when")}
    assert named == {error.__name__ for error in errors.RuleError.__subclasses__()}
    limits = {
        code(row["name in the code"]): int(row["at most"].replace(",", ""))
        for row in rows("at most", "name in the code")
    }
    assert limits == {
        name: getattr(expression, name)
        for name in expression.__all__
        if name.endswith("_MAX") and name != "INT_MAX"
    }


def test_every_function_macro_and_reserved_word_stands_on_the_page() -> None:
    forms = {re.sub(r"^list\.|\(.*", "", code(row["form"])) for row in rows("form", "gives")}
    for known in forms - {"min", "max", "muldiv", "size"}:
        parse(f"xs.{known}(x, 1)")
    with pytest.raises(errors.RuleSyntaxError) as caught:
        parse("unknown(1)")
    hint = caught.value.hint.replace("known are ", "").replace(" and on lists ", " ")
    assert forms == set(hint.split(", "))
    listed = re.search(r"Reserved are `([^`]+)`", SECTION)
    assert listed is not None
    assert set(listed[1].split()) == RESERVED


def test_the_difference_to_cel_is_one() -> None:
    with pytest.raises(errors.DivisionByZero):
        evaluate(check("hours / 0 == 1 || open", ENV), VALUES)
    assert "`hours / 0 == 1 || open`" in SECTION
    for quoted in ("-7 % 2", "1 < hours && hours < 9"):
        assert f"`{quoted}`" in SECTION
        evaluate(check(quoted, ENV), VALUES)
