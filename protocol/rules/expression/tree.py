"""The syntax tree of a rule: values without behaviour, each with its position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from commonweal.protocol.rules.expression.position import Position

DEPTH_MAX = 32
"""Levels of nesting of brackets, arguments, branches, prefix signs and fields.

The operands of one chain, as in a + b + c, are on one level.
"""

NODES_MAX = 512
"""Values and operators in a rule."""

ArithmeticSign: TypeAlias = Literal["+", "-", "*", "/", "%"]
RelationSign: TypeAlias = Literal["==", "!=", "<", "<=", ">", ">=", "in"]
FunctionName: TypeAlias = Literal["muldiv", "min", "max", "size"]
MacroName: TypeAlias = Literal["all", "exists", "filter", "map", "sum", "count"]


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, a string, true or false."""

    at: Position
    value: int | bool | str


@dataclass(frozen=True, slots=True)
class Name:
    """A name that the caller or a macro defines."""

    at: Position
    name: str


@dataclass(frozen=True, slots=True)
class ListLiteral:
    """A list literal."""

    at: Position
    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class FieldAccess:
    """One field of a record."""

    at: Position
    of: Expression
    name: str


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A function and its arguments."""

    at: Position
    function: FunctionName
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class MacroCall:
    """`body` for each item of `over`, under the name `variable`."""

    at: Position
    macro: MacroName
    over: Expression
    variable: str
    body: Expression


@dataclass(frozen=True, slots=True)
class Unary:
    """`times` equal signs before a value; two cancel each other, as in CEL."""

    at: Position
    sign: Literal["!", "-"]
    times: int
    operand: Expression


@dataclass(frozen=True, slots=True)
class ArithmeticTerm:
    """One operator of a chain: the sign, its position, and the operand after it."""

    sign: ArithmeticSign
    at: Position
    operand: Expression


@dataclass(frozen=True, slots=True)
class ArithmeticChain:
    """Operators of equal precedence, applied from left to right."""

    at: Position
    first: Expression
    links: tuple[ArithmeticTerm, ...]


@dataclass(frozen=True, slots=True)
class Relation:
    """A comparison of two values."""

    at: Position
    sign: RelationSign
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Logic:
    """Conditions joined by && or by ||. at: position of the first sign."""

    at: Position
    sign: Literal["&&", "||"]
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Conditional:
    """condition ? then : otherwise."""

    at: Position
    condition: Expression
    then: Expression
    otherwise: Expression


Expression: TypeAlias = (
    Constant
    | Name
    | ListLiteral
    | FieldAccess
    | FunctionCall
    | MacroCall
    | Unary
    | ArithmeticChain
    | Relation
    | Logic
    | Conditional
)
