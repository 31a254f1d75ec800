"""The tokens of a rule: names, numbers, strings and signs, each with its position.

The tokens are a subset of those of CEL. Letters, digits and blanks are ASCII, so that no Unicode
table, which differs between Pythons, decides what a rule means; other characters occur only in
strings. Invisible characters and those that change the direction of writing are refused
everywhere: a rule means what it shows (compare CVE-2021-42574, "Trojan Source").
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, TypeAlias

from commonweal.protocol.errors import RuleSyntaxError, TooLarge
from commonweal.protocol.rules.expression.position import Position
from commonweal.protocol.rules.expression.types import INT_MAX

SOURCE_CHARACTERS_MAX = 4_096
NAME_CHARACTERS_MAX = 64
STRING_CHARACTERS_MAX = 256
INT_DIGITS_MAX = len(str(INT_MAX))

_RESERVED_TEXT = """
as break const continue else false for function if import in let loop namespace null package
return true var void while
"""
RESERVED = frozenset(_RESERVED_TEXT.split())
"""Reserved words of CEL, which are no names."""

Kind: TypeAlias = Literal["int", "string", "name", "sign", "end"]


class Token(NamedTuple):
    """text: as written; of a string, its value without quotes and escapes."""

    kind: Kind
    text: str
    at: Position


_BLANK = re.compile(r"(?:[ \t\r\n\f]+|//[^\n]*)+")
_WORD = re.compile(
    r"(?P<int>[0-9]+)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign>&&|\|\||==|!=|<=|>=|[-+*/%<>!?:.,()\[\]])"
)
_STRING = re.compile(
    r"""(?P<quote>["'])(?P<inside>(?:\\[^\n\r]|(?!(?P=quote))[^\\\n\r])*)(?P=quote)"""
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_MEANS = {"\\": "\\", '"': '"', "'": "'", "n": "\n", "r": "\r", "t": "\t"}
_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_HINTS = {
    "=": "compare with ==",
    "&": "write && for and",
    "|": "write || for or",
    "{": "maps do not exist here; read the fields of a record",
    "'": "close the text with the same quote, on the same line",
    '"': "close the text with the same quote, on the same line",
}


def tokens(source: str) -> list[Token]:
    """Return the tokens of `source`, the last of kind "end".

    Raises TooLarge before reading a source past SOURCE_CHARACTERS_MAX, and
    RuleSyntaxError at the first character that begins no token.
    """
    if len(source) > SOURCE_CHARACTERS_MAX:
        raise TooLarge(
            f"the rule has {len(source):,} characters, and {SOURCE_CHARACTERS_MAX:,} are the most",
            "split it into several rules",
            Position(1, 1),
        )
    if hidden := _HIDDEN.search(source):
        raise RuleSyntaxError(
            f"character U+{ord(hidden[0]):04X} cannot be seen and is not allowed",
            "delete it and type the place again",
            _position(source, hidden.start()),
        )
    read: list[Token] = []
    offset = _after_blank(source, 0)
    while offset < len(source):
        token, offset = _token(source, offset)
        read.append(token)
        offset = _after_blank(source, offset)
    read.append(Token("end", "", _position(source, len(source))))
    return read


def _token(source: str, offset: int) -> tuple[Token, int]:
    at = _position(source, offset)
    if string := _STRING.match(source, offset):
        return Token("string", _text(string["inside"], at), at), string.end()
    word = _WORD.match(source, offset)
    if word is None:
        hint = _HINTS.get(source[offset], "names, numbers, 'texts' and the signs of docs/rules.md")
        raise RuleSyntaxError(f"{source[offset]!r} begins nothing that a rule knows", hint, at)
    text, end = word[0], word.end()
    if word["int"] is not None:
        _refuse_number(source, text, end, at)
        return Token("int", text, at), end
    if word["name"] is not None:
        if len(text) > NAME_CHARACTERS_MAX:
            sentence = f"a name has at most {NAME_CHARACTERS_MAX} characters, not {len(text):,}"
            raise TooLarge(sentence, "use the name that the rule's page lists", at)
        if source[end : end + 1] in ("'", '"'):
            sentence = "letters stand right before a text"
            raise RuleSyntaxError(sentence, "texts have no prefix; write only the quotes", at)
        return Token("name", text, at), end
    return Token("sign", text, at), end


def _refuse_number(source: str, digits: str, end: int, at: Position) -> None:
    if len(digits) > INT_DIGITS_MAX:
        sentence = f"a number has at most {INT_DIGITS_MAX} digits, not {len(digits):,}"
        raise TooLarge(sentence, "count in a larger unit", at)
    following = source[end : end + 1]
    if following == "." and source[end + 1 : end + 2].isdigit():
        raise RuleSyntaxError(
            "numbers have no fractions", "count in the smallest unit, or use muldiv(a, b, c)", at
        )
    if following.isascii() and (following.isalpha() or following == "_"):
        sentence = f"the number {digits} runs into the letter {following!r}"
        raise RuleSyntaxError(sentence, "write whole decimal numbers, without a suffix", at)


def _text(inside: str, at: Position) -> str:
    if len(inside) > STRING_CHARACTERS_MAX:
        sentence = f"a text has at most {STRING_CHARACTERS_MAX} characters, not {len(inside):,}"
        raise TooLarge(sentence, "compare with a short key instead", at)
    for escape in _ESCAPE.finditer(inside):
        if escape[1] not in _MEANS:
            sentence = f"{escape[0]} means nothing in a text"
            raise RuleSyntaxError(sentence, r"""known are \\ \" \' \n \r \t""", at)
    return _ESCAPE.sub(lambda escape: _MEANS[escape[1]], inside)


def _after_blank(source: str, offset: int) -> int:
    blank = _BLANK.match(source, offset)
    return offset if blank is None else blank.end()


def _position(source: str, offset: int) -> Position:
    line_start = source.rfind("\n", 0, offset) + 1
    return Position(source.count("\n", 0, offset) + 1, offset - line_start + 1)
