"""What a rule says, as a tree: values without behaviour, each with its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from commonweal.protocol.rules.expression.position import Position

DEPTH_MAX = 32
"""Brackets, arguments, branches, signs before a value and fields stand in each other this deep.

The operands of one chain, as in a + b + c, stand side by side.
"""

NODES_MAX = 512
"""A rule has at most this many values and operators."""

ArithmeticSign: TypeAlias = Literal["+", "-", "*", "/", "%"]
RelationSign: TypeAlias = Literal["==", "!=", "<", "<=", ">", ">=", "in"]
FunctionName: TypeAlias = Literal["muldiv", "min", "max", "size"]
MacroName: TypeAlias = Literal["all", "exists", "filter", "map", "sum", "count"]


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, a text, true or false."""

    at: Position
    value: int | bool | str


@dataclass(frozen=True, slots=True)
class Name:
    """A value that the caller or a macro named."""

    at: Position
    name: str


@dataclass(frozen=True, slots=True)
class ListLiteral:
    """A list written out."""

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
    """`times` signs before one value; two of them undo each other, as in CEL."""

    at: Position
    sign: Literal["!", "-"]
    times: int
    operand: Expression


@dataclass(frozen=True, slots=True)
class ArithmeticTerm:
    """One step of a chain: the sign, its place, and what follows it."""

    sign: ArithmeticSign
    at: Position
    operand: Expression


@dataclass(frozen=True, slots=True)
class ArithmeticChain:
    """Arithmetic of one precedence, from left to right."""

    at: Position
    first: Expression
    links: tuple[ArithmeticTerm, ...]


@dataclass(frozen=True, slots=True)
class Relation:
    """Two values and how they are compared."""

    at: Position
    sign: RelationSign
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Logic:
    """Conditions joined by one of && and ||; `at` is the place of the first sign."""

    at: Position
    sign: Literal["&&", "||"]
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Conditional:
    """One of two values, by a condition."""

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
