"""Forecast: what the rules in force will make of a contribution, once others attest it.

Computed as a cut computes it, on the state of all that is held. Never final: the rules may be
others by the time of the seal.
"""

from __future__ import annotations

from dataclasses import dataclass

from commonweal.client.language.words import Words
from commonweal.protocol.ledger.contributions import attestation, commons
from commonweal.protocol.ledger.contributions.value import event_fields, income_pool, value_points
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.event_row import event_row
from commonweal.protocol.ledger.ventures.campaigns.campaign_row import campaign_of
from commonweal.protocol.ledger.ventures.projects import projects
from commonweal.protocol.ledger.ventures.projects.pools_of_projects import pool_move
from commonweal.protocol.records.record import CommunityId
from commonweal.protocol.rules.document import Pool, Ruleset
from commonweal.protocol.rules.expression import FuelBudget
from commonweal.protocol.vocabulary.rule_params import RuleParams

FUEL_MAX = 100_000

NEXT_HEIGHT = 1 << 62
"""Of the cut that a forecast is about; no cut that covers anything yet is as high."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a contribution will be worth.

    attestations_missing: how many more members have to attest it. points: None where no rule
    gives its action a value, or where it is income. reason: why a rule gives it nothing. pool:
    the pool whose income it is. disputes: how many dispute it; until they withdraw it is worth
    nothing.
    """

    attestations_missing: int
    points: int | None
    reason: str | None
    pool: str | None
    disputes: int


def forecast(
    state: State, community: CommunityId, rules: RuleParams, ruleset: Ruleset, event: bytes
) -> Forecast | None:
    """Return what the rules will make of an event as it now stands; None when there is none."""
    row = event_row(state, event)
    if row is None:
        return None
    if row.scope is not None:
        state = state.above()
        projects.begin(state, NEXT_HEIGHT, ruleset)
    move = pool_move(state, community, event, row)
    needed = commons.attestations(state, event, rules)
    yes, no = attestation.attesters(state, event)
    enough = max(needed, no + 1 if no else 0)
    value = event_fields(state, community, event, row)
    value["yes"] = max(yes, enough)
    shared_fuel = FuelBudget(FUEL_MAX)
    is_bound = row.quantity is None or campaign_of(state, row.fulfills) is not None
    pool = None if is_bound else income_pool(ruleset, value, shared_fuel)
    named = move.pool.name if move is not None else pool and pool.name
    given = None if named else value_points(ruleset, value, shared_fuel)
    return Forecast(
        max(0, enough - yes),
        None if given is None else given.points,
        (given and given.reason) or None,
        named or None,
        row.disputes,
    )


def finer_pool(state: State, community: CommunityId, ruleset: Ruleset, event: bytes) -> Pool | None:
    """Return the pool whose income an event is although its amount is finer than the pool's scale.

    None for everything else. The split would count less than came in.
    """
    row = event_row(state, event)
    if row is None or row.quantity is None or campaign_of(state, row.fulfills) is not None:
        return None
    n, scale, unit = row.quantity
    if all(n * 10**pool.scale % 10**scale == 0 for pool in ruleset.pools if pool.unit == unit):
        return None
    pool = income_pool(ruleset, event_fields(state, community, event, row), FuelBudget(FUEL_MAX))
    return pool if pool is not None and n * 10**pool.scale % 10**scale else None


def forecast_words(what: str, made: Forecast, words: Words) -> str:
    """Return a forecast as a sentence. what: the contribution, in words."""
    if made.disputes:
        disputed = words("disputed by {n}: worth nothing until they withdraw")
        return disputed.format(n=made.disputes)
    if made.pool:
        worth_words = words("{what} goes into the pool {pool}")
    elif made.points is None:
        return words("No rule in force gives this action points.")
    else:
        worth_words = words("{what} = {points} points")
    shown = worth_words.format(what=what, points=f"{made.points or 0:,}", pool=made.pool)
    if not made.attestations_missing:
        return words("{worth} with the next seal").format(worth=shown)
    once = words.plural(
        "{worth} once {n} more member attests it",
        "{worth} once {n} more members attest it",
        made.attestations_missing,
    )
    return once.format(worth=shown, n=made.attestations_missing)
