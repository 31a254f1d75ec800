"""Receipts: a consent as a record that other programs read, of ISO/IEC TS 27560 in DPV words.

Source: the guide "Consent Records and Receipts as per ISO/IEC TS 27560:2023 using DPV" of the W3C
community group, whose records of required fields alone these follow. Where the ledger does not know
a field, it says so: it never guesses who answers for a community, or under which law.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commonweal.client.access import HomeAccess, prefix
from commonweal.client.exchange.data.consent_rows import (
    DPV_STATES,
    DPV_VALID,
    ListedConsent,
)
from commonweal.client.exchange.data.consent_states import data_name, listed_consent
from commonweal.client.home.submit import now_ms
from commonweal.client.language.times import iso
from commonweal.protocol.ledger.exchange.data.consents import CONSENT, ConsentRow, consent_row
from commonweal.protocol.ledger.governance import active_ruleset
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.rules.sections.data import jurisdiction

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

SCHEMA = "https://w3id.org/dpv/schema/dpv-27560"
CONTEXT = {
    "dpv": "https://w3id.org/dpv#",
    "pd": "https://w3id.org/dpv/pd#",
    "loc": "https://w3id.org/dpv/loc#",
    "dct": "http://purl.org/dc/terms/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "schema": "https://schema.org/",
    "weal": "urn:commonweal:terms#",
}
NOT_STATED = "not stated"
"""What a receipt says where the rules name no law."""


class ConsentReceipts(HomeAccess):
    """Consents to take away."""

    def consent_record(self, id: str | bytes) -> dict[str, Any]:
        """Return a consent or a request as a consent record. Raises UnknownId, AmbiguousId."""
        chosen = self.view.id_among(prefix(id), CONSENT)
        return consent_record(self.view, chosen, listed_consent(self.view, chosen, now_ms()))

    def consent_receipt(self, id: str | bytes) -> dict[str, Any]:
        """Return a receipt: an id of its own, when it was made, and the record."""
        record, at = self.consent_record(id), now_ms()
        number = record["dct:identifier"]
        return {
            "@context": record.pop("@context"),
            "@id": f"{record['@id']}:receipt:{at}",
            "@type": "dpv:ConsentReceipt",
            "dct:identifier": f"{number}:{at}",
            "dct:conformsTo": f"{SCHEMA}#receipt",
            "dct:created": iso(at),
            "dct:publisher": f"urn:commonweal:{self.view.me.hex()}",
            "schema:recipient": record["dpv:hasDataSubject"]["@id"],
            "dpv:hasRecordOfActivity": record,
        }


def consent_record(view: LedgerView, id: RecordId, consent: ListedConsent) -> dict[str, Any]:
    """Return a consent as a record of the fields that the standard requires."""
    row = consent_row(view.state, id)
    assert row is not None, "it is a consent"
    ruleset = active_ruleset.current(view.state, view.kept.documents)
    law = jurisdiction(ruleset.document) or NOT_STATED
    record = {
        "@context": CONTEXT,
        "@id": f"urn:commonweal:{view.community.hex()}:{id.hex()}",
        "@type": "dpv:ConsentRecord",
        "dct:identifier": id.hex(),
        "dct:conformsTo": f"{SCHEMA}#record",
        "dpv:hasDataSubject": _person(row.giver or _owner(view, row), view),
        "dpv:hasDataController": [_person(user, view) for user in _users(view, row)],
        "dpv:hasJurisdiction": law,
        "dpv:hasApplicableLaw": law,
        "dpv:hasProcess": _process(view, row),
        "dpv:hasConsentControl": {
            "@type": ["dpv:ProvideConsent", "dpv:WithdrawConsent"],
            "dpv:isExercisedAt": f"weal consent revoke {id.hex()[:12]}",
        },
        "dpv:hasRight": [
            {
                "@type": "dpv:DataSubjectRight",
                "dct:title": "Right to withdraw the consent",
                "dpv:isExercisedAt": f"weal consent revoke {id.hex()[:12]}",
            }
        ],
        "dpv:hasNotice": {
            "@id": f"urn:blake2b-256:{row.notice.hex()}",
            "@type": "dpv:ConsentNotice",
            "dct:language": row.language,
            "dct:description": consent.notice or "",
        },
        "dpv:hasConsentStatus": [_status(view, row, consent)],
    }
    if isinstance(row.benefit, list):
        n, scale, unit = row.benefit
        record["weal:perUse"] = {"n": n, "scale": scale, "unit": unit}
    elif row.pool is not None:
        record["weal:shareOfPool"] = row.pool
    return record


def _owner(view: LedgerView, row: ConsentRow) -> bytes:
    from commonweal.protocol.ledger.exchange.data.contents import data_row

    data = data_row(view.state, row.resource)
    return (data.owner if data is not None else None) or bytes(view.community)


def _person(agent: bytes | str, view: LedgerView) -> dict[str, Any]:
    """Return an entity: id, name, and the role in which it takes part."""
    if isinstance(agent, str):
        return {"@id": f"urn:commonweal:{view.community.hex()}:role:{agent}", "schema:name": agent}
    name = view.name(agent)
    contact = "weal members"
    return {"@id": f"urn:commonweal:{agent.hex()}", "schema:name": name, "schema:contact": contact}


def _users(view: LedgerView, row: ConsentRow) -> list[bytes | str]:
    """Return who is given the consent: they decide what they do with the data."""
    return [*row.recipients]


def _process(view: LedgerView, row: ConsentRow) -> dict[str, Any]:
    duration: dict[str, Any] = {"@type": "dpv:StorageDuration"}
    if row.end is None:
        duration["dpv:hasDuration"] = {
            "@type": "dpv:UntilEventDuration",
            "rdf:value": "until the consent is revoked",
        }
    else:
        duration["dpv:hasDuration"] = {
            "@type": "dpv:UntilTimeDuration",
            "rdf:value": iso(row.end),
        }
    return {
        "@type": "dpv:Process",
        "dpv:hasRecipient": [_person(user, view)["@id"] for user in _users(view, row)],
        "dpv:hasPurpose": [
            {"@type": "dpv:Purpose", "dct:title": purpose} for purpose in row.purposes
        ],
        "dpv:hasProcessing": [
            {"use": "dpv:Use", "cite": "dpv:Disclose"}[action] for action in row.actions
        ],
        "dpv:hasPersonalData": {
            "@id": f"urn:commonweal:{row.resource.hex()}",
            "dct:title": data_name(view, row.resource),
            "skos:broader": "dpv:PersonalData",
        },
        "dpv:hasStorageCondition": [
            {"@type": "dpv:StorageLocation", "dpv:hasLocation": "dpv:WithinDevice"},
            duration,
        ],
    }


def _status(view: LedgerView, row: ConsentRow, consent: ListedConsent) -> dict[str, Any]:
    state = DPV_STATES[consent.state]
    kind = "dpv:ExpressedConsent" if state in DPV_VALID else None
    record = view.store.record(consent.id if row.by is None else RecordId(row.by))
    said: dict[str, Any] = {
        "@type": [f"dpv:{state}", *([kind] if kind else [])],
        "dpv:isIndicatedBy": f"urn:commonweal:{(row.giver or row.member).hex()}",
        "dpv:hasIndicationMethod": "a record signed by a device of the member",
    }
    if record is not None:
        said["dpv:isIndicatedAtTime"] = iso(record.claimed_at)
    return said
