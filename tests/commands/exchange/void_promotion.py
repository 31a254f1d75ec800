"""Inputs of promotion by which nothing that counts would be written, as in `void_inputs`."""

from __future__ import annotations

from collections.abc import Mapping

_NOBODYS = ("zoe {nothing}", "fresh {nothing}", "nobody {nothing}", "other {nothing}")

REFUSED: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("promote", "new"): (
        *("mei {nothing} --rate 5%", "mei {work} --rate 5%", "mei zz --rate 5%", "mei zz"),
        *("mei {nothing} --rate 0%", "mei {nothing} --rate x", "mei {nothing} --rate 101%"),
        *("zoe {nothing} --rate 5%", "fresh {nothing} --rate 5%", "nobody {nothing} --rate 5%"),
    ),
    ("promote", "end"): (
        *("mei {nothing}", "mei honey", "mei {work}", "mei zz", "bo honey", "ana {work}"),
        *_NOBODYS,
    ),
    ("promote", "pay"): (
        *("mei {nothing}", "mei {work}", "mei zz", "bo {work}", "ana {work}", "mei {unit}"),
        *_NOBODYS,
    ),
}
