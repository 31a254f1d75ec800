"""What events give towards what was promised and wanted: kinds.md."""

from __future__ import annotations

from typing import Any

from tests.second_reader.context import Context, Void, check
from tests.second_reader.lending import thing_of
from tests.second_reader.names import is_id
from tests.second_reader.state import Row
from tests.second_reader.things import added
from tests.second_reader.wishes import less, move, taken_off

PROMISED = ("agreed", "said")


def met(row: Row) -> list[Any]:
    """Return how much of a commitment was given."""
    return [*(row["quantity"] if less(row["quantity"], row["given"]) else row["given"])]


def count_promises(c: Context, id: bytes, row: Row, amounts: list[Any]) -> None:
    """Count a new event towards what it names."""
    for table, key in (("COMMITMENT", "fulfills"), ("INTENT", "satisfies")):
        named = row[key]
        if named is None:
            continue
        check(is_id(named), "SHAPE")
        plan = c.state.row(table, named)
        if plan is None:
            raise Void("UNKNOWN_PLAN")
        if key == "fulfills":
            check(plan["status"] in PROMISED, "NOT_AGREED")
        else:
            check(plan["status"] not in ("withdrawn", "replaced"), "NOT_OPEN")
        check(_fits(c, row, plan, amounts), "DOES_NOT_FIT")
    correct_promises(c, row, amounts, id)


def correct_promises(c: Context, row: Row, amounts: list[Any], by: bytes | None = None) -> None:
    """Count what an event gives, or what a correction changes of that."""
    through: list[bytes] = []
    if row["fulfills"] is not None:
        plan = c.state.known("COMMITMENT", row["fulfills"])
        through = plan["satisfies"]
        amount = _amount(plan, amounts)
        if amount is not None:
            give(c, row["fulfills"], amount)
    wish = row["satisfies"]
    if wish is not None and wish not in through:
        amount = _amount(c.state.known("INTENT", wish), amounts)
        if amount is not None:
            move(c, wish, amount, amount, by)


def give(c: Context, id: bytes, amount: list[Any]) -> None:
    """Count an amount towards a commitment, and what of it is met towards its intents."""
    plan = c.state.known("COMMITMENT", id)
    before = met(plan)
    plan["given"] = added(plan["given"], amount[0], amount[1])
    c.state.change("COMMITMENT", id, given=plan["given"])
    more = taken_off(met(plan), before)
    for intent in plan["satisfies"]:
        move(c, intent, more if plan["status"] == "ended" else None, more)


def _amount(plan: Row, amounts: list[Any]) -> list[Any] | None:
    unit = plan["quantity"][2]
    return next((amount for amount in amounts if amount and amount[2] == unit), None)


def _fits(c: Context, row: Row, plan: Row, amounts: list[Any]) -> bool:
    receiver = c.community if row["receiver"] is None else row["receiver"]
    people = ((plan["provider"], row["provider"]), (plan["receiver"], receiver))
    named = ((plan[key], row[key]) for key in ("input_of", "output_of"))
    return (
        plan["action"] == row["action"]
        and _amount(plan, amounts) is not None
        and all(asked is None or c.person(asked) == c.person(agent) for asked, agent in people)
        and plan["spec"] in (None, _spec_of(c, row))
        and (plan["resource"] is None or _is_of(c, plan["resource"], row))
        and all(asked in (None, given) for asked, given in named)
    )


def _is_of(c: Context, resource: bytes, row: Row) -> bool:
    things = [thing_of(c, id) for id in (row["source"], row["target"]) if id]
    return thing_of(c, resource) in things


def _spec_of(c: Context, row: Row) -> Any:
    """Return the specification of what an event is about, or None."""
    resources = [c.state.row("RESOURCE", id) for id in (row["source"], row["target"]) if id]
    known = [row["spec"], *(resource["spec"] for resource in resources if resource is not None)]
    return next((spec for spec in known if spec is not None), None)
