"""What questions of the local API share: a name, the kinds of answers, and the plain answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Self, TypeVar

A = TypeVar("A")


class Question(Generic[A]):
    """What a command asks. NAME is on the wire; ANSWER is the last answer, PROGRESS any before."""

    __slots__ = ()
    NAME: ClassVar[str]
    ANSWER: ClassVar[type]
    PROGRESS: ClassVar[type | None] = None


class SelfEncoding:
    """A question that encodes its fields itself, where their types do not say how."""

    __slots__ = ()

    def to_map(self) -> dict[str, Any]:
        """Return the fields as the codec takes them."""
        raise NotImplementedError

    @classmethod
    def from_map(cls, data: Mapping[str, Any]) -> Self:
        """Return the question of these fields. Raises Malformed."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing to tell: it is done."""
