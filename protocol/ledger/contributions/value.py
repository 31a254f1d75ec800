"""The value of an event by the rules, and which events are income of a pool."""

from __future__ import annotations

from typing import NamedTuple

from commonweal.protocol.codec import INT_MAX
from commonweal.protocol.errors import RuleError
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.contributions import attestation
from commonweal.protocol.ledger.members import agents, roles
from commonweal.protocol.ledger.members.registry import MEMBER
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things import units_and_specs
from commonweal.protocol.ledger.things.event_row import EventRow
from commonweal.protocol.records.record import CommunityId
from commonweal.protocol.rules.document import Pool, Ruleset
from commonweal.protocol.rules.environment import EMPTY_EVENT, thousandths
from commonweal.protocol.rules.expression import FuelBudget, Value, evaluate


class EventValue(NamedTuple):
    """The value of an event; 0 with a reason when its rule ended in an error."""

    points: int
    reason: str = ""


NEGATIVE = "the rule gives less than nothing"
TOO_MUCH = "the rule gives more than 64 bits hold"


def event_fields(
    state: State, community: CommunityId, event: bytes, row: EventRow
) -> dict[str, Value]:
    """Return an event as expressions of the rules read it; see `rules/environment`."""
    provider, receiver = agents.person(state, row.provider), row.receiver
    _, scale, unit = row.quantity or (0, 0, "")
    _, effort_scale, effort_unit = row.effort or (0, 0, "")
    yes, no = attestation.attesters(state, event)
    spec = None if row.spec is None else state.get(units_and_specs.SPEC + row.spec)
    held = roles.roles(state, MemberId(provider)) if len(provider) == len(community) else {}
    return {
        **EMPTY_EVENT,
        "action": row.action,
        "quantity": thousandths(row.quantity[0], scale) if row.quantity else 0,
        "unit": unit,
        "effort": thousandths(row.effort[0], effort_scale) if row.effort else 0,
        "effort_unit": effort_unit,
        "factor": row.factor
        or ("" if spec is None else units_and_specs.SpecRow(*spec).factor or ""),
        "scope": row.scope or "",
        "specification": "" if spec is None else units_and_specs.SpecRow(*spec).name,
        "from_community": provider == community,
        "from_outside": provider != community and state.get(MEMBER + provider) is None,
        "to_community": receiver == community,
        "to_outside": receiver is not None
        and receiver != community
        and state.get(MEMBER + receiver) is None,
        "roles": [name for name, role in sorted(held.items()) if role.held],
        "yes": yes,
        "no": no,
        "disputes": row.disputes,
        "corrections": row.corrections,
    }


def value_points(
    ruleset: Ruleset, event: dict[str, Value], shared_fuel: FuelBudget | None = None
) -> EventValue | None:
    """Return the value of an event by the rule of its action; None where there is no rule."""
    rule = ruleset.values.get(str(event["action"]))
    if rule is None:
        return None
    try:
        points = evaluate(rule, {"event": event}, shared_fuel=shared_fuel)
    except RuleError as error:
        return EventValue(0, error.sentence)
    assert type(points) is int, "a rule of value gives a number"
    if points < 0:
        return EventValue(0, NEGATIVE)
    return EventValue(points) if points <= INT_MAX else EventValue(0, TOO_MUCH)


def income_pool(ruleset: Ruleset, event: dict[str, Value], shared_fuel: FuelBudget) -> Pool | None:
    """Return the first pool, by name, whose income the event is; a rule that fails says no."""
    for pool in ruleset.pools:
        try:
            if event["unit"] == pool.unit and evaluate(
                pool.income, {"event": event}, shared_fuel=shared_fuel
            ):
                return pool
        except RuleError:
            continue
    return None


def amount_in(pool_scale: int, row: EventRow) -> int:
    """Return the quantity of an event in units at the scale of a pool, rounded towards zero."""
    assert row.quantity is not None, "income has a quantity"
    n, scale, _ = row.quantity
    amount: int = n * 10**pool_scale // 10**scale
    return amount
