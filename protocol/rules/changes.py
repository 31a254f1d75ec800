"""Changes of a ruleset: patches, what differs, of which class that is, and how it is decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from commonweal.protocol.rules.document import Process, Ruleset, from_map
from commonweal.protocol.rules.schema import CLASSES


def patched(base: Ruleset, patch: Mapping[str, Any]) -> Ruleset:
    """Return `base` with `patch` laid over it; raise `BadRuleset` when that is no ruleset.

    patch: maps are laid over maps, nil takes a key away, anything else replaces (as JSON
    Merge Patch, RFC 7396).
    """
    return from_map(_merged(base.document, patch))


def patch_between(old: Ruleset, new: Ruleset) -> dict[str, Any]:
    """Return the smallest patch that makes `new` of `old`."""
    return _difference(old.document, new.document)


class Change(NamedTuple):
    """One key that differs: its path, and its values; None where it is missing."""

    path: tuple[str, ...]
    old: Any
    new: Any


def differences(old: Ruleset, new: Ruleset) -> list[Change]:
    """Return what differs between two rulesets, by path; lists are compared whole."""
    return list(_changes((), old.document, new.document))


def classes_of(
    old: Ruleset, new: Ruleset, silently: bool = True, back: Ruleset | None = None
) -> tuple[str, ...]:
    """Return the classes of the change from `old` to `new`, the gravest first.

    They follow from what changes, by the old rules. silently: whether silence may be
    consent, where the old rules have that; whoever proposes may ask for a vote instead.
    back: the rules that would come back where the old ones end by themselves: what is new to
    those counts too, so that nothing outlasts its time by a lesser vote than it needs.
    """
    new_to = [differences(one, new) for one in (old, back) if one is not None]
    changed = list(dict.fromkeys(change.path[0] for some in new_to for change in some))
    grave = {"name", "charter", "governance", "finality"}
    if any(process.voters for process in old.processes.values()):
        # Who may have a role that votes is as grave as how it votes.
        grave.add("roles")
    is_lazy = silently and "lazy" in old.processes
    if is_lazy and changed and all(one in old.lazy_covers for one in changed):
        return ("lazy",)
    found = ["constitution"] if any(one in grave for one in changed) else []
    if "membership" in changed:
        found.append("membership")
    if any(one not in grave and one != "membership" for one in changed) or not found:
        found.append("ordinary")
    return tuple(found)


def process_of(
    old: Ruleset, new: Ruleset, silently: bool = True, back: Ruleset | None = None
) -> Process:
    """Return how the change from `old` to `new` is decided: the stricter of both.

    Of all classes that the change touches the strictest counts, and where it changes a
    process, what that process asks before and after. silently, back: as in `classes_of`.
    """
    classes = classes_of(old, new, silently, back)
    process = old.processes[classes[0]]
    for name in classes[1:]:
        process = process.with_strictness_of(old.processes[name])
    for name in CLASSES:
        after = new.processes.get(name)
        for base in (old, back):
            before = after if base is None else base.processes.get(name)
            if before != after and name != "lazy":
                for one in (before, after):
                    if one is not None:
                        process = process.with_strictness_of(one)
    return process


def _merged(base: Any, patch: Any) -> Any:
    if not isinstance(patch, Mapping):
        return patch
    under = dict(base) if isinstance(base, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            under.pop(key, None)
        else:
            under[key] = _merged(under.get(key), value)
    return under


def _difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, value in new.items():
        before = old.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            inner = _difference(before, value)
            if inner:
                patch[key] = inner
        elif before != value:
            patch[key] = value
    return patch


def _changes(path: tuple[str, ...], old: Any, new: Any) -> Iterator[Change]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            yield from _changes((*path, key), old.get(key), new.get(key))
    elif old != new:
        yield Change(path, old, new)
