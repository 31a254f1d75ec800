"""Inputs of campaigns and pledges by which nothing that counts would be written.

As in `void_inputs`.
"""

from __future__ import annotations

from collections.abc import Mapping

_NOBODYS = ("zoe {nothing}", "fresh {nothing}", "nobody {nothing}", "other {nothing}")
_UNKNOWN = ("mei {nothing}", "mei {work}", "mei zz", "mei {proposal}", "bo {nothing}", *_NOBODYS)

REFUSED: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("campaign", "new"): (
        *("mei press x EUR 30d", "mei press 0 EUR 30d", "mei press 10 furlong 30d"),
        *("mei press 10 EUR soon", "mei press 10 EUR 3000d"),
        *("mei press 10 EUR 30d --optimum 5", "mei press 10 EUR 30d --keep"),
        *("mei press 10 EUR 30d --match 11", "mei '' 10 EUR 30d", "zoe press 10 EUR 30d"),
    ),
    ("campaign", "cancel"): (*_UNKNOWN, "mei {nothing} --vote"),
    ("campaign", "extend"): (*(f"{typed} 30d" for typed in _UNKNOWN), "mei {nothing} soon"),
    ("pledge", "new"): (*(f"{typed} 5 EUR" for typed in _UNKNOWN), "mei {work} 0 EUR"),
    ("pledge", "withdraw"): (*_UNKNOWN, "ana {nothing}"),
    ("pledge", "pay"): (*_UNKNOWN, "mei {nothing} 5"),
}
