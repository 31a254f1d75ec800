"""What every question of the local API has: a name, and the kinds of its answers."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

A = TypeVar("A")


class Question(Generic[A]):
    """What a command asks. NAME is on the wire; ANSWER is the last answer, PROGRESS any before."""

    __slots__ = ()
    NAME: ClassVar[str]
    ANSWER: ClassVar[type]
    PROGRESS: ClassVar[type | None] = None
