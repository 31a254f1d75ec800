"""Changes of a ruleset: patches, what differs, of which class that is, and how it is decided."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from commonweal.protocol.rules.document import Ruleset, from_map
from commonweal.protocol.rules.process import Process
from commonweal.protocol.rules.schema import CLASSES

LAZY, ORDINARY = "lazy", "ordinary"


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
    changed = _sections(old, new, back)
    grave = {"name", "charter", "governance", "finality", "budget"}
    if any(ballot.voters for process in old.processes.values() for ballot in process.ballots):
        # Who may have a role that votes is as grave as how it votes.
        grave.add("roles")
    covered = [section for section in changed if silently and section in old.lazy_covers]
    if changed and covered == changed:
        return (LAZY,)
    classes = ["constitution"] if any(section in grave for section in changed) else []
    if "membership" in changed:
        classes.append("membership")
    if any(section not in grave and section != "membership" for section in changed) or not classes:
        classes.append("ordinary")
    return (*classes, LAZY) if covered else tuple(classes)


def process_of(
    old: Ruleset, new: Ruleset, silently: bool = True, back: Ruleset | None = None
) -> Process:
    """Return how the change from `old` to `new` is decided: the strictest of all it touches.

    All that the processes of its classes ask is asked, and where it changes a process, what
    that asks before and after. Where silence could pass a part of it and a vote is held all
    the same, that part keeps its voters, its time and its trial. silently, back: as in
    `classes_of`.
    """
    asked = [old.processes[name] for name in classes_of(old, new, silently, back)]
    if not silently and any(section in old.lazy_covers for section in _sections(old, new, back)):
        asked.append(old.processes[LAZY].put_to_vote())
    versions = [ruleset for ruleset in (old, new, back) if ruleset is not None]
    by_silence = {(ruleset.lazy_covers, ruleset.lazy_decisions) for ruleset in versions}
    for name in CLASSES:
        processes = [ruleset.processes.get(name) for ruleset in versions]
        # What silence passes from now on, or no longer, is an ordinary change otherwise.
        is_moved = len(by_silence) > 1 and name in (ORDINARY, LAZY)
        if is_moved or any(process != processes[0] for process in processes):
            asked += [process.put_to_vote() for process in processes if process is not None]
    return functools.reduce(Process.with_strictness_of, asked)


def decision_process(rules: Ruleset, silently: bool) -> Process:
    """Return how a decision in words is decided. silently: as in `classes_of`."""
    if not rules.lazy_decisions:
        return rules.processes[ORDINARY]
    lazy = rules.processes[LAZY]
    return lazy if silently else rules.processes[ORDINARY].with_strictness_of(lazy.put_to_vote())


def _sections(old: Ruleset, new: Ruleset, back: Ruleset | None) -> list[str]:
    """Return the sections that differ from the old rules, or from those that would come back."""
    new_to = [differences(base, new) for base in (old, back) if base is not None]
    return list(dict.fromkeys(change.path[0] for changes in new_to for change in changes))


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
