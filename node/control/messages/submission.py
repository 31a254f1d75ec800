"""Records to be written, and the answer once they are."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeGuard

from commonweal.node.control.messages.question import Question, SelfEncoding
from commonweal.protocol.errors import Malformed
from commonweal.protocol.records.record import DEPS_MAX, SALT_BYTES, RecordId

if TYPE_CHECKING:
    from commonweal.node.service.events import OnceKey, Text, Wish

MORE_OF_A_WISH = frozenset({"deps", "text", "basis", "stand_in", "secret"})
"""What a wish may leave out."""


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A record that was written. seq: its place in the log of this device."""

    id: bytes
    seq: int


@dataclass(frozen=True, slots=True)
class NewRecords:
    """The records of a submission, in order, once they are durable on this node."""

    records: tuple[NewRecord, ...]


@dataclass(frozen=True, slots=True)
class Submit(Question[NewRecords], SelfEncoding):
    """Write these records, all or none: 1 to DRAFTS_MAX of them.

    once: under this key they are written once; made again, the answer is the same. Raises what
    refuses them: OverBudget, NotPermitted, OlderCopy, KeyTaken and other CommonwealErrors.
    """

    NAME = "submit"
    ANSWER = NewRecords
    wishes: tuple[Wish, ...]
    once: OnceKey | None = None

    def to_map(self) -> dict[str, Any]:
        """Return the wishes and the key as the codec takes them."""
        once = {} if self.once is None else {"once": [self.once.key, self.once.request]}
        return {"wishes": [_wish_map(wish) for wish in self.wishes], **once}

    @classmethod
    def from_map(cls, data: Mapping[str, Any]) -> Self:
        """Return a submission; a wish may lack deps, text, basis, stand_in. Raises Malformed."""
        from commonweal.node.service.events import DRAFTS_MAX

        match data:
            case {"wishes": list(wishes), **rest} if 0 < len(wishes) <= DRAFTS_MAX:
                return cls(tuple(map(_wish, wishes)), _once(rest))
            case _:
                raise Malformed(f"a submission has 1 to {DRAFTS_MAX} wishes")


def _wish_map(wish: Wish) -> dict[str, Any]:
    text = None if wish.text is None else _text_map(wish.text)
    value = {"kind": wish.kind, "data": dict(wish.data), "deps": list(wish.deps), "text": text}
    named: dict[str, bytes] = {"basis": wish.basis, "stand_in": wish.stand_in}
    named["secret"] = wish.secret
    return value | {key: part for key, part in named.items() if part}


def _text_map(text: Text) -> dict[str, Any]:
    if text.sealed:
        raise Malformed("only the node itself writes a sealed body")
    salt = {"salt": text.salt} if text.salt else {}
    about = {"media_type": text.media_type, "content": text.content, "permanent": text.permanent}
    return about | salt


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
