"""The type checker: types every part of a rule and compiles it to instructions.

Every name, field and operand has a type here, so an evaluation can fail only by overflow, by
division, by fuel, or by a value of another type than its caller declared. Nothing is evaluated.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, assert_never

from commonweal.protocol.errors import RuleTypeError
from commonweal.protocol.rules.expression import evaluation
from commonweal.protocol.rules.expression.evaluation import (
    FUEL_MAX,
    FuelBudget,
    Input,
    Instruction,
    Program,
)
from commonweal.protocol.rules.expression.parser import parse
from commonweal.protocol.rules.expression.position import Position
from commonweal.protocol.rules.expression.tree import (
    NODES_MAX,
    ArithmeticChain,
    Conditional,
    Constant,
    Expression,
    FieldAccess,
    FunctionCall,
    ListLiteral,
    Logic,
    MacroCall,
    Name,
    Relation,
    Unary,
)
from commonweal.protocol.rules.expression.types import (
    BOOL,
    INT,
    STRING,
    ListType,
    RecordType,
    Scalar,
    Type,
    Value,
)

NAMES_SHOWN_MAX = 8
"""An error lists at most this many of the known names."""


@dataclass(frozen=True, slots=True)
class CheckedExpression:
    """A well-typed rule, compiled; it can be evaluated any number of times."""

    source: str
    expression: Expression
    type: Type
    program: Program


def check(source: str, env: Mapping[str, Type], gives: Type | None = None) -> CheckedExpression:
    """Return the rule in `source`. env: the type of each name that it may read.

    gives: the type that the rule must have, or None for any. Raises `RuleSyntaxError`,
    `RuleTypeError` or `TooLarge`, each with line, column and a hint.
    """
    expression = parse(source)
    checker = _Checker(env)
    typed = checker.typed(expression)
    if gives is not None and typed.type != gives:
        raise _mismatch("the rule", gives, typed)
    run = evaluation.paid(typed.step, typed.at)
    program = Program(run, typed.type, tuple(checker.inputs.values()), checker.places)
    return CheckedExpression(source, expression, typed.type, program)


def evaluate(
    checked: CheckedExpression,
    values: Mapping[str, Value],
    fuel: int = FUEL_MAX,
    shared_fuel: FuelBudget | None = None,
) -> Value:
    """Return the value of the rule for `values`, which has each name that it reads.

    fuel: steps, 0 to FUEL_MAX. shared_fuel: fuel of many evaluations, from which the steps used are
    subtracted. Raises `RuleOverflow`, `DivisionByZero` or `OutOfFuel`; for values of other types
    than declared `ValueMismatch` or `TooLarge`.
    """
    assert 0 <= fuel <= FUEL_MAX, "fuel is limited"
    return evaluation.run(checked.program, values, fuel, shared_fuel)


class _Typed(NamedTuple):
    """A typed part of a rule: its type, its instruction, its position."""

    type: Type
    step: Instruction
    at: Position


class _Checker:
    """One walk over a tree. places: the size of the frame that the program needs."""

    def __init__(self, env: Mapping[str, Type]) -> None:
        self.inputs: dict[str, Input] = {}
        self.places = 1
        self._env = env
        self._variables: dict[str, tuple[Type, int]] = {}

    def typed(self, expression: Expression) -> _Typed:
        """Return a part with its type. Raises `RuleTypeError` with the position of the fault."""
        at = expression.at
        match expression:
            case Constant(_, value):
                return _Typed(_type_of(value), evaluation.constant(value), at)
            case Name(_, name):
                return self._name(name, at)
            case ListLiteral(_, parts):
                return self._items(parts, at)
            case FieldAccess(_, of, name):
                return self._field(self.typed(of), name, at)
            case FunctionCall():
                return self._call(expression)
            case MacroCall():
                return self._macro(expression)
            case Unary(_, sign, times, operand):
                if sign == "-":
                    step = self._want(operand, INT, "what - turns")
                    return _Typed(INT, evaluation.negative(step, times, at), at)
                step = self._want(operand, BOOL, "what ! turns")
                return _Typed(BOOL, evaluation.negated(step, times), at)
            case ArithmeticChain():
                return self._chain(expression)
            case Relation():
                return self._compared(expression)
            case Logic(_, sign, operands):
                what = f"an operand of {sign}"
                steps = [(self._want(operand, BOOL, what), operand.at) for operand in operands]
                joined = evaluation.every if sign == "&&" else evaluation.some
                return _Typed(BOOL, joined(steps), at)
            case Conditional():
                return self._choice(expression)
            case _:
                assert_never(expression)

    def _want(self, expression: Expression, kind: Type, what: str) -> Instruction:
        typed = self.typed(expression)
        if typed.type != kind:
            raise _mismatch(what, kind, typed)
        return typed.step

    def _name(self, name: str, at: Position) -> _Typed:
        if variable := self._variables.get(name):
            kind, place = variable
            return _Typed(kind, evaluation.read(place), at)
        if name not in self._env:
            known = [*self._variables, *self._env]
            raise RuleTypeError(f"there is no {name!r} here", _known(name, known), at)
        if name not in self.inputs:
            self.inputs[name] = Input(name, self._env[name], self._place(), at)
        source = self.inputs[name]
        return _Typed(source.type, evaluation.read(source.place), at)

    def _place(self) -> int:
        self.places += 1
        return self.places - 1

    def _items(self, parts: Sequence[Expression], at: Position) -> _Typed:
        if not parts:
            sentence = "a list written out needs an item, which gives it its type"
            raise RuleTypeError(sentence, "for an empty list, filter one with false", at)
        first = self.typed(parts[0])
        rest = [self._want(part, first.type, "an item of this list") for part in parts[1:]]
        return _Typed(ListType(first.type), evaluation.items([first.step, *rest]), at)

    def _field(self, of: _Typed, name: str, at: Position) -> _Typed:
        if not isinstance(of.type, RecordType):
            hint = "only records have fields; size(list) counts a list"
            raise RuleTypeError(f"{of.type} has no field {name!r}", hint, at)
        kind = of.type.fields.get(name)
        if kind is None:
            sentence = f"{of.type} has no field {name!r}"
            raise RuleTypeError(sentence, _known(name, of.type.fields), at)
        return _Typed(kind, evaluation.field(of.step, name, kind, at), at)

    def _call(self, call: FunctionCall) -> _Typed:
        name, at = call.function, call.at
        least, most, form = _FORMS[name]
        if not least <= len(call.arguments) <= most:
            raise RuleTypeError(
                f"{name} was given {len(call.arguments)} values", f"write {form}", at
            )
        if name == "size":
            of = self.typed(call.arguments[0])
            if not isinstance(of.type, ListType):
                raise RuleTypeError(f"size counts a list, not {of.type}", f"write {form}", of.at)
            return _Typed(INT, evaluation.size(of.step), at)
        steps = [self._want(argument, INT, f"a value of {name}") for argument in call.arguments]
        if name == "muldiv":
            return _Typed(INT, evaluation.muldiv(steps, at), at)
        return _Typed(INT, evaluation.extreme(name == "min", steps), at)

    def _macro(self, macro: MacroCall) -> _Typed:
        name, at, variable = macro.macro, macro.at, macro.variable
        over = self.typed(macro.over)
        if not isinstance(over.type, ListType):
            sentence = f"{name} walks through a list, not {over.type}"
            raise RuleTypeError(sentence, f"write list.{name}(item, ...)", at)
        if variable in self._variables or variable in self._env:
            sentence = f"{variable!r} is already the name of something here"
            raise RuleTypeError(sentence, "choose another name for the item", at)
        item, place = over.type.item, self._place()
        self._variables[variable] = (item, place)
        body = self.typed(macro.body)
        del self._variables[variable]
        wanted: Type
        kind: Type
        match name:
            case "all" | "exists":
                wanted, kind = BOOL, BOOL
            case "count":
                wanted, kind = BOOL, INT
            case "filter":
                wanted, kind = BOOL, over.type
            case "sum":
                wanted, kind = INT, INT
            case "map":
                wanted, kind = body.type, ListType(body.type)
            case _:
                assert_never(name)
        if body.type != wanted:
            raise _mismatch(f"what {name} asks of each item", wanted, body)
        return _Typed(kind, evaluation.macro(name, over.step, place, item, body.step, at), at)

    def _chain(self, chain: ArithmeticChain) -> _Typed:
        first = self._want(chain.first, INT, f"what {chain.links[0].sign} reckons with")
        links = [
            (link.sign, link.at, self._want(link.operand, INT, f"what {link.sign} reckons with"))
            for link in chain.links
        ]
        return _Typed(INT, evaluation.arithmetic(first, links), chain.at)

    def _compared(self, compared: Relation) -> _Typed:
        sign, at = compared.sign, compared.at
        left, right = self.typed(compared.left), self.typed(compared.right)
        if not isinstance(left.type, Scalar):
            sentence = f"{sign} does not compare {left.type}"
            raise RuleTypeError(sentence, "compare numbers, texts or conditions", left.at)
        if sign == "in":
            if right.type != ListType(left.type):
                raise _mismatch("what follows in", ListType(left.type), right)
        elif right.type != left.type:
            raise _mismatch(f"the right of {sign}", left.type, right)
        elif sign not in ("==", "!=") and left.type is not INT:
            sentence = f"{sign} does not order {left.type}"
            raise RuleTypeError(sentence, "only numbers have an order; use == or !=", at)
        return _Typed(BOOL, evaluation.compared(sign, left.step, right.step, left.type, at), at)

    def _choice(self, choice: Conditional) -> _Typed:
        condition = self._want(choice.condition, BOOL, "what stands before ?")
        then, other = self.typed(choice.then), self.typed(choice.otherwise)
        if then.type != other.type:
            raise _mismatch("the value after :", then.type, other)
        step = evaluation.choice(condition, (then.step, then.at), (other.step, other.at))
        return _Typed(then.type, step, choice.at)


_FORMS = {
    "size": (1, 1, "size(list)"),
    "muldiv": (3, 3, "muldiv(a, b, c), which is a * b / c"),
    "min": (2, NODES_MAX, "min(a, b), with two values or more"),
    "max": (2, NODES_MAX, "max(a, b), with two values or more"),
}
"""By function: the least and the most arguments, and its form."""


def _type_of(value: int | bool | str) -> Scalar:
    match value:
        case bool():
            return BOOL
        case int():
            return INT
        case str():
            return STRING
        case _:
            assert_never(value)


def _mismatch(what: str, wanted: Type, typed: _Typed) -> RuleTypeError:
    hint = "see the types of its parts in docs/rules.md"
    if wanted == BOOL:
        hint = "make it a condition, as in x > 0"
    elif wanted == INT and typed.type == BOOL:
        hint = "turn a condition into a number with condition ? 1 : 0"
    elif wanted == INT and typed.type == STRING:
        hint = "write numbers without quotes"
    elif isinstance(wanted, ListType) and typed.type == wanted.item:
        hint = "put it into brackets, as in [x]"
    return RuleTypeError(f"{what} has to be {wanted}, not {typed.type}", hint, typed.at)


def _known(name: str, names: Iterable[str]) -> str:
    known = sorted(names)
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    if not known:
        return "nothing has a name here"
    more = ", ..." if len(known) > NAMES_SHOWN_MAX else ""
    return f"known are {', '.join(known[:NAMES_SHOWN_MAX])}{more}"
