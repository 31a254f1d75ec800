"""The types of rules, and the Python values of each.

A rule reads integers, booleans, strings, lists of one type, and records whose fields the caller
declares. There are no fractions, no iteration over maps, and no null.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias, assert_never

from commonweal.protocol.errors import TooLarge, ValueMismatch
from commonweal.protocol.rules.expression.position import Position

INT_MIN, INT_MAX = -(2**127), 2**127 - 1
"""Integers have 128 bits in two's complement; overflow is an error."""

LIST_ITEMS_MAX = 4_096
"""Items in a list that a rule reads."""


class Scalar(Enum):
    """A type whose values have no parts."""

    INT = "int"
    BOOL = "bool"
    STRING = "string"

    def __str__(self) -> str:
        return self.value


INT, BOOL, STRING = Scalar.INT, Scalar.BOOL, Scalar.STRING


@dataclass(frozen=True, slots=True)
class ListType:
    """Lists whose items all have the type `item`."""

    item: Type

    def __str__(self) -> str:
        return f"list of {self.item}"


@dataclass(frozen=True, slots=True)
class RecordType:
    """Records with these fields. name: used in error messages.

    A value is a dict with every field; other keys of the dict cannot be read.
    """

    name: str
    fields: Mapping[str, Type]

    def __str__(self) -> str:
        return self.name


Type: TypeAlias = Scalar | ListType | RecordType

Value: TypeAlias = "int | bool | str | list[Value] | dict[str, Value]"


def require(value: object, kind: Type, what: str, at: Position) -> None:
    """Return when `value` is of type `kind`; its parts are not checked.

    Parts are checked when the rule reads them, so the cost does not depend on the size of the
    caller's values. what: names the value in the error. Raises `ValueMismatch`, or `TooLarge` for
    a list of more than LIST_ITEMS_MAX items.
    """
    match kind:
        case Scalar.INT:
            fits = type(value) is int and INT_MIN <= value <= INT_MAX
        case Scalar.BOOL:
            fits = type(value) is bool
        case Scalar.STRING:
            fits = type(value) is str
        case ListType():
            fits = type(value) is list
            if type(value) is list and len(value) > LIST_ITEMS_MAX:
                sentence = f"{what} has {len(value):,} items, and {LIST_ITEMS_MAX:,} are the most"
                raise TooLarge(sentence, "let the rule read a shorter list", at)
        case RecordType():
            fits = type(value) is dict
        case _:
            assert_never(kind)
    if not fits:
        raise ValueMismatch(f"{what} is not of type {kind}", f"give it a value of {kind}", at)


def require_all(value: object, kind: Type, what: str, at: Position) -> None:
    """Return when `value` and all its parts are of type `kind`; raises as `require` does."""
    require(value, kind, what, at)
    match kind:
        case ListType(item):
            assert isinstance(value, list)
            for part in value:
                require_all(part, item, f"an item of {what}", at)
        case RecordType(_, fields):
            assert isinstance(value, dict)
            for name, field in fields.items():
                require_all(value.get(name), field, f"{what}.{name}", at)
        case Scalar():
            return
        case _:
            assert_never(kind)
