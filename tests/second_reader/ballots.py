"""A ballot: its columns, its votes, and whether it is satisfied: fold.md."""

from __future__ import annotations

from typing import Any

WORDS = ("yes", "no", "abstain", "block")
PLAIN = 11
"""Columns that each ballot has."""


def has_quorum(ballot: list[Any]) -> bool:
    return bool(_turnout(ballot) >= ballot[3] and ballot[6] > 0)


def _turnout(ballot: list[Any]) -> int:
    return int(sum(ballot[7:11]) + full(ballot)[14])


def full(ballot: list[Any]) -> list[Any]:
    return [*ballot, *[False, 0, [], 0][len(ballot) - PLAIN :]]


def short(ballot: list[Any]) -> list[Any]:
    while len(ballot) > PLAIN and not ballot[-1]:
        ballot = ballot[:-1]
    return ballot


def sums_of(words: list[str]) -> list[int]:
    plain = ["abstain" if word == "indifferent" else word for word in words]
    return [plain.count(word) for word in WORDS]


def counted(ballot: list[Any], words: list[str]) -> list[Any]:
    """Return a full ballot with its votes counted, as it is written."""
    if not ballot[13]:
        return short([*ballot[:7], *sums_of(words), *ballot[11:]])
    out = words.count("indifferent")
    left = ballot[1] - out
    parts = [
        left * above // below + 1 if more else max(1, -(-left * above // below))
        for above, below, more in ballot[13]
    ]
    needed = max(ballot[12], *parts)
    counts = sums_of([word for word in words if word != "indifferent"])
    return [*ballot[:2], needed, *ballot[3:7], *counts, *ballot[11:14], out][: 15 if out else 14]


def is_vain(ballot: list[Any]) -> bool:
    silent = ballot[6] - _turnout(ballot)
    best = [*ballot[:7], ballot[7] + silent, *ballot[8:]]
    return bool(full(ballot)[11]) and not is_satisfied(best)


def is_satisfied(ballot: list[Any]) -> bool:
    most = max(1, ballot[6] - 1)
    blocks, objections = min(ballot[4], most), min(ballot[5], most)
    is_stopped = 0 < blocks <= ballot[10] or 0 < objections <= ballot[8] + ballot[10]
    return bool(has_quorum(ballot) and ballot[7] >= ballot[2] and not is_stopped)
