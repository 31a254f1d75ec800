"""Events and resources in words: what tracing, attesting and explaining show of them."""

from __future__ import annotations

from typing import Any

from commonweal.client.ledger_view import LedgerView, amount
from commonweal.client.quantity import shown_action, shown_unit
from commonweal.protocol.ledger.things import quantities, units_and_specs
from commonweal.protocol.ledger.things.event_row import EventRow, event_row
from commonweal.protocol.ledger.things.resources import ResourceRow
from commonweal.protocol.records.record import RecordId


def event_fields(found: LedgerView, id: bytes, row: EventRow) -> dict[str, Any]:
    """Return an event as json says it."""
    from commonweal.protocol.ledger.sharing.valuation import booked_at

    number, unit = amount(row.quantity or row.effort)
    return {
        "id": id.hex(),
        "action": row.action,
        "quantity": number,
        "unit": unit,
        "provider": row.provider.hex(),
        "provider_name": found.name(row.provider),
        "receiver": row.receiver and row.receiver.hex(),
        "scope": row.scope,
        "yes": row.yes,
        "no": row.no,
        "disputes": row.disputes,
        "corrections": row.corrections,
        "final": booked_at(found.final, id) is not None,
    }


def event_words(found: LedgerView, id: bytes) -> str:
    """Return an event as people read it."""
    row = event_row(found.state, id)
    if row is None:
        return f"?{id.hex()[:8]}"
    number, unit = amount(row.quantity or row.effort)
    what = " ".join(
        part
        for part in (
            shown_action(row.action, found.words),
            number,
            shown_unit(unit or "", found.words),
        )
        if part
    )
    words = f"{what} · {found.name(row.provider)}"
    return f"{words} → {found.name(row.receiver)}" if row.receiver else words


def resource_fields(found: LedgerView, id: bytes, row: ResourceRow) -> dict[str, Any]:
    """Return a resource as json says it."""
    return {
        "id": id.hex(),
        "name": spec_name(found, row.spec),
        "unit": row.unit,
        "accounting": amount([row.accounting, row.scale, ""])[0],
        "onhand": amount([row.onhand, row.scale, ""])[0],
        "accountable": row.accountable.hex(),
        "accountable_name": found.name(row.accountable),
        "custodian": row.custodian.hex(),
        "custodian_name": found.name(row.custodian),
        "stage": row.stage and spec_name(found, row.stage),
        "state": row.state,
        "location": row.location,
    }


def spec_name(found: LedgerView, spec: bytes | None) -> str | None:
    """Return the name of a specification of resources or processes."""
    if spec is None:
        return None
    value = found.state.get(units_and_specs.SPEC + spec) or found.state.get(
        units_and_specs.PROCESS_SPEC + spec
    )
    return None if value is None else str(value[0])


def unit_definition(found: LedgerView, unit: str) -> tuple[RecordId, ...]:
    """Return what to cite for a unit: its definition, unless the rules have it."""
    value = found.state.get(quantities.UNIT + unit.encode())
    return () if value is None else (RecordId(value[1]),)
