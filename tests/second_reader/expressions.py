"""The expression language of rules.md, without macros and fuel."""

from __future__ import annotations

import re
from typing import Any

TOKEN = re.compile(r"\s*(\d+|\w+|'[^']*'|\"[^\"]*\"|==|!=|<=|>=|&&|\|\||[-+*/%<>!?:.,()\[\]])")
RELATIONS = ("==", "!=", "<", "<=", ">", ">=", "in")


class ExpressionError(Exception):
    """The evaluation ends without a result."""


def evaluate(text: str, event: dict[str, Any]) -> Any:
    """Return the value of an expression over an event."""
    return _Reading(TOKEN.findall(text), {"event": event}).choice(True)


class _Reading:
    """Reads and evaluates at once; what is not `live` is read only."""

    def __init__(self, tokens: list[str], known: dict[str, Any]) -> None:
        self.tokens, self.known = [*tokens, ""], known

    def take(self, *wanted: str) -> str:
        """Return the next token if it is one of these, else nothing."""
        return self.tokens.pop(0) if self.tokens[0] in wanted else ""

    def choice(self, live: bool) -> Any:
        value = self.either(live)
        if not self.take("?"):
            return value
        first = self.either(live and value)
        assert self.take(":")
        second = self.choice(live and not value)
        return first if value else second

    def either(self, live: bool) -> Any:
        value = self.both(live)
        while self.take("||"):
            value = self.both(live and not value) or value
        return value

    def both(self, live: bool) -> Any:
        value = self.relation(live)
        while self.take("&&"):
            value = self.relation(live and value) and value
        return value

    def relation(self, live: bool) -> Any:
        left = self.sum(live)
        sign = self.take(*RELATIONS)
        if not sign:
            return left
        right = self.sum(live)
        if not live:
            return False
        match sign:
            case "==" | "!=":
                return (left == right) is (sign == "==")
            case "in":
                return left in right
            case "<" | "<=":
                return left < right or (sign == "<=" and left == right)
        return left > right or (sign == ">=" and left == right)

    def sum(self, live: bool) -> Any:
        value = self.product(live)
        while sign := self.take("+", "-"):
            more = self.product(live)
            value = _within(value + more if sign == "+" else value - more) if live else 0
        return value

    def product(self, live: bool) -> Any:
        value = self.prefixed(live)
        while sign := self.take("*", "/", "%"):
            by = self.prefixed(live)
            if live:
                value = _within(value * by) if sign == "*" else _divided(value, by, sign)
        return value

    def prefixed(self, live: bool) -> Any:
        if self.take("!"):
            return not self.prefixed(live)
        if self.take("-"):
            return -self.prefixed(live)
        value = self.primary(live)
        while self.take("."):
            value = value[self.tokens.pop(0)]
        return value

    def primary(self, live: bool) -> Any:
        token = self.tokens.pop(0)
        if token == "(":
            value = self.choice(live)
            assert self.take(")")
            return value
        if token == "[":
            return self.listed("]", live)
        if token[0].isdigit():
            return int(token)
        if token[0] in "'\"":
            return token[1:-1]
        if token in ("true", "false"):
            return token == "true"
        if self.take("("):
            values = self.listed(")", live)
            match token:
                case "min" | "max":
                    return min(values) if token == "min" else max(values)
                case "size":
                    return len(values[0])
            raise NotImplementedError(token)
        return self.known[token]

    def listed(self, end: str, live: bool) -> list[Any]:
        values = [self.choice(live)]
        while self.take(","):
            values.append(self.choice(live))
        assert self.take(end)
        return values


def _within(value: int) -> int:
    if not -(2**127) <= value < 2**127:
        raise ExpressionError("a number leaves 128 bits")
    return value


def _divided(value: int, by: int, sign: str) -> int:
    if not by:
        raise ExpressionError("division by zero")
    whole = abs(value) // abs(by) * (1 if (value < 0) is (by < 0) else -1)
    return whole if sign == "/" else value - whole * by
