"""The parser: tokens to a tree, by the grammar of CEL, within fixed limits.

Whatever the source, at most DEPTH_MAX levels are around a part: depth is checked on entry, and
nodes are counted when they are made. Types are not checked here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast, get_args

from commonweal.protocol.errors import RuleSyntaxError, TooLarge
from commonweal.protocol.rules.expression.position import Position
from commonweal.protocol.rules.expression.tokens import RESERVED, Token, tokens
from commonweal.protocol.rules.expression.tree import (
    DEPTH_MAX,
    NODES_MAX,
    ArithmeticChain,
    ArithmeticSign,
    ArithmeticTerm,
    Conditional,
    Constant,
    Expression,
    FieldAccess,
    FunctionCall,
    FunctionName,
    ListLiteral,
    Logic,
    MacroCall,
    MacroName,
    Name,
    Relation,
    RelationSign,
    Unary,
)
from commonweal.protocol.rules.expression.types import INT_MAX, INT_MIN

_COMPARISONS = frozenset(get_args(RelationSign))
_FUNCTIONS = get_args(FunctionName)
_MACROS = get_args(MacroName)


def parse(source: str) -> Expression:
    """Return the tree of `source`. Raises `RuleSyntaxError` or `TooLarge` with the position."""
    parser = _Parser(tokens(source))
    expression = parser.expression()
    parser.expect("", "the rule to end")
    return expression


class _Parser:
    """A recursive-descent parser over the tokens, one pass from left to right."""

    def __init__(self, source_tokens: Sequence[Token]) -> None:
        self._tokens = source_tokens
        self._next = 0
        self._nodes = 0
        self._depth = -1
        """Levels around the part that is read; -1 before the rule, which is level 0."""

    def expression(self) -> Expression:
        """`or ["?" or ":" expression]`: as in CEL, a choice between ? and : needs brackets."""
        self._enter()
        expression = self._logic_or()
        if question := self._take("?"):
            at = self._node(question.at)
            then = self._logic_or()
            self.expect(":", "':' and the other value")
            expression = Conditional(at, expression, then, self.expression())
        self._depth -= 1
        return expression

    def expect(self, sign: str, what: str) -> Token:
        """Take the sign (or, when empty, the end), else raise RuleSyntaxError."""
        token = self._tokens[self._next]
        if token.kind == ("sign" if sign else "end") and token.text == sign:
            self._next += 1
            return token
        raise self._unexpected(token, what)

    def _logic_or(self) -> Expression:
        operands = [self._logic_and()]
        at = self._tokens[self._next].at
        while token := self._take("||"):
            self._node(token.at)
            operands.append(self._logic_and())
        return operands[0] if len(operands) == 1 else Logic(at, "||", tuple(operands))

    def _logic_and(self) -> Expression:
        operands = [self._relation()]
        at = self._tokens[self._next].at
        while token := self._take("&&"):
            self._node(token.at)
            operands.append(self._relation())
        return operands[0] if len(operands) == 1 else Logic(at, "&&", tuple(operands))

    def _relation(self) -> Expression:
        left = self._sum()
        token = self._tokens[self._next]
        if token.kind == "string" or token.text not in _COMPARISONS:
            return left
        self._next += 1
        sign = cast(RelationSign, token.text)
        relation = Relation(self._node(token.at), sign, left, self._sum())
        token = self._tokens[self._next]
        if token.kind != "string" and token.text in _COMPARISONS:
            raise RuleSyntaxError(
                "comparisons do not follow one another",
                "join them with && or add brackets",
                token.at,
            )
        return relation

    def _sum(self) -> Expression:
        at = self._tokens[self._next].at
        first = self._product()
        links: list[ArithmeticTerm] = []
        while token := self._take("+", "-"):
            self._node(token.at)
            links.append(
                ArithmeticTerm(cast(ArithmeticSign, token.text), token.at, self._product())
            )
        return ArithmeticChain(at, first, tuple(links)) if links else first

    def _product(self) -> Expression:
        at = self._tokens[self._next].at
        first = self._prefixed()
        links: list[ArithmeticTerm] = []
        while token := self._take("*", "/", "%"):
            self._node(token.at)
            links.append(
                ArithmeticTerm(cast(ArithmeticSign, token.text), token.at, self._prefixed())
            )
        return ArithmeticChain(at, first, tuple(links)) if links else first

    def _prefixed(self) -> Expression:
        first = self._take("!", "-")
        if first is None:
            return self._member()
        times = 1
        following = self._tokens[self._next]
        if first.text == "-" and following.kind == "int":
            return self._member(negative=True)
        entered = self._depth
        self._enter(first.at)
        self._node(first.at)
        while again := self._take(first.text):
            self._enter(again.at)
            self._node(again.at)
            times += 1
        operand = self._member()
        self._depth = entered
        return Unary(first.at, "!" if first.text == "!" else "-", times, operand)

    def _member(self, negative: bool = False) -> Expression:
        member = self._primary(negative)
        entered = self._depth
        while self._take("."):
            self._enter()
            name = self._name("the name of a field or macro")
            at = self._node(name.at)
            is_macro = self._take("(") is not None
            member = (
                self._macro(name, at, member) if is_macro else FieldAccess(at, member, name.text)
            )
        self._depth = entered
        return member

    def _macro(self, name: Token, at: Position, over: Expression) -> Expression:
        if name.text not in _MACROS:
            hint = f"lists have {', '.join(_MACROS)}; functions stand before their arguments"
            raise RuleSyntaxError(f"there is no macro {name.text!r}", hint, at)
        variable = self._name("a name for each item")
        self.expect(",", f"',' as in {name.text}(item, ...)")
        body = self.expression()
        self.expect(")", "')'")
        return MacroCall(at, cast(MacroName, name.text), over, variable.text, body)

    def _primary(self, negative: bool) -> Expression:
        if self._take("("):
            expression = self.expression()
            self.expect(")", "')'")
            return expression
        token = self._tokens[self._next]
        at = self._node(token.at)
        self._next += 1
        if token.kind == "int":
            return Constant(at, _number(token, negative))
        if token.kind == "string":
            return Constant(at, token.text)
        if token.kind == "name":
            if token.text in ("true", "false"):
                return Constant(at, token.text == "true")
            self._refuse_reserved(token)
            if self._take("("):
                return self._call(token)
            return Name(at, token.text)
        if token.text == "[":
            return ListLiteral(at, self._list("]"))
        raise self._unexpected(token, "a value")

    def _call(self, name: Token) -> Expression:
        if name.text not in _FUNCTIONS:
            hint = f"known are {', '.join(_FUNCTIONS)}, and on lists {', '.join(_MACROS)}"
            raise RuleSyntaxError(f"there is no function {name.text!r}", hint, name.at)
        return FunctionCall(name.at, cast(FunctionName, name.text), self._list(")"))

    def _list(self, close: str) -> tuple[Expression, ...]:
        if self._take(close):
            return ()
        expressions = [self.expression()]
        while self._take(","):
            expressions.append(self.expression())
        self.expect(close, f"',' or {close!r}")
        return tuple(expressions)

    def _name(self, what: str) -> Token:
        token = self._tokens[self._next]
        if token.kind != "name":
            raise self._unexpected(token, what)
        self._refuse_reserved(token)
        self._next += 1
        return token

    def _refuse_reserved(self, token: Token) -> None:
        if token.text in RESERVED:
            sentence = f"{token.text!r} is a reserved word and names nothing"
            raise RuleSyntaxError(sentence, "choose another name", token.at)

    def _take(self, *signs: str) -> Token | None:
        token = self._tokens[self._next]
        if token.kind == "sign" and token.text in signs:
            self._next += 1
            return token
        return None

    def _enter(self, at: Position | None = None) -> None:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise TooLarge(
                f"parts stand in each other more than {DEPTH_MAX} deep",
                "name a part of it as a rule of its own",
                at or self._tokens[self._next].at,
            )

    def _node(self, at: Position) -> Position:
        self._nodes += 1
        if self._nodes > NODES_MAX:
            sentence = f"the rule has more than {NODES_MAX} values and operators"
            raise TooLarge(sentence, "split it into several rules", at)
        return at

    def _unexpected(self, token: Token, what: str) -> RuleSyntaxError:
        match token.kind:
            case "end":
                actual = "the rule ends"
            case "string":
                actual = "a text stands"
            case _:
                actual = f"{token.text!r} stands"
        return RuleSyntaxError(f"{actual} where {what} was expected", "see docs/rules.md", token.at)


def _number(token: Token, negative: bool) -> int:
    value = -int(token.text) if negative else int(token.text)
    if not INT_MIN <= value <= INT_MAX:
        raise TooLarge("the number does not fit 128 bits", "count in a larger unit", token.at)
    return value
