"""The instructions of a checked rule: closures over a frame, each with a price in fuel.

A frame is a list: index 0 is the remaining fuel, the others are values of names. Fuel is paid on
entering a part that runs as a whole (the rule, a branch, the body of a macro for one item): one
unit per value and operator in it. What the checker proved is not checked again; values of the
caller are checked when they are read. Types are checked in `checker`, never here. Any error ends
the evaluation: unlike in CEL, `error || true` is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, assert_never

from commonweal.protocol.errors import DivisionByZero, OutOfFuel, RuleOverflow
from commonweal.protocol.rules.expression.position import Position
from commonweal.protocol.rules.expression.tree import ArithmeticSign, MacroName, RelationSign
from commonweal.protocol.rules.expression.types import (
    INT_MAX,
    INT_MIN,
    Scalar,
    Type,
    Value,
    require,
    require_all,
)

FUEL_MAX = 10_000
"""Steps of one evaluation."""


class FuelBudget:
    """Fuel of many evaluations together. left: negative once the last one used more than that."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left


Frame: TypeAlias = "list[Any]"
Run: TypeAlias = Callable[[Frame], Any]


class Instruction(NamedTuple):
    """run: computes a value from a frame. price: fuel to pay before it runs."""

    run: Run
    price: int


class Input(NamedTuple):
    """A name that the rule reads, its index in the frame, and where it is read first."""

    name: str
    type: Type
    place: int
    at: Position


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled rule, which runs in a frame of `places` entries that has its inputs."""

    run: Run
    type: Type
    inputs: tuple[Input, ...]
    places: int


def run(
    program: Program, values: Mapping[str, Value], fuel: int, shared_fuel: FuelBudget | None
) -> Value:
    """Return the value of the rule; deterministic. Raises as `checker.evaluate` does."""
    frame: Frame = [None] * program.places
    frame[0] = fuel
    for name, kind, place, at in program.inputs:
        value = values.get(name)
        require(value, kind, name, at)
        frame[place] = value
    try:
        result: Value = program.run(frame)
    finally:
        if shared_fuel is not None:
            shared_fuel.left -= fuel - frame[0]
    if not isinstance(program.type, Scalar):
        require_all(result, program.type, "the result", Position(1, 1))
    return result


def paid(step: Instruction, at: Position) -> Run:
    """Return `step` with payment in advance; it raises `OutOfFuel` when fuel is missing."""
    inner, price = step

    def run_paid(frame: Frame) -> Any:
        frame[0] -= price
        if frame[0] < 0:
            raise _out_of_fuel(at)
        return inner(frame)

    return run_paid


def constant(value: int | bool | str) -> Instruction:
    """Return the instruction for a constant."""
    return Instruction(lambda frame: value, 1)


def read(place: int) -> Instruction:
    """Return the instruction that reads the frame at `place`."""
    return Instruction(lambda frame: frame[place], 1)


def field(of: Instruction, name: str, kind: Type, at: Position) -> Instruction:
    """Return the instruction for a field of a record; it may raise `ValueMismatch`."""
    record, price = of
    what = f"the field {name}"

    def run_field(frame: Frame) -> Any:
        value = record(frame).get(name)
        require(value, kind, what, at)
        return value

    return Instruction(run_field, price + 1)


def items(parts: Sequence[Instruction]) -> Instruction:
    """Return the instruction for a list of the values of `parts`."""
    runs = tuple(part.run for part in parts)
    return Instruction(lambda frame: [part(frame) for part in runs], 1 + _price(parts))


def negative(of: Instruction, times: int, at: Position) -> Instruction:
    """Return the instruction for `times` minus signs; it may raise `RuleOverflow`."""
    inner, price = of
    if times % 2 == 0:
        return Instruction(inner, price + times)

    def run_negative(frame: Frame) -> int:
        value: int = -inner(frame)
        if value > INT_MAX:
            raise _overflow(at)
        return value

    return Instruction(run_negative, price + times)


def negated(of: Instruction, times: int) -> Instruction:
    """Return the instruction for `times` negations of a condition."""
    inner, price = of
    if times % 2 == 0:
        return Instruction(inner, price + times)
    return Instruction(lambda frame: not inner(frame), price + times)


def arithmetic(
    first: Instruction, links: Sequence[tuple[ArithmeticSign, Position, Instruction]]
) -> Instruction:
    """Return the instruction for a chain of operators, from left to right.

    It may raise `RuleOverflow` or `DivisionByZero`.
    """
    price = first.price + sum(1 + step.price for _, _, step in links)
    if len(links) == 1:
        sign, at, step = links[0]
        return Instruction(_binary(sign, first.run, step.run, at), price)
    start = first.run
    rest = tuple((_OPERATIONS[sign], step.run, at) for sign, at, step in links)

    def run_chain(frame: Frame) -> int:
        value: int = start(frame)
        for operation, operand, at in rest:
            value = operation(value, operand(frame), at)
            if not INT_MIN <= value <= INT_MAX:
                raise _overflow(at)
        return value

    return Instruction(run_chain, price)


def compared(
    sign: RelationSign, left: Instruction, right: Instruction, kind: Type, at: Position
) -> Instruction:
    """Return the instruction for a comparison. kind: for `in`, the type of the items."""
    first, other = left.run, right.run
    price = 1 + left.price + right.price
    match sign:
        case "==":
            return Instruction(lambda frame: first(frame) == other(frame), price)
        case "!=":
            return Instruction(lambda frame: first(frame) != other(frame), price)
        case "<":
            return Instruction(lambda frame: first(frame) < other(frame), price)
        case "<=":
            return Instruction(lambda frame: first(frame) <= other(frame), price)
        case ">":
            return Instruction(lambda frame: first(frame) > other(frame), price)
        case ">=":
            return Instruction(lambda frame: first(frame) >= other(frame), price)
        case "in":
            return Instruction(_is_in(first, other, kind, at), price)
        case _:
            assert_never(sign)


def every(operands: Sequence[tuple[Instruction, Position]]) -> Instruction:
    """Return the instruction for &&: operands from left to right up to the first false one."""
    first, rest = _short(operands)

    def run_every(frame: Frame) -> bool:
        if not first(frame):
            return False
        return all(operand(frame) for operand in rest)

    return Instruction(run_every, len(operands) - 1 + operands[0][0].price)


def some(operands: Sequence[tuple[Instruction, Position]]) -> Instruction:
    """Return the instruction for ||: operands from left to right up to the first true one."""
    first, rest = _short(operands)

    def run_some(frame: Frame) -> bool:
        if first(frame):
            return True
        return any(operand(frame) for operand in rest)

    return Instruction(run_some, len(operands) - 1 + operands[0][0].price)


def choice(
    condition: Instruction, then: tuple[Instruction, Position], other: tuple[Instruction, Position]
) -> Instruction:
    """Return the instruction for ?: ; the branch not taken is neither computed nor paid."""
    decide, yes, no = condition.run, paid(*then), paid(*other)
    return Instruction(
        lambda frame: yes(frame) if decide(frame) else no(frame), 1 + condition.price
    )


def size(of: Instruction) -> Instruction:
    """Return the instruction for the number of items of a list."""
    inner, price = of
    return Instruction(lambda frame: len(inner(frame)), price + 1)


def extreme(least: bool, arguments: Sequence[Instruction]) -> Instruction:
    """Return the instruction for the smallest or the largest argument."""
    runs = tuple(argument.run for argument in arguments)
    choose = min if least else max
    return Instruction(
        lambda frame: choose([argument(frame) for argument in runs]), 1 + _price(arguments)
    )


def muldiv(arguments: Sequence[Instruction], at: Position) -> Instruction:
    """Return the instruction for a * b / c, truncated; only the result must fit 128 bits."""
    factor, other_factor, divisor = (argument.run for argument in arguments)

    def run_muldiv(frame: Frame) -> int:
        value = _quotient(factor(frame) * other_factor(frame), divisor(frame), at)
        if not INT_MIN <= value <= INT_MAX:
            raise _overflow(at)
        return value

    return Instruction(run_muldiv, 1 + _price(arguments))


def macro(
    name: MacroName, over: Instruction, place: int, kind: Type, body: Instruction, at: Position
) -> Instruction:
    """Return the instruction for a macro: `body` per item of a list, the item at `place`.

    An item costs one unit and the price of the body. `all` and `exists` end at the first item
    that decides.
    """
    evaluated = _evaluated_items(over.run, place, kind, body, at)
    price = over.price + 1
    match name:
        case "all":
            return Instruction(lambda frame: all(value for _, value in evaluated(frame)), price)
        case "exists":
            return Instruction(lambda frame: any(value for _, value in evaluated(frame)), price)
        case "filter":
            return Instruction(
                lambda frame: [item for item, value in evaluated(frame) if value], price
            )
        case "map":
            return Instruction(lambda frame: [value for _, value in evaluated(frame)], price)
        case "sum" | "count":
            return Instruction(_total(evaluated, at), price)
        case _:
            assert_never(name)


ItemValues: TypeAlias = Callable[[Frame], Iterator[tuple[Any, Any]]]


def _evaluated_items(
    over: Run, place: int, kind: Type, body: Instruction, at: Position
) -> ItemValues:
    """Return an iteration over items and the values of `body`, each item paid in advance."""
    inner, price = body.run, body.price + 1

    def run_each(frame: Frame) -> Iterator[tuple[Any, Any]]:
        for item in over(frame):
            frame[0] -= price
            if frame[0] < 0:
                raise _out_of_fuel(at)
            require(item, kind, "an item", at)
            frame[place] = item
            yield item, inner(frame)

    return run_each


def _total(evaluated: ItemValues, at: Position) -> Run:
    def run_total(frame: Frame) -> int:
        total = 0
        for _, value in evaluated(frame):
            total += value
            if not INT_MIN <= total <= INT_MAX:
                raise _overflow(at)
        return total

    return run_total


def _is_in(wanted: Run, among: Run, kind: Type, at: Position) -> Run:
    def run_in(frame: Frame) -> bool:
        value = wanted(frame)
        candidates = among(frame)
        frame[0] -= len(candidates)
        if frame[0] < 0:
            raise _out_of_fuel(at)
        for candidate in candidates:
            require(candidate, kind, "an item", at)
            if candidate == value:
                return True
        return False

    return run_in


def _short(operands: Sequence[tuple[Instruction, Position]]) -> tuple[Run, tuple[Run, ...]]:
    """Return the first operand, and the others, each paid when it is evaluated."""
    return operands[0][0].run, tuple(paid(step, at) for step, at in operands[1:])


def _binary(sign: ArithmeticSign, left: Run, other: Run, at: Position) -> Run:
    operation = _OPERATIONS[sign]

    def run_binary(frame: Frame) -> int:
        value = operation(left(frame), other(frame), at)
        if INT_MIN <= value <= INT_MAX:
            return value
        raise _overflow(at)

    return run_binary


def _quotient(dividend: int, other: int, at: Position) -> int:
    """Return the quotient, truncated towards zero as in CEL; Python's // rounds down."""
    if other == 0:
        raise DivisionByZero(
            "division by zero", "test the divisor first, as in d == 0 ? 0 : n / d", at
        )
    quotient = abs(dividend) // abs(other)
    return quotient if (dividend < 0) == (other < 0) else -quotient


def _remainder(dividend: int, other: int, at: Position) -> int:
    """What / leaves, with the sign of `one`; an overflow wherever one / other is one, as in CEL."""
    whole = _quotient(dividend, other, at)
    if whole > INT_MAX:
        raise _overflow(at)
    return dividend - other * whole


_OPERATIONS: dict[ArithmeticSign, Callable[[int, int, Position], int]] = {
    "+": lambda left, other, at: left + other,
    "-": lambda left, other, at: left - other,
    "*": lambda left, other, at: left * other,
    "/": _quotient,
    "%": _remainder,
}


def _price(parts: Sequence[Instruction]) -> int:
    return sum(part.price for part in parts)


def _overflow(at: Position) -> RuleOverflow:
    return RuleOverflow("the number leaves the range of 128 bits", "count in a larger unit", at)


def _out_of_fuel(at: Position) -> OutOfFuel:
    return OutOfFuel(
        "the steps of this evaluation are used up", "look at fewer items, or at each only once", at
    )
