"""Changes of a ruleset: patches, differences, classes of change, and the process that decides.

Votes are counted in `ledger.governance`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from commonweal.protocol.rules.document import Ruleset, from_map
from commonweal.protocol.rules.process import Process
from commonweal.protocol.rules.schema import CLASSES

LAZY, ORDINARY = "lazy", "ordinary"


def patched(base: Ruleset, patch: Mapping[str, Any]) -> Ruleset:
    """Return `base` with `patch` applied, as JSON Merge Patch does (RFC 7396).

    patch: maps are merged, nil removes a key, other values replace. Raises `BadRuleset` when the
    result is no valid ruleset.
    """
    return from_map(_merged(base.document, patch))


class Change(NamedTuple):
    """A key that differs: its path and both values; None where the key is missing."""

    path: tuple[str, ...]
    old: Any
    new: Any


def differences(old: Ruleset, new: Ruleset) -> list[Change]:
    """Return the keys that differ between two rulesets, by path; a list is one value."""
    return list(_changes((), old.document, new.document))


def classes_of(
    old: Ruleset, new: Ruleset, silently: bool = True, back: Ruleset | None = None
) -> tuple[str, ...]:
    """Return the classes of the change from `old` to `new`, the strictest first.

    The old rules determine them from the changed sections. silently: whether silence counts as
    consent where the old rules allow it (lazy consensus); a proposer may ask for a vote instead.
    back: the rules that return when temporary old rules expire; differences from them count too,
    so that a temporary rule is not made permanent by a weaker vote than it needs.
    """
    changed = _sections(old, new, back)
    grave = {"name", "charter", "governance", "finality", "budget"}
    if any(ballot.voters for process in old.processes.values() for ballot in process.ballots):
        # Access to a role that votes matters as much as how that role votes.
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
    """Return the process that decides the change from `old` to `new`: the strictest combination.

    It combines the processes of all classes of the change and, when the change modifies a
    process, that process before and after. Where silence could pass a part and a vote is held
    instead, that part keeps its voters, period and trial. silently, back: as in `classes_of`.
    """
    asked = [old.processes[name] for name in classes_of(old, new, silently, back)]
    if not silently and any(section in old.lazy_covers for section in _sections(old, new, back)):
        asked.append(old.processes[LAZY].put_to_vote())
    versions = [ruleset for ruleset in (old, new, back) if ruleset is not None]
    by_silence = {(ruleset.lazy_covers, ruleset.lazy_decisions) for ruleset in versions}
    for name in CLASSES:
        processes = [ruleset.processes.get(name) for ruleset in versions]
        # A section that lazy consensus gains or loses is decided as an ordinary change otherwise.
        is_moved = len(by_silence) > 1 and name in (ORDINARY, LAZY)
        if is_moved or any(process != processes[0] for process in processes):
            asked += [process.put_to_vote() for process in processes if process is not None]
    return functools.reduce(Process.with_strictness_of, asked)


def decision_process(rules: Ruleset, silently: bool) -> Process:
    """Return the process for a decision in words. silently: as in `classes_of`."""
    if not rules.lazy_decisions:
        return rules.processes[ORDINARY]
    lazy = rules.processes[LAZY]
    return lazy if silently else rules.processes[ORDINARY].with_strictness_of(lazy.put_to_vote())


def _sections(old: Ruleset, new: Ruleset, back: Ruleset | None) -> list[str]:
    """Return the sections in which `new` differs from `old` or from `back`."""
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


def _changes(path: tuple[str, ...], old: Any, new: Any) -> Iterator[Change]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            yield from _changes((*path, key), old.get(key), new.get(key))
    elif old != new:
        yield Change(path, old, new)
