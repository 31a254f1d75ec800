"""Valueflows: every key is a term of the ontology or ours, and every quantity comes back."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyld import jsonld

from commonweal.client import Member, create_home
from commonweal.client.exports.valueflows import measure, point_in_time, time_stamp, unit_urn
from commonweal.client.exports.valueflows_context import CONTEXT, OURS, UNITS_OM, VF
from commonweal.protocol.vocabulary.actions import ACTIONS
from commonweal.storage.ledger.contributions.points_in_time import PointInTime
from tests.builders.weal import good
from tests.client.conftest import Accounts

ONTOLOGY = json.loads(
    (Path(__file__).parents[2] / "vectors" / "valueflows_terms.json").read_text("utf-8")
)
OURS_TERMS = (
    *("custodian", "settled", "points", "height", "pool"),
    *("scope", "met", "makes", "factor"),
)
XSD = "http://www.w3.org/2001/XMLSchema#"


@pytest.fixture(scope="session")
def document(mei: Path) -> Any:
    return json.loads(good("export", "valueflows", "--home", mei).out)


@pytest.fixture(scope="session")
def expanded(document: Any) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = jsonld.expand(document)
    return nodes


def keys_of(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield key
            yield from keys_of(part)
    elif isinstance(value, list):
        for part in value:
            yield from keys_of(part)


def of_type(nodes: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [node for node in nodes if VF + name in node["@type"]]


def value_of(node: dict[str, Any], term: str) -> Any:
    (value,) = node[VF + term]
    return value.get("@value", value.get("@id"))


def test_no_key_is_dropped(document: Any, expanded: list[dict[str, Any]]) -> None:
    written = Counter(keys_of(document["@graph"]))
    read = Counter(keys_of(expanded))
    for term, count in written.items():
        meaning = CONTEXT[term] if not term.startswith("@") else term
        iri = meaning if isinstance(meaning, str) else meaning["@id"]
        name = iri.replace("vf:", VF).replace("cw:", OURS)
        assert read[name] >= count, term


def test_every_term_is_one_of_the_ontology_or_ours(expanded: list[dict[str, Any]]) -> None:
    known = {VF + term for part in ("classes", "properties", "actions") for term in ONTOLOGY[part]}
    named = {key for key in keys_of(expanded) if not key.startswith("@")}
    named |= {name for node in expanded for name in node["@type"]}
    named |= {value_of(node, "action") for node in of_type(expanded, "EconomicEvent")}
    ours = {name for name in named if name.startswith(OURS)}
    assert named - ours <= known
    assert len(named - ours) > 20
    assert ours <= {
        OURS + term
        for term in (
            "custodian",
            "settled",
            "points",
            "height",
            "pool",
            "scope",
            "met",
            "makes",
            "factor",
            "tag",
            "status",
        )
    }


def test_all_actions_and_terms_of_the_context_are_of_the_ontology() -> None:
    assert sorted(ACTIONS) == ONTOLOGY["actions"]
    mapped = [
        part if isinstance(part, str) else part["@id"] for part in CONTEXT.values() if part != 1.1
    ]
    known = [term for part in ("classes", "properties", "actions") for term in ONTOLOGY[part]]
    assert all(iri[3:] in known for iri in mapped if iri.startswith("vf:"))


def test_it_is_rdf_with_the_counts_and_quantities_of_the_ledger(
    document: Any, expanded: list[dict[str, Any]], mei: Path
) -> None:
    quads = jsonld.to_rdf(document)["@default"]
    with Member(mei) as me:
        final = [row for row in me.export().rows if row.why is None and me.show(row.id).sealed]
        claims = me.claims().claims
        members = me.members()
    types = Counter(
        quad["object"]["value"].removeprefix(VF)
        for quad in quads
        if quad["predicate"]["value"].endswith("#type")
    )
    assert types["EconomicEvent"] == len(final)
    assert types["Claim"] == len(claims)
    assert types["Agent"] == len(members) + 1
    sums: dict[str, Decimal] = {}
    for event in of_type(expanded, "EconomicEvent"):
        for field in ("resourceQuantity", "effortQuantity"):
            for part in event.get(VF + field, []):
                unit = value_of(part, "hasUnit")
                sums[unit] = sums.get(unit, Decimal()) + Decimal(
                    value_of(part, "hasNumericalValue")
                )
    assert sums == {
        unit_urn("hour"): Decimal(6),
        unit_urn("kilogram"): Decimal(7),
        unit_urn("EUR"): Decimal(90) + Decimal(30) + Decimal(10) + Decimal(5),
    }
    decimals = [
        quad["object"] for quad in quads if quad["object"].get("datatype") == XSD + "decimal"
    ]
    assert "90" in {number["value"] for number in decimals}


def test_dates_claims_and_links_are_as_in_the_ledger(
    accounts_once: Accounts, expanded: list[dict[str, Any]]
) -> None:
    by_id = {node["@id"]: node for node in expanded}
    (stated,) = (node for node in expanded if node.get(OURS + "scope") == [{"@value": "beds"}])
    assert stated[VF + "hasPointInTime"] == [{"@type": XSD + "date", "@value": "2026-01-05"}]
    payment = by_id[f"urn:commonweal:{accounts_once.payments.confirmed}"]
    claim = by_id[value_of(payment, "settles")]
    assert VF + "Claim" in claim["@type"]
    assert claim[VF + "resourceQuantity"][0][VF + "hasNumericalValue"][0]["@value"] == "60.00"
    assert claim[OURS + "settled"][0][VF + "hasNumericalValue"][0]["@value"] == "40.00"
    linked = {
        part["@id"]
        for node in expanded
        for term in ("provider", "receiver")
        for part in node.get(VF + term, [])
    }
    assert linked <= by_id.keys(), "whoever is named is described"
    units = {
        value_of(part, "hasUnit")
        for node in expanded
        for part in node.get(VF + "resourceQuantity", [])
    }
    assert units <= by_id.keys()


def test_compacting_gives_the_same_nodes_again(document: Any) -> None:
    again = jsonld.compact(jsonld.expand(document), document["@context"], {"graph": True})
    nodes = {node["id"]: node for node in document["@graph"]}
    assert {node["id"]: node for node in again["@graph"]} == nodes


def test_an_erased_note_is_not_in_it(accounts: Callable[[], Accounts]) -> None:
    lanxi = accounts().lanxi
    assert lanxi.good(lanxi.bo, "export", "valueflows").out.count("dug; ") == 2
    rows = lanxi.json(lanxi.bo, "ledger", "--member", "Bo")["records"]
    (id,) = (row["id"] for row in rows if row["note"])
    lanxi.good(lanxi.bo, "erase", id[:16], "--yes")
    assert lanxi.good(lanxi.bo, "export", "valueflows").out.count("dug; ") == 1


def test_what_is_not_final_is_not_in_it(document: Any) -> None:
    hours = [
        node["effortQuantity"]["hasNumericalValue"]
        for node in document["@graph"]
        if "effortQuantity" in node
    ]
    assert "9" not in hours


@pytest.mark.parametrize("unit", ["小时", "half day", "a/b", "é", "x:y#z"])
def test_a_unit_of_any_name_is_an_iri(unit: str) -> None:
    node = {
        "@context": CONTEXT,
        "id": "urn:commonweal:ab",
        "resourceQuantity": measure([15, 1, unit]),
    }
    (read,) = jsonld.expand(node)
    (part,) = read[VF + "resourceQuantity"]
    assert part[VF + "hasNumericalValue"] == [{"@type": XSD + "decimal", "@value": "1.5"}]
    assert value_of(part, "hasUnit").isascii()
    assert len(jsonld.to_rdf(node)["@default"]) == 4


def test_times_beyond_the_calendar_are_left_out() -> None:
    assert time_stamp(1 << 60) is None
    assert point_in_time(PointInTime(-(1 << 60), 1 - (1 << 60), is_local=False)) is None
    assert point_in_time(PointInTime(0, 1, is_local=False)) == {
        "type": "xsd:dateTimeStamp",
        "@value": "1970-01-01T00:00:00.000Z",
    }


def test_units_of_the_ontology_of_measures_are_named_by_it(expanded: list[dict[str, Any]]) -> None:
    (hour,) = (node for node in of_type(expanded, "Unit") if value_of(node, "label") == "hour")
    assert value_of(hour, "omUnitIdentifier") == UNITS_OM["hour"]


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a member who bakes by a recipe, and promised a part of a plan."""
    home = tmp_path_factory.mktemp("bakery") / "mei"
    create_home(home, "Mei")
    with Member(home) as me:
        me.found("Bakery", rules="value-network")
    recipe = home.parent / "bread.toml"
    recipe.write_text(good("recipe", "new", "--example").out)
    good("recipe", "new", recipe, "--home", home)
    wanted = ("plan", "from", "Bread", "18", "kg", "--due", "2100-12-24")
    plan = good(*wanted, "--home", home, "-o", "json").json["id"]
    parts = good("plan", "show", plan, "--home", home, "-o", "json").json["parts"]
    work = next(part["id"] for part in parts if part["action"] == "work")
    taken = good("plan", "take", work, "--home", home, "-o", "json").json["id"]
    good("record", "work", "90", "minutes", "--fulfills", taken, "--home", home)
    good("resource", "new", "flour", "40", "kg", "--home", home)
    good("seal", "--home", home)
    return home


def test_recipes_plans_and_promises_are_nodes_that_name_each_other(planned: Path) -> None:
    document = json.loads(good("export", "valueflows", "--home", planned).out)
    nodes = jsonld.expand(document)
    test_no_key_is_dropped(document, nodes)
    test_every_term_is_one_of_the_ontology_or_ours(nodes)
    test_compacting_gives_the_same_nodes_again(document)
    counted = Counter(name.removeprefix(VF) for node in nodes for name in node["@type"])
    assert counted["Recipe"] == counted["Plan"] == counted["Commitment"] == 1
    assert counted["RecipeProcess"] == counted["Process"] == counted["ProcessSpecification"] == 2
    assert (counted["Intent"], counted["ResourceSpecification"]) == (7, 4)
    (promise,) = of_type(nodes, "Commitment")
    (event,) = (node for node in of_type(nodes, "EconomicEvent") if VF + "fulfills" in node)
    assert value_of(event, "fulfills") == promise["@id"]
    assert promise[OURS + "met"][0][VF + "hasNumericalValue"][0]["@value"] == "1.5"
    (recipe,) = of_type(nodes, "Recipe")
    steps = [part["@id"] for part in recipe[VF + "recipeIncludes"][0]["@list"]]
    made = {node["@id"]: node for node in of_type(nodes, "RecipeProcess")}
    assert made.keys() == set(steps)
    assert [len(made[step][VF + "hasRecipeInput"]) for step in steps] == [2, 3], "knead, then bake"
    flows = [flow for node in made.values() for flow in node[VF + "hasRecipeInput"]]
    assert {value_of(flow, "action") for flow in flows} == {VF + "consume", VF + "work", VF + "use"}
    described = {node["@id"] for node in nodes}
    links = [part["@id"] for node in nodes for term in LINKS for part in node.get(VF + term, [])]
    assert len(links) > 20
    assert set(links) <= described


def test_offers_and_deals_are_nodes_that_name_each_other(tmp_path: Path) -> None:
    home = tmp_path / "mei"
    create_home(home, "Mei")
    with Member(home) as me:
        me.found("Yard", rules="value-network")
    typed = (
        "bike repair",
        "2",
        "hours",
        "--for",
        "30 EUR",
        "--tag",
        "bike",
        "--until",
        "in 3 weeks",
    )
    good("offer", "new", *typed, "--home", home)
    with Member(home) as me:
        agents = {"provider": b"s" * 16, "receiver": bytes(me.view.me)}
        parts = {"n": 3, "scale": 0, "unit": "one"}
        data = {"action": "deliverService", "resourceQuantity": parts, "clause": True} | agents
        clause = me._write_one("commitment", data, ())
        deal = me._write_one("agreement", {"stipulates": [bytes(clause.id)]}, (clause.id,))
    good("seal", "--home", home)
    document = json.loads(good("export", "valueflows", "--home", home).out)
    nodes = jsonld.expand(document)
    test_no_key_is_dropped(document, nodes)
    test_compacting_gives_the_same_nodes_again(document)
    (proposal,) = of_type(nodes, "Proposal")
    intents = {node["@id"]: node for node in of_type(nodes, "Intent")}
    (published,) = (part["@id"] for part in proposal[VF + "publishes"])
    (price,) = (part["@id"] for part in proposal[VF + "reciprocal"])
    assert intents.keys() == {published, price}
    assert value_of(proposal, "purpose") == "offer"
    assert intents[published][OURS + "tag"][0]["@value"] == "bike"
    assert value_of(intents[published], "note") == "bike repair"
    ends = [node[VF + "hasEnd"][0]["@type"] for node in (proposal, intents[published])]
    assert ends == [XSD + "dateTimeStamp"] * 2
    (agreement,) = of_type(nodes, "Agreement")
    (promise,) = of_type(nodes, "Commitment")
    assert agreement["@id"].endswith(deal.id.hex())
    assert [part["@id"] for part in agreement[VF + "stipulates"]] == [promise["@id"]]
    assert value_of(promise, "clauseOf") == agreement["@id"]
    statuses = [node[OURS + "status"][0]["@value"] for node in (agreement, promise)]
    assert statuses == ["agreed", "said"], "an agent outside agrees to nothing"


LINKS = (
    *("satisfies", "fulfills", "inputOf", "outputOf", "plannedWithin", "basedOn", "conformsTo"),
    *("resourceConformsTo", "processConformsTo", "primaryOutput", "provider", "receiver"),
)
