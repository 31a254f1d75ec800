"""Who keeps the whole ledger: whether this home does, and how many members do, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from commonweal.client.community.node import HomeStatus
    from commonweal.client.language.words import Words


def keeping_pairs(status: HomeStatus, words: Words) -> list[tuple[str, str]]:
    """Return it as rows for people: the name of a thing, and how it stands."""
    rows: list[tuple[str, str]] = []
    if status.light is not None:
        kept = words.plural(
            "light: the state, your own records, and all of the last {n} height",
            "light: the state, your own records, and all of the last {n} heights",
            status.light,
        )
        rows.append((words("keeps"), kept.format(n=f"{status.light:,}")))
    if status.keepers is not None:
        count = words.plural(
            "kept by {n} member, as far as is known",
            "kept by {n} members, as far as is known",
            status.keepers,
        )
        rows.append((words("whole ledger"), count.format(n=f"{status.keepers:,}")))
    return rows


def keeping_warnings(status: HomeStatus, words: Words) -> list[str]:
    """Return what must be said where too few members are known to keep the whole ledger."""
    keepers, needed = status.keepers, status.keepers_needed
    if keepers is None or needed is None or keepers >= needed:
        return []
    text = words.plural(
        "Old records may be lost: {needed} member must keep the whole ledger, and {n} are known"
        " to. Ask somebody to make their home full: weal start --full.",
        "Old records may be lost: {needed} members must keep the whole ledger, and {n} are known"
        " to. Ask somebody to make their home full: weal start --full.",
        needed,
    )
    return [text.format(needed=needed, n=keepers)]
