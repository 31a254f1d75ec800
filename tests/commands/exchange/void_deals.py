"""Inputs of `weal deal` by which it would write what counts for nothing, as in `void_inputs`."""

from __future__ import annotations

from collections.abc import Mapping

ENDS = (
    *("mei {deal}", "bo {deal}", "ana {deal_agreed}", "mei {nothing}", "mei {deal_over}"),
    *("zoe {deal_agreed}", "mei {work}", "fresh {deal_agreed}", "nobody {deal_agreed}"),
    "other {deal_agreed}",
)
REFUSED: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("deal", "propose"): (
        *("mei", "mei {nothing}", "mei --with Bo", "mei --with Bo --give 'work hours'"),
        *("mei --with Mei --give 'work 1 hour'", "mei --give 'work 1 hour'"),
        *("mei --with Bo --give 'work 0 hours'", "mei --clause 'Bo Ana work 1 hour'"),
        "zoe --with Bo --give 'work 1 hour'",
        "mei --with Bo --give 'work 1 hour' --answer-by yesterday",
    ),
    ("deal", "counter"): (
        *("bo {deal}", "bo {nothing} --set 1 1 hour", "bo {deal} --set 2 1 hour"),
        *("bo {deal} --set x 1 hour", "bo {deal} --set 1 0 hours", "ana {deal} --set 1 1 hour"),
        *("bo {deal_over} --set 1 1 hour", "bo {deal_agreed} --set 1 1 hour"),
        *("zoe {deal} --set 1 1 hour", "bo {deal} --set 1 1 hour --give 'work 1 hour'"),
    ),
    ("deal", "accept"): (
        *("mei {deal}", "ana {deal}", "bo {nothing}", "bo {deal_over}", "bo {deal_agreed}"),
        *("mei {deal_agreed}", "zoe {deal}", "bo {work}", "bo {deal} x", "fresh {deal}"),
    ),
    ("deal", "decline"): (
        *("ana {deal}", "bo {nothing}", "bo {deal_over}", "bo {deal_agreed}", "bo {work}"),
        *("mei {deal_agreed}", "zoe {deal}", "bo x y", "fresh {deal}", "nobody {deal}"),
    ),
    ("deal", "withdraw"): (
        *("bo {deal}", "ana {deal}", "mei {nothing}", "mei {deal_over}", "mei {deal_agreed}"),
        *("bo {deal_agreed}", "zoe {deal}", "mei {work}", "fresh {deal}", "nobody {deal}"),
    ),
    ("deal", "done"): ENDS,
    ("deal", "end"): ENDS,
    ("deal", "comment"): (
        *("ana {deal} x", "mei {nothing} x", "mei {deal} ''", "mei {deal}", "zoe {deal} x"),
        *("mei {work} x", "fresh {deal} x", "nobody {deal} x", "other {deal} x"),
        "ana {deal_agreed} x",
    ),
}
