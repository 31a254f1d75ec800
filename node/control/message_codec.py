"""The bytes of the local API: how its questions and answers are sent.

A message is its length (4 bytes, big-endian) and a canonical map (protocol/codec.py). A question
is {"question": name, "about": fields}. Each answer to it is {"ok": fields, "last": bool}, or
{"error": class name, "text": str, "exit": exit code}, which is always the last. A field that has
its default is left out. Nothing here opens a socket, and the questions are imported by who asks or
answers them, so that a command which asks starts quickly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Any,
    NewType,
    TypeVar,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from commonweal.node.control.messages.question import Question, SelfEncoding
from commonweal.protocol import codec, errors
from commonweal.protocol.errors import CommonwealError, Malformed

if TYPE_CHECKING:
    from commonweal.node.control.messages.all_questions import AnyQuestion

MESSAGE_BYTES_MAX = 1024 * 1024
LENGTH_BYTES = 4
DEPTH_MAX = 12
"""A submission carries the data of records, which are 8 deep themselves."""
ERROR_CHARS_MAX = MESSAGE_BYTES_MAX // 8

A = TypeVar("A")
V = TypeVar("V")


def question_to_bytes(question: Question[Any]) -> bytes:
    """Return a question as it is sent, with its length. Raises Malformed: it is too long."""
    return _framed({"question": question.NAME, "about": to_map(question)})


def question_from_bytes(data: bytes) -> AnyQuestion:
    """Return the question of a message without its length. Raises Malformed, UsageError."""
    from commonweal.node.control.messages.all_questions import QUESTIONS

    match codec.decode(data, DEPTH_MAX):
        case {"question": str(name), "about": dict(about)}:
            kind = QUESTIONS.get(name)
            if kind is None:
                raise errors.UsageError(f"a question {name!r:.40} is not known")
            return from_map(kind, about)
        case _:
            raise Malformed("not a question to a node")


def answer_to_bytes(answer: object, *, is_last: bool) -> bytes:
    """Return an answer as it is sent, with its length. Raises Malformed: it is too long."""
    return _framed({"ok": to_map(answer), "last": is_last})


def error_to_bytes(error: CommonwealError) -> bytes:
    """Return an error as it is sent, with its length; a long text is cut."""
    name, text = type(error).__name__, str(error)[:ERROR_CHARS_MAX]
    return _framed({"error": name, "text": text, "exit": error.exit_code})


def answer_from_bytes(question: Question[A], data: bytes) -> tuple[A, bool]:
    """Return an answer and whether it is the last. Raises the error that the node answered."""
    match codec.decode(data, DEPTH_MAX):
        case {"ok": dict(value), "last": bool(is_last)}:
            kind: Any = question.ANSWER if is_last else question.PROGRESS
            if kind is None:
                raise Malformed(f"{question.NAME!r} has one answer")
            return from_map(kind, value), is_last
        case {"error": str(name), "text": str(text), "exit": int(exit_code)}:
            raise _named(name, text, exit_code)
        case _:
            raise Malformed("not an answer of a node")


def to_map(value: Any) -> dict[str, Any]:
    """Return the fields of a question or answer as the codec takes them, without defaults."""
    if isinstance(value, SelfEncoding):
        return value.to_map()
    return {
        field.name: _plain(getattr(value, field.name))
        for field in fields(value)
        if field.default is MISSING or getattr(value, field.name) != field.default
    }


def from_map(kind: type[V], data: Mapping[str, Any]) -> V:
    """Return a question or answer of this kind, every field checked. Raises Malformed."""
    if issubclass(kind, SelfEncoding):
        return kind.from_map(data)
    own = _fields(cast(Any, kind))
    required = {name for name, (_, is_required) in own.items() if is_required}
    if not required <= data.keys() <= own.keys():
        raise Malformed(f"{kind.__name__} has the fields {', '.join(own)}")
    return kind(**{name: _checked(own[name][0], value) for name, value in data.items()})


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return to_map(value)
    if isinstance(value, Enum):
        return value.value
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


@cache
def _fields(kind: Any) -> Mapping[str, tuple[Any, bool]]:
    """Return type of each field, and whether it must be there."""
    hints = get_type_hints(kind)
    return {field.name: (hints[field.name], field.default is MISSING) for field in fields(kind)}


def _checked(hint: Any, value: Any) -> Any:
    """Return a value of the codec as a field of this type holds it. Raises Malformed."""
    if isinstance(hint, NewType):
        hint = hint.__supertype__
    if isinstance(hint, UnionType):
        if value is None:
            return None
        hint = next(part for part in get_args(hint) if part is not NoneType)
    if isinstance(hint, type) and issubclass(hint, Enum):
        values = {member.value: member for member in hint}
        if not isinstance(value, bool) and isinstance(value, str | int) and value in values:
            return values[value]
    if is_dataclass(hint) and isinstance(value, dict):
        return from_map(cast(type[Any], hint), value)
    if get_origin(hint) is tuple and isinstance(value, list):
        kinds = get_args(hint)
        if kinds[-1] is Ellipsis:
            return tuple(_checked(kinds[0], item) for item in value)
        if len(kinds) == len(value):
            return tuple(map(_checked, kinds, value))
    if type(value) is not hint:
        raise Malformed(f"{value!r:.40} is not of the type {hint}")
    return value


def _framed(value: dict[str, Any]) -> bytes:
    data = codec.encode(value, DEPTH_MAX)
    if len(data) > MESSAGE_BYTES_MAX:
        raise Malformed(f"{len(data)} bytes; one message has at most {MESSAGE_BYTES_MAX}")
    return len(data).to_bytes(LENGTH_BYTES, "big") + data


def _named(name: str, text: str, exit_code: int) -> CommonwealError:
    """Return the error of this name; an unknown one keeps its text and exit code."""
    kind = getattr(errors, name, None)
    if isinstance(kind, type) and issubclass(kind, CommonwealError):
        error = kind.__new__(kind, text)
        Exception.__init__(error, text)
        return error
    unknown = CommonwealError(f"{name}: {text}")
    unknown.exit_code = exit_code  # type: ignore[misc]
    return unknown
