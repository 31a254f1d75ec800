"""The final ledger as JSON-LD in the words of Valueflows 1.0, node by node.

The context stands in the document, so that reading needs no network. Ids are URNs. What Valueflows
has no word for (a scope that is text, points, the height of a seal) is in a namespace of ours.
Few nodes are in memory at a time, and nothing is written here.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote

from commonweal.client.access import HomeAccess
from commonweal.client.exports.books import FIRST_MS, LAST_MS
from commonweal.client.exports.valueflows_context import CONTEXT, UNITS_OM, URN
from commonweal.client.home.old_records import check_whole
from commonweal.client.language.quantity import exact, quantity_field
from commonweal.client.language.times import iso, iso_when
from commonweal.client.ledger.words.texts import text_of
from commonweal.protocol.ledger.claims import claims
from commonweal.protocol.ledger.claims.settlement import SETTLEMENT, SettlementRow
from commonweal.protocol.ledger.exchange.commitments import COMMITMENT, CommitmentRow
from commonweal.protocol.ledger.exchange.deals.agreement_row import AGREEMENT, AgreementRow
from commonweal.protocol.ledger.exchange.offers.intents import INTENT, IntentRow
from commonweal.protocol.ledger.exchange.offers.offers import OFFER, OfferRow
from commonweal.protocol.ledger.members import agents, membership
from commonweal.protocol.ledger.plans import plans, recipes
from commonweal.protocol.ledger.things import units_and_specs
from commonweal.protocol.ledger.things.event_row import EVENT, EventRow
from commonweal.protocol.ledger.things.quantities import UNIT
from commonweal.protocol.ledger.things.resources import RESOURCE, ResourceRow
from commonweal.protocol.records.record import CommunityId, RecordId
from commonweal.storage.ledger.contributions.event_times import time_of
from commonweal.storage.ledger.contributions.points_in_time import PointInTime

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

_RECORD_BYTES = 32

Node: TypeAlias = dict[str, Any]
"""A node of JSON-LD, by the terms of the context."""


@dataclass(frozen=True, slots=True)
class ValueflowsExport:
    """A ledger as JSON-LD, read as it is asked for; close `nodes` before their end.

    context: what the terms of the nodes mean. total: how many contributions count.
    """

    community: CommunityId
    height: int
    context: dict[str, Any]
    total: int
    nodes: Generator[Node, None, None]


class ValueflowsExports(HomeAccess):
    """The final ledger in the words of Valueflows."""

    def valueflows(self) -> ValueflowsExport:
        """Return what is final as JSON-LD. Neither write nor `refresh` before the end.

        Raises LightHome.
        """
        check_whole(self.home, self.words)
        from commonweal.storage.ledger.contributions.contribution_list import count

        view = self.view
        height = view.kept.cut.height
        return ValueflowsExport(view.community, height, CONTEXT, count(view.kept), _nodes(view))


def _nodes(view: LedgerView) -> Generator[Node, None, None]:
    """Yield everything that is final: who, what kinds, what is there, planned, done and owed."""
    for nodes in (_agents, _units, _specifications, _recipes, _plans, _resources, _events, _claims):
        for node in nodes(view):
            yield {key: value for key, value in node.items() if value not in (None, [])}


def _agents(view: LedgerView) -> Iterator[Node]:
    from commonweal.client.ledger.names.directory import People
    from commonweal.client.ledger.names.named import outside_name

    people = People(view.store, view.community, words=view.words)
    height = view.kept.cut.height
    yield {
        "id": urn(view.community),
        "type": "Organization",
        "name": people.community_name(),
        "height": height,
    }
    for member in membership.members(view.final):
        yield {"id": urn(member.id), "type": "Agent", "name": view.name(member.id)}
    for agent in _outside(view):
        person = agents.person(view.final, agent)
        yield {
            "id": urn(agent),
            "type": "Agent",
            "name": outside_name(view, agent),
            "sameAs": None if person == agent else urn(person),
        }


def _outside(view: LedgerView) -> list[bytes]:
    rows = view.kept.layers.rows(
        "SELECT DISTINCT provider FROM event_row WHERE height IS NOT NULL AND length(provider) = ?1"
        " UNION SELECT DISTINCT receiver FROM event_row"
        " WHERE height IS NOT NULL AND length(receiver) = ?1",
        (agents.OUTSIDE_BYTES,),
    )
    return [agent for (agent,) in rows]


def _units(view: LedgerView) -> Iterator[Node]:
    rows = view.kept.layers.rows(
        "SELECT unit FROM event_row UNION SELECT effort_unit FROM event_row"
        " UNION SELECT unit FROM claim_row"
    )
    named = {unit for (unit,) in rows if unit is not None} | set(view.kept.rules.units)
    named |= {key[len(UNIT) :].decode() for key, _ in view.final.items(UNIT)}
    for unit in sorted(named):
        om = UNITS_OM.get(unit)
        yield {"id": unit_urn(unit), "type": "Unit", "label": unit, "omUnitIdentifier": om}


def _specifications(view: LedgerView) -> Iterator[Node]:
    for key, value in view.final.items(units_and_specs.SPEC):
        row = units_and_specs.SpecRow(*value)
        yield {
            "id": urn(key[1:]),
            "type": "ResourceSpecification",
            "name": row.name,
            "defaultUnitOfResource": row.unit and unit_urn(row.unit),
            "defaultUnitOfEffort": row.effort_unit and unit_urn(row.effort_unit),
            "factor": row.factor,
        }
    for key, (name, *_) in view.final.items(units_and_specs.PROCESS_SPEC):
        yield {"id": urn(key[1:]), "type": "ProcessSpecification", "name": name}


def _recipes(view: LedgerView) -> Iterator[Node]:
    for key, value in view.final.items(recipes.RECIPE):
        recipe = recipes.RecipeRow(*value)
        yield {
            "id": urn(key[len(recipes.RECIPE) :]),
            "type": "Recipe",
            "name": recipe.name,
            "primaryOutput": urn(recipe.spec),
            "makes": measure(recipe.quantity),
            "recipeIncludes": [urn(step) for step in recipe.processes],
        }
    for key, value in view.final.items(recipes.RECIPE_PROCESS):
        step = recipes.RecipeProcessRow(*value)
        yield {
            "id": urn(key[len(recipes.RECIPE_PROCESS) :]),
            "type": "RecipeProcess",
            "processConformsTo": urn(step.spec),
            "hasDuration": measure([step.duration_ms, 3, "second"]),
            "hasRecipeInput": [_recipe_flow(*flow) for flow in step.inputs],
            "hasRecipeOutput": [_recipe_flow(*flow) for flow in step.outputs],
        }


def _recipe_flow(
    action: str, quantity: list[Any], spec: bytes | None = None, factor: str | None = None
) -> Node:
    node = {
        "type": "RecipeFlow",
        "action": action,
        quantity_field(action, quantity[2]): measure(quantity),
        "resourceConformsTo": spec and urn(spec),
        "factor": factor,
    }
    return {key: value for key, value in node.items() if value is not None}


def _plans(view: LedgerView) -> Iterator[Node]:
    final = view.final
    for key, value in final.items(plans.PLAN):
        plan = plans.PlanHeader(*value)
        yield {
            "id": urn(key[len(plans.PLAN) :]),
            "type": "Plan",
            "name": plan.name,
            "due": plan.due and time_stamp(plan.due),
            "makes": plan.quantity and measure(plan.quantity),
        }
    within = {
        key[-_RECORD_BYTES:]: urn(key[len(plans.OF_PLAN) : -_RECORD_BYTES])
        for key, _ in final.items(plans.OF_PLAN)
    }
    for key, value in final.items(units_and_specs.PROCESS):
        process = units_and_specs.ProcessRow(*value)
        yield {
            "id": urn(key[1:]),
            "type": "Process",
            "basedOn": process.spec and urn(process.spec),
            "scope": process.scope,
            "plannedWithin": within.get(key[1:]),
            "finished": process.ended is not None,
        }
    for key, value in final.items(INTENT):
        note = text_of(view.store, RecordId(key[1:]))
        yield {**_intent(key[1:], IntentRow(*value)), "note": note}
    clause_of: dict[bytes, str] = {}
    for key, value in final.items(AGREEMENT):
        agreement = AgreementRow(*value)
        clause_of |= dict.fromkeys(agreement.clauses, urn(key[1:]))
        yield {
            "id": urn(key[1:]),
            "type": "Agreement",
            "stipulates": [*map(urn, agreement.stipulates)],
            "stipulatesReciprocal": [*map(urn, agreement.reciprocal)],
            "status": agreement.status,
        }
    for key, value in final.items(COMMITMENT):
        yield _commitment(key[1:], CommitmentRow(*value), clause_of)
    for key, value in final.items(OFFER):
        yield _offer(key[1:], OfferRow(*value))


def _intent(id: bytes, row: IntentRow) -> Node:
    return {
        "type": "Intent",
        **_flow(id, row),
        "availableQuantity": row.available and measure(row.available),
        "minimumQuantity": row.minimum and measure(row.minimum),
        "tag": row.tags,
        "scope": row.scope,
    }


def _commitment(id: bytes, row: CommitmentRow, clause_of: dict[bytes, str]) -> Node:
    agreement = clause_of.get(id) if row.agreement is None else urn(row.agreement)
    return {
        "type": "Commitment",
        **_flow(id, row),
        "satisfies": [*map(urn, row.satisfies)],
        "clauseOf": agreement,
    }


def _offer(id: bytes, row: OfferRow) -> Node:
    place = None if row.location is None else {"type": "SpatialThing", "name": row.location}
    return {
        "id": urn(id),
        "type": "Proposal",
        "purpose": row.purpose,
        "publishes": [*map(urn, row.publishes)],
        "reciprocal": [*map(urn, row.reciprocal)],
        "unitBased": row.unit_based,
        "hasBeginning": row.begin and time_stamp(row.begin),
        "hasEnd": row.end and time_stamp(row.end),
        "proposedTo": [urn(agent) for agent in row.proposed_to if type(agent) is bytes],
        "eligibleLocation": place,
        "status": row.status,
    }


def _flow(id: bytes, row: IntentRow | CommitmentRow) -> Node:
    return {
        "id": urn(id),
        "action": row.action,
        "provider": row.provider and urn(row.provider),
        "receiver": row.receiver and urn(row.receiver),
        quantity_field(row.action, row.quantity[2]): measure(row.quantity),
        "met": measure(row.met),
        "resourceConformsTo": row.spec and urn(row.spec),
        "resourceInventoriedAs": row.resource and urn(row.resource),
        "hasBeginning": row.begin and time_stamp(row.begin),
        "hasEnd": row.end and time_stamp(row.end),
        "due": row.due and time_stamp(row.due),
        "plannedWithin": row.plan and urn(row.plan),
        "inputOf": row.input_of and urn(row.input_of),
        "outputOf": row.output_of and urn(row.output_of),
        "factor": row.factor,
        "status": row.status,
    }


def _resources(view: LedgerView) -> Iterator[Node]:
    for key, value in view.final.items(RESOURCE):
        row = ResourceRow(*value)
        place = None if row.location is None else {"type": "SpatialThing", "name": row.location}
        yield {
            "id": urn(key[1:]),
            "type": "EconomicResource",
            "conformsTo": row.spec and urn(row.spec),
            "primaryAccountable": urn(row.accountable),
            "custodian": urn(row.custodian),
            "accountingQuantity": measure([row.accounting, row.scale, row.unit]),
            "onhandQuantity": measure([row.onhand, row.scale, row.unit]),
            "stage": row.stage and urn(row.stage),
            "state": row.state,
            "currentLocation": place,
            "containedIn": row.contained and urn(row.contained),
        }


def _events(view: LedgerView) -> Iterator[Node]:
    ids = view.kept.layers.each(
        "SELECT id, height, points, claimed_at FROM event_row WHERE height IS NOT NULL"
        " ORDER BY when_start, clock, id"
    )
    for id, height, points, claimed_ms in ids:
        row = EventRow(*view.final.get(EVENT + id))
        settles = view.final.get(SETTLEMENT + id)
        time = time_of(view.kept.layers, id)
        yield {
            "id": urn(id),
            "type": "EconomicEvent",
            "action": row.action,
            "provider": urn(row.provider),
            "receiver": row.receiver and urn(row.receiver),
            "resourceQuantity": row.quantity and measure(row.quantity),
            "effortQuantity": row.effort and measure(row.effort),
            "resourceConformsTo": row.spec and urn(row.spec),
            "resourceInventoriedAs": row.source and urn(row.source),
            "toResourceInventoriedAs": row.target and urn(row.target),
            "inputOf": row.input_of and urn(row.input_of),
            "outputOf": row.output_of and urn(row.output_of),
            "fulfills": row.fulfills and urn(row.fulfills),
            "satisfies": [urn(row.satisfies)] if row.satisfies else [],
            "settles": None if settles is None else [*map(urn, SettlementRow(*settles).named)],
            "hasPointInTime": time and point_in_time(time.when),
            "created": None if claimed_ms is None else time_stamp(claimed_ms),
            "note": text_of(view.store, RecordId(id)),
            "scope": row.scope,
            "factor": row.factor,
            "points": points,
            "height": height,
        }


def _claims(view: LedgerView) -> Iterator[Node]:
    rows = view.kept.layers.each("SELECT id FROM claim_row ORDER BY height, pool, member")
    for (id,) in rows:
        claim = claims.claim(view.final, id)
        assert claim is not None, "claims are final"
        pool = claim.row.pool
        if not claim.row.amount:
            continue  # what a correction took was more than what was given
        yield {
            "id": urn(id),
            "type": "Claim",
            "action": "transfer",
            "provider": urn(view.community),
            "receiver": urn(claim.row.member),
            "resourceQuantity": measure([claim.row.amount, pool.scale, pool.unit]),
            "settled": measure([claim.settled, pool.scale, pool.unit]),
            "finished": not claim.open,
            "pool": pool.name,
            "height": claim.row.height,
        }


def measure(quantity: list[Any]) -> Node:
    """Return [n, scale, unit] as a measure: an exact decimal, and the unit."""
    n, scale, unit = quantity
    return {
        "type": "Measure",
        "hasNumericalValue": format(exact(n, scale), "f"),
        "hasUnit": unit_urn(unit),
    }


def urn(id: bytes) -> str:
    """Return the URN of a record, an agent or a claim."""
    return URN + id.hex()


def unit_urn(unit: str) -> str:
    """Return the URN of a unit."""
    return f"{URN}unit:{quote(unit, safe='')}"


def time_stamp(at_ms: int) -> str | None:
    """Return a time in UTC as a dateTimeStamp; None for one that no calendar has."""
    return iso(at_ms) if 0 <= at_ms < LAST_MS else None


def point_in_time(when: PointInTime) -> Node | None:
    """Return when something happened: a day, a time without a zone, or a dateTimeStamp."""
    if not FIRST_MS <= when.start_ms < LAST_MS:
        return None
    sort = "date" if when.is_day else "dateTime" if when.is_local else "dateTimeStamp"
    return {"type": f"xsd:{sort}", "@value": iso_when(when)}
