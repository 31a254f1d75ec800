"""Inputs of lending, paying and matching by which nothing that counts would be written.

As in `void_inputs`.
"""

from __future__ import annotations

from collections.abc import Mapping

_NOBODYS = ("zoe {booking}", "fresh {booking}", "nobody {booking}", "other {booking}")
_OTHERS = ("mei {nothing}", "mei {work}", "mei zz", *_NOBODYS)

REFUSED: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("thing", "terms"): (
        *("mei {nothing} --max 3d", "mei cart --places 0", "mei cart --max soon"),
        *("mei cart --min 3d --max 1h", "mei cart --accept baker", "mei cart --fee 5 furlong 1d"),
        *("mei cart --days 2 century", "zoe cart --max 3d", "fresh cart --max 3d"),
        "ana cart --max 3d",
    ),
    ("thing", "block"): (
        *("mei {nothing} tomorrow", "mei cart soon", "mei cart yesterday", "mei cart"),
        *("zoe cart tomorrow", "fresh cart tomorrow", "nobody cart tomorrow"),
        *("bo cart tomorrow", "ana cart tomorrow", "mei wheel tomorrow"),
    ),
    ("thing", "lift"): (
        *("mei {nothing}", "mei {work}", "mei {booking}", "mei zz", "bo {block}", "ana {block}"),
        *("zoe {block}", "fresh {block}", "nobody {block}", "other {block}"),
    ),
    ("book", "new"): (
        *("mei {nothing} tomorrow", "ana ladder tomorrow", "ana cart yesterday", "ana cart soon"),
        *("ana cart in 3 years", "ana cart tomorrow --places 9", "ana cart tomorrow --places 0"),
        *("zoe cart tomorrow", "fresh cart tomorrow", "nobody cart tomorrow"),
    ),
    ("book", "accept"): (*_OTHERS, "bo {booking}", "ana {booking}", "mei {booking_over}"),
    ("book", "decline"): (*_OTHERS, "ana {booking}", "mei {booking_over}", "bo {booking_over}"),
    ("book", "cancel"): (*_OTHERS, "ana {booking}", "mei {booking_over}", "bo {booking_over}"),
    ("lend",): (*_OTHERS, "mei {booking}", "bo {booking}", "mei {booking_over}"),
    ("return",): (*_OTHERS, "mei {booking}", "bo {booking}", "mei {booking_over}"),
    ("pay",): (
        *("mei Bo 0 hours", "mei Bo -1 hours", "mei Bo 1 furlong", "mei Bo 1 kg", "mei Bo 1 hour"),
        *("mei Nobody 1 hour", "mei Mei 1 hour", "zoe Bo 1 hour", "fresh Bo 1 hour"),
        "mei Bo 1 hour --for {nothing}",
    ),
    ("ask",): (
        *("mei Bo 0 hours", "mei Bo -1 hours", "mei Bo 1 furlong", "mei Bo x hours", "mei Bo 1"),
        *("mei Nobody 1 hour", "mei Mei 1 hour", "zoe Bo 1 hour", "fresh Bo 1 hour"),
        "mei Bo 1 hour --by yesterday",
    ),
    ("settle",): (
        *("mei", "bo", "ana", "zoe", "nobody --net", "fresh --net", "mei --net x"),
        *("mei --dry-run", "nobody --net --dry-run", "fresh --net --dry-run"),
    ),
    ("swap",): (
        *(
            "mei cart",
            "mei cart cart",
            "mei cart {nothing}",
            "mei {nothing} cart",
            "bo cart ladder",
        ),
        *("mei {work} cart", "zoe cart ladder", "fresh cart ladder", "nobody cart ladder"),
        "mei cart {work}",
    ),
    ("match",): (
        *("mei --for Nobody", "mei --rings --propose 1", "mei --rings --round", "fresh"),
        *("mei --propose 1", "mei --swaps --propose 1", "nobody", "mei --balanced furlong"),
        *("mei --rings --propose 0", "mei --rings --propose 1 --answer-by yesterday"),
    ),
}
