"""Rules that nobody wrote: well typed, of every shape, the same from the same chance."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from commonweal.protocol.rules.expression import BOOL, INT, STRING, ListType, Type

ENV: dict[str, Type] = {
    "a": INT,
    "b": INT,
    "p": BOOL,
    "k": STRING,
    "xs": ListType(INT),
    "ks": ListType(STRING),
}

SHAPES = {
    "int": [*"+-*/%+-*/%", "chain", "?:", "neg", "min", "max", "size", "sum", "count"],
    "bool": [
        *("&&", "||", "!", "<", "<=", ">", ">=", "==", "!=", "k==", "in", "kin", "?:"),
        *("&&", "||", "all", "exists"),
    ],
    "string": ["?:", "leaf"],
    "ints": ["filter", "map", "?:", "list", "leaf"],
}
"""How a part of each kind can be made; what stands twice comes twice as often."""


@dataclass(frozen=True)
class Part:
    """One part of a generated expression; `shape` names it, `parts` stand in it."""

    shape: str
    parts: tuple[Part, ...] = ()
    text: str = ""


def generated(chance: Random, kind: str, depth: int, items: tuple[str, ...] = ()) -> Part:
    """Return a well-typed part of `kind`: int, bool, string, ints; `items` are names of items."""

    def of(kind: str, items: tuple[str, ...] = items) -> Part:
        return generated(chance, kind, depth - 1, items)

    def each(shape: str, body: str) -> Part:
        name = f"v{len(items)}"
        return Part(shape, (of("ints"), of(body, (*items, name))), name)

    if depth == 0:
        return _leaf(chance, kind, items)
    shape = chance.choice(SHAPES[kind])
    match shape:
        case "leaf":
            return _leaf(chance, kind, items)
        case "+" | "-" | "*" | "/" | "%" | "min" | "max":
            return Part(shape, (of("int"), of("int")))
        case "chain":
            return Part(
                shape, (of("int"), of("int"), of("int")), chance.choice(["++", "+-", "--", "-+"])
            )
        case "neg":
            return Part(shape, (of("int"),), "-" * chance.randrange(1, 4))
        case "!":
            return Part(shape, (of("bool"),), "!" * chance.randrange(1, 4))
        case "<" | "<=" | ">" | ">=" | "==" | "!=":
            return Part(shape, (of("int"), of("int")))
        case "k==":
            return Part(chance.choice(["==", "!="]), (of("string"), of("string")))
        case "&&" | "||":
            return Part(shape, (of("bool"), of("bool")))
        case "in":
            return Part("in", (of("int"), of("ints")))
        case "kin":
            return Part("in", (of("string"), Part("leaf", text="ks")))
        case "?:":
            return Part(shape, (of("bool"), of(kind), of(kind)))
        case "size":
            return Part(shape, (of("ints"),))
        case "sum" | "map":
            return each(shape, "int")
        case "all" | "exists" | "filter" | "count":
            return each(shape, "bool")
        case "list":
            return Part(shape, tuple(of("int") for _ in range(chance.randrange(1, 4))))
    raise AssertionError(shape)


def _leaf(chance: Random, kind: str, items: tuple[str, ...]) -> Part:
    match kind:
        case "int":
            wide = str(chance.choice([0, 0, 0, 1, 2**31, 2**40]))
            text = chance.choice(
                ["a", "b", *items, *items, str(chance.randrange(1_000)), wide, wide]
            )
        case "bool":
            text = chance.choice(["p", "true", "false", "a < b", "k == 'x'"])
        case "string":
            text = chance.choice(["k", "'x'", '"y"', "'工'", r"'\''", r'"\\"'])
        case _:
            text = chance.choice(["xs", "xs", "[a, b]", "[1, 2, 3]", "[-1]"])
    return Part("leaf", text=text)


def as_rule(part: Part) -> str:
    """The part in the language of rules."""
    inner = [as_rule(one) for one in part.parts]
    match part.shape:
        case "leaf":
            return part.text
        case "chain":
            return f"({inner[0]} {part.text[0]} {inner[1]} {part.text[1]} {inner[2]})"
        case "neg" | "!":
            return f"({part.text}({inner[0]}))"
        case "?:":
            return f"({inner[0]} ? {inner[1]} : {inner[2]})"
        case "list":
            return f"[{', '.join(inner)}]"
        case "size" | "min" | "max":
            return f"{part.shape}({', '.join(inner)})"
        case "sum" | "count" | "all" | "exists" | "filter" | "map":
            return f"{inner[0]}.{part.shape}({part.text}, {inner[1]})"
    return f"({inner[0]} {part.shape} {inner[1]})"
