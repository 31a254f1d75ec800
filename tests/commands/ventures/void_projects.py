"""Inputs of `weal project` by which nothing that counts would be written, as in `void_inputs`."""

from __future__ import annotations

from collections.abc import Mapping

_UNKNOWN = ("mei {nothing}", "mei {work}", "mei zz", "mei {proposal}", "bo {nothing}")
_NOBODYS = ("zoe {nothing}", "fresh {nothing}", "nobody {nothing}", "other {nothing}")
_NAMES = (*_UNKNOWN, *_NOBODYS, "ana press")

REFUSED: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("project", "new"): (
        *("mei press", "mei '' --purpose x", "mei ' ' --purpose x", "mei press --purpose ''"),
        *("mei press --purpose x --split half", "mei press --purpose x --until soon"),
        *("mei press --purpose x --until 2020-01-01", "zoe press --purpose x"),
        *("fresh press --purpose x", "nobody press --purpose x"),
    ),
    ("project", "join"): _NAMES,
    ("project", "leave"): _NAMES,
    ("project", "close"): _NAMES,
    ("project", "task"): tuple(f"{typed} print 2" for typed in _NAMES),
    ("project", "take"): _NAMES,
}
