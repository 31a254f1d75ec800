"""What a record says, field by field, in the words of a member."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from commonweal.client.language.plain import plain
from commonweal.client.language.quantity import shown_action, shown_number, shown_unit
from commonweal.client.language.words import N_
from commonweal.protocol.ledger.things import quantities
from commonweal.storage.ledger.contributions.points_in_time import HAPPENED, read_point_in_time

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

LABELS = {
    "action": N_("action"),
    "provider": N_("given by"),
    "receiver": N_("given to"),
    "resourceQuantity": N_("amount"),
    "effortQuantity": N_("effort"),
    "inScopeOf": N_("scope"),
    "factor": N_("factor"),
    "resourceInventoriedAs": N_("the thing"),
    "toResourceInventoriedAs": N_("the thing that it goes to"),
    "newInventoriedResource": N_("begins a thing"),
    "resourceConformsTo": N_("kind of thing"),
    "inputOf": N_("goes into the process"),
    "outputOf": N_("comes out of the process"),
    "corrects": N_("corrects"),
    "earnedBy": N_("earned by"),
    "settles": N_("pays the claims"),
    "event": N_("about"),
    "say": N_("says"),
    "member": N_("member"),
    "referrer": N_("member"),
    "role": N_("role"),
    "name": N_("name"),
    "unit": N_("unit"),
    "proposal": N_("proposal"),
    "vote": N_("says"),
    "process": N_("process"),
    "basedOn": N_("kind"),
    "request": N_("request"),
    "record": N_("record"),
    "agent": N_("somebody outside"),
    "fulfills": N_("keeps the promise"),
    "agreement": N_("deal"),
    "consent": N_("consent"),
    "purpose": N_("for what"),
    "campaign": N_("campaign"),
    "offer": N_("offer"),
}
"""Names of fields; others are shown as they are written."""

AGENTS = ("provider", "receiver", "member", "referrer", "agent")
"""Fields that hold who gives, receives or is meant."""

RECORDS = (
    *("resourceInventoriedAs", "toResourceInventoriedAs", "resourceConformsTo", "inputOf"),
    *("outputOf", "corrects", "earnedBy", "settles", "event", "proposal", "process", "basedOn"),
    *("request", "record", "fulfills", "satisfies"),
)
"""Fields that hold ids of records or claims."""


@dataclass(frozen=True, slots=True)
class RecordFact:
    """One thing that a record says. agent: who that is; id: the record or claim that it names."""

    label: str
    text: str
    agent: bytes | None = None
    id: bytes | None = None


def record_facts(view: LedgerView, data: Mapping[str, Any]) -> Iterator[RecordFact]:
    """Yield what the data of a record says, in its order."""
    for key, value in data.items():
        if key == HAPPENED and read_point_in_time(value) is not None:
            continue  # the record has it as `when`
        label = view.words(LABELS[key]) if key in LABELS else key
        for part in value if isinstance(value, list) and key in RECORDS else (value,):
            yield _fact(view, key, label, part)


def _fact(view: LedgerView, key: str, label: str, value: Any) -> RecordFact:
    amount = quantities.read(value)
    if amount is not None:
        number, unit = shown_number(amount.n, amount.scale), shown_unit(amount.unit, view.words)
        return RecordFact(label, f"{number} {unit}")
    if isinstance(value, bytes):
        if key in AGENTS:
            return RecordFact(label, view.name(value), agent=value)
        return RecordFact(label, value.hex(), id=value if key in RECORDS else None)
    if value == {}:
        return RecordFact(label, view.words("yes"))
    if isinstance(value, str):
        return RecordFact(label, shown_action(value, view.words) if key == "action" else value)
    return RecordFact(label, json.dumps(plain(value), ensure_ascii=False))
