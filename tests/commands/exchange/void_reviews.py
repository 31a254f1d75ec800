"""Inputs of `weal review` by which nothing that counts would be written, as in `void_inputs`."""

from __future__ import annotations

from collections.abc import Mapping

REFUSED: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("review", "new"): (
        *("mei {deal} 5", "mei {deal_agreed} 5", "mei {deal_over} 5", "mei {nothing} 5"),
        *("mei {work} 5", "ana {deal_agreed} 5", "mei {deal_agreed} 6", "mei {deal_agreed} many"),
        *("zoe {deal_agreed} 5", "fresh {deal_agreed} 5"),
    ),
    ("review", "open"): (
        *("fresh", "nobody", "new", "mei {deal_agreed}", "mei {nothing}", "bo {deal}", "ana 5"),
        *("zoe {deal_agreed}", "mei --everyone", "other {deal_agreed}"),
    ),
}
