"""The context of exported JSON-LD: what each term means, by the ontology of Valueflows 1.0."""

from __future__ import annotations

from typing import Any

from commonweal.protocol.vocabulary.actions import ACTIONS

VF = "https://w3id.org/valueflows/ont/vf#"
OM = "http://www.ontology-of-units-of-measure.org/resource/om-2/"
URN = "urn:commonweal:"
OURS = f"{URN}term:"
"""What Valueflows has no word for."""

_CLASSES = (
    *("Agent", "Organization", "Unit", "Measure", "SpatialThing"),
    *("ResourceSpecification", "ProcessSpecification", "Recipe", "RecipeProcess", "RecipeFlow"),
    *("Plan", "Process", "Intent", "Commitment", "Agreement", "Proposal"),
    *("EconomicResource", "EconomicEvent", "Claim"),
)
_TEXTS = ("name", "note", "label", "state", "purpose")
_LINKS = (
    *("provider", "receiver", "resourceInventoriedAs", "toResourceInventoriedAs"),
    *("resourceConformsTo", "conformsTo", "primaryAccountable", "stage", "containedIn"),
    *("currentLocation", "inputOf", "outputOf", "basedOn", "fulfills"),
    *("plannedWithin", "clauseOf", "primaryOutput"),
    *("processConformsTo", "defaultUnitOfResource", "defaultUnitOfEffort", "hasUnit"),
    *("resourceQuantity", "effortQuantity", "accountingQuantity", "onhandQuantity"),
    *("hasDuration", "availableQuantity", "minimumQuantity", "eligibleLocation"),
)
_SETS = (
    *("settles", "publishes", "reciprocal", "proposedTo", "satisfies"),
    *("stipulates", "stipulatesReciprocal", "hasRecipeInput", "hasRecipeOutput"),
)
_OUR_LINKS = ("custodian", "makes", "met", "settled")
_OUR_VALUES = ("scope", "factor", "points", "height", "pool", "status")

CONTEXT: dict[str, Any] = {
    "@version": 1.1,
    "vf": VF,
    "om": OM,
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "cw": OURS,
    "id": "@id",
    "type": "@type",
    **{term: f"vf:{term}" for term in (*_CLASSES, *_TEXTS, *sorted(ACTIONS))},
    **{term: {"@id": f"vf:{term}", "@type": "@id"} for term in _LINKS},
    **{term: {"@id": f"vf:{term}", "@type": "@id", "@container": "@set"} for term in _SETS},
    **{term: {"@id": f"cw:{term}", "@type": "@id"} for term in _OUR_LINKS},
    **{term: f"cw:{term}" for term in _OUR_VALUES},
    "action": {"@id": "vf:action", "@type": "@vocab"},
    "recipeIncludes": {"@id": "vf:recipeIncludes", "@type": "@id", "@container": "@list"},
    "finished": {"@id": "vf:finished", "@type": "xsd:boolean"},
    "tag": {"@id": "cw:tag", "@container": "@set"},
    "unitBased": {"@id": "vf:unitBased", "@type": "xsd:boolean"},
    **{
        term: {"@id": f"vf:{term}", "@type": "xsd:dateTimeStamp"}
        for term in ("due", "created", "hasBeginning", "hasEnd")
    },
    "hasPointInTime": "vf:hasPointInTime",
    "hasNumericalValue": {"@id": "vf:hasNumericalValue", "@type": "xsd:decimal"},
    "omUnitIdentifier": {"@id": "vf:omUnitIdentifier", "@type": "xsd:anyURI"},
    "sameAs": {"@id": "http://www.w3.org/2002/07/owl#sameAs", "@type": "@id"},
}
"""By term. Where a list has an order, its term says so: RDF has none by itself."""

UNITS_OM = {
    unit: OM + name
    for unit, name in {
        "one": "one",
        "hour": "hour",
        "minute": "minute-Time",
        "second": "second-Time",
        "day": "day",
        "week": "week",
        "month": "month",
        "kilometre": "kilometre",
        "metre": "metre",
        "square-metre": "squareMetre",
        "cubic-metre": "cubicMetre",
        "kilogram": "kilogram",
        "gram": "gram",
        "litre": "litre",
        "kilowatt-hour": "kilowattHour",
        "gigabyte": "gigabyte",
    }.items()
}
"""Units that the Ontology of Units of Measure has, by our names."""
