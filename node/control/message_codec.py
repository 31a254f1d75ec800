"""The bytes of the local API: how its questions and answers are sent.

A message is its length (4 bytes, big-endian) and a canonical map (protocol/codec.py). A question
is {"question": name, "about": fields}. Each answer to it is {"ok": fields, "last": bool}, or
{"error": class name, "text": str, "exit": exit code}, which is always the last. A field that has
its default is left out. Nothing here opens a socket, and nothing is imported from the service until
a submission is read, so that a command which asks starts quickly.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Any,
    NewType,
    TypeGuard,
    TypeVar,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from commonweal.node.control.messages import QUESTIONS, AnyQuestion, Question, Submit
from commonweal.protocol import codec, errors
from commonweal.protocol.errors import CommonwealError, Malformed
from commonweal.protocol.records.record import DEPS_MAX, SALT_BYTES, RecordId

if TYPE_CHECKING:
    from commonweal.node.service.events import OnceKey, Text, Wish

MESSAGE_BYTES_MAX = 1024 * 1024
LENGTH_BYTES = 4
DEPTH_MAX = 12
"""A submission carries the data of records, which are 8 deep themselves."""
ERROR_CHARS_MAX = MESSAGE_BYTES_MAX // 8
MORE_OF_A_WISH = frozenset({"deps", "text", "basis", "stand_in", "secret"})
"""What a wish may leave out."""

A = TypeVar("A")
V = TypeVar("V")


def question_to_bytes(question: Question[Any]) -> bytes:
    """Return a question as it is sent, with its length. Raises Malformed: it is too long."""
    return _framed({"question": question.NAME, "about": to_map(question)})


def question_from_bytes(data: bytes) -> AnyQuestion:
    """Return the question of a message without its length. Raises Malformed, UsageError."""
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
    if isinstance(value, Submit):
        once = {} if value.once is None else {"once": [value.once.key, value.once.request]}
        return {"wishes": [_wish_map(wish) for wish in value.wishes], **once}
    return {
        field.name: _plain(getattr(value, field.name))
        for field in fields(value)
        if field.default is MISSING or getattr(value, field.name) != field.default
    }


def from_map(kind: type[V], data: Mapping[str, Any]) -> V:
    """Return a question or answer of this kind, every field checked. Raises Malformed."""
    if kind is Submit:
        return cast(V, _submission(data))
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


def _wish_map(wish: Wish) -> dict[str, Any]:
    text = wish.text and to_map(wish.text) | {"permanent": wish.text.permanent}
    value = {"kind": wish.kind, "data": dict(wish.data), "deps": list(wish.deps), "text": text}
    named: dict[str, bytes] = {"basis": wish.basis, "stand_in": wish.stand_in}
    named["secret"] = wish.secret
    return value | {key: part for key, part in named.items() if part}


def _submission(data: Mapping[str, Any]) -> Submit:
    """Return a submission; once, deps, text, basis, stand_in may be left out. Raises Malformed."""
    from commonweal.node.service.events import DRAFTS_MAX

    match data:
        case {"wishes": list(wishes), **rest} if 0 < len(wishes) <= DRAFTS_MAX:
            return Submit(tuple(map(_wish, wishes)), _once(rest))
        case _:
            raise Malformed(f"a submission has 1 to {DRAFTS_MAX} wishes")


def _once(rest: Mapping[str, Any]) -> OnceKey | None:
    from commonweal.node.service.events import OnceKey

    match rest:
        case {"once": [bytes(key), bytes(request)]} if _is_id(key) and _is_id(request):
            return OnceKey(key, request)
        case {"once": _}:
            raise Malformed("a key that cannot be read")
        case _:
            return None


def _wish(value: object) -> Wish:
    from commonweal.node.service.events import Wish

    match value:
        case {"kind": str(kind), "data": dict(data), **rest} if rest.keys() <= MORE_OF_A_WISH:
            deps = rest.get("deps", [])
            basis, stand_in = rest.get("basis", b""), rest.get("stand_in", b"")
            secret = rest.get("secret", b"")
            if not _is_id(basis, (0, 32)) or not _is_id(stand_in, (0, 32)):
                raise Malformed("a wish with an id of another length")
            if isinstance(deps, list) and len(deps) <= DEPS_MAX and isinstance(secret, bytes):
                ids = tuple(RecordId(id) for id in deps if _is_id(id))
                if len(ids) == len(deps):
                    named = RecordId(basis), RecordId(stand_in)
                    return Wish(kind, data, ids, _text(rest.get("text")), *named, secret)
    raise Malformed("a wish that cannot be read")


def _is_id(value: object, sizes: Collection[int] = (32,)) -> TypeGuard[bytes]:
    return isinstance(value, bytes) and len(value) in sizes


def _text(value: object) -> Text | None:
    from commonweal.node.service.events import Text

    match value:
        case None:
            return None
        case {
            "media_type": str(kind),
            "content": bytes(content),
            "permanent": bool(permanent),
            **rest,
        } if rest.keys() <= {"salt"}:
            salt = rest.get("salt", b"")
            if not _is_id(salt, (0, SALT_BYTES)):
                raise Malformed("a salt of another length")
            return Text(kind, content, permanent, salt=salt)
        case _:
            raise Malformed("a text that cannot be read")


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
