"""What has no room in a picture is gathered as one: "others (n)", with the sum of theirs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypeVar

from commonweal.client.language.words import Words

E = TypeVar("E")


def gathered(
    entries: Sequence[E],
    room: int,
    size: Callable[[E], Decimal],
    gather: Callable[[Sequence[E]], E],
) -> list[E]:
    """Return at most `room` entries: the largest in their order, then the others as one.

    size: how large an entry is. gather: gives one for several.
    """
    if len(entries) <= room:
        return list(entries)
    order = sorted(range(len(entries)), key=lambda place: (-size(entries[place]), place))
    kept = sorted(order[: room - 1])
    rest = sorted(order[room - 1 :])
    return [*(entries[place] for place in kept), gather([entries[place] for place in rest])]


def latest(entries: Sequence[E], room: int, gather: Callable[[Sequence[E]], E]) -> list[E]:
    """Return at most `room` entries that follow each other in time: those before the last as one.

    gather: gives one for several.
    """
    if len(entries) <= room:
        return list(entries)
    first = len(entries) - room + 1
    return [gather(entries[:first]), *entries[first:]]


def others(number: int, words: Words) -> str:
    """Return the name of so many that are gathered."""
    return words.plural("{n} other", "{n} others", number).format(n=f"{number:,}")
