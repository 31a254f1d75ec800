"""My data: what a member wrote, what others wrote of them, and copies of it to take away.

Nothing is kept anywhere but in the ledger, which every member holds; so what is found here is all
that any node holds of a member. Nothing is written here.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from commonweal.client.access import HomeAccess
from commonweal.client.contributions.records import record_body
from commonweal.client.exports.selections import SelectionQuery, selected_rows
from commonweal.client.exports.sheet_text import sheet_lines
from commonweal.client.home.submit import now_ms
from commonweal.client.language.plain import plain
from commonweal.client.language.times import iso
from commonweal.client.ledger.names.directory import People
from commonweal.client.ledger.rows.contribution_rows import RecordBody, event_words
from commonweal.client.ledger.words.kind_words import kind_words
from commonweal.client.ledger.words.texts import body_of
from commonweal.protocol.errors import UnknownId
from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.ledger.members import membership
from commonweal.protocol.ledger.things.event_row import event_row
from commonweal.protocol.records.record import CommunityId, Record, RecordId, from_bytes_unchecked

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

ROWS_MAX = 50
"""Records on one page."""

LOOKED_AT_MAX = 500
"""Records that are looked at for one page of those with a text."""

RUN_BYTES_MAX = 4 * 1024 * 1024
"""Records that are read at once for a copy of all."""

COLUMNS = (
    *("id", "action", "quantity", "unit", "effort", "effort_unit", "receiver_name", "scope"),
    *("factor", "note", "when", "claimed_at", "height", "points", "why", "corrected_to"),
)


@dataclass(frozen=True, slots=True)
class OwnDevice:
    """A device that writes, or wrote, for this member. final: how many of its records are."""

    device: DeviceKey
    records: int
    final: int
    here: bool


@dataclass(frozen=True, slots=True)
class OwnRecord:
    """A record that this member wrote. words: what it says. body: its text or file, else None."""

    id: RecordId
    seq: int
    kind: str
    words: str
    claimed_at_ms: int
    body: RecordBody | None

    @property
    def is_erasable(self) -> bool:
        """Whether it has a text or file that the member may have erased, and did not yet."""
        return self.body is not None and not (self.body.permanent or self.body.erased)


@dataclass(frozen=True, slots=True)
class OwnRecords:
    """A page of the records of one device, the newest first. before: names the next page."""

    device: DeviceKey
    rows: tuple[OwnRecord, ...]
    before: int | None


@dataclass(frozen=True, slots=True)
class DataHoldings:
    """What is held of a member. since_ms: when they are known from, by their first record.

    written_by_others: contributions of this member that others wrote down. said_by_others: what
    others say of contributions of this member. keepers: members who hold a copy of all of it.
    """

    community: CommunityId
    community_name: str
    member: MemberId
    member_name: str
    devices: tuple[OwnDevice, ...]
    since_ms: int | None
    written_by_others: int
    said_by_others: int
    shares: int
    keepers: int


class OwnRecordsAccess(HomeAccess):
    """What is held of this member."""

    def held_data(self) -> DataHoldings:
        """Return what is held of this member, here and on the node of every other member."""
        view = self.view
        devices = tuple(_devices(view))
        first = view.store.id_at(devices[0].device, 0) if devices else None
        record = None if first is None else view.store.record(first)
        active = [row for row in membership.members(view.state) if row.status == "active"]
        people = People(view.store, view.community, words=self.words)
        mine = "SELECT id FROM event_row WHERE provider = ?1"
        return DataHoldings(
            community=view.community,
            community_name=people.community_name(),
            member=view.me,
            member_name=view.name(view.me),
            devices=devices,
            since_ms=None if record is None else record.claimed_at,
            written_by_others=_count(
                view, "SELECT count(*) FROM event_row WHERE provider = ?1 AND member != ?1"
            ),
            said_by_others=_count(
                view,
                f"SELECT count(*) FROM attest_row WHERE event IN ({mine})",  # noqa: S608
            ),
            shares=_count(view, "SELECT count(*) FROM payout_row WHERE member = ?1"),
            keepers=len(active),
        )

    def own_records(
        self, *, device: str | None = None, before: int | None = None, texts: bool = False
    ) -> OwnRecords:
        """Return a page of the records that a device of this member wrote, the newest first.

        device: its key in hex, else the one of this home. before: of the page before. texts: only
        those with a text or file. Raises UnknownId.
        """
        view = self.view
        known = {row.device.hex(): row for row in _devices(view)}
        chosen = known.get(device or view.settings.device.hex())
        if chosen is None:
            raise UnknownId(device or "")
        stop = chosen.records if before is None else max(0, min(before, chosen.records))
        start = max(0, stop - (LOOKED_AT_MAX if texts else ROWS_MAX))
        rows: list[OwnRecord] = []
        for record in reversed(list(_records(view, chosen.device, start, stop))):
            if texts and (record.body is None or record.body.sealed):
                continue
            if len(rows) == ROWS_MAX:
                return OwnRecords(chosen.device, tuple(rows), rows[-1].seq)
            rows.append(_row(view, record))
        return OwnRecords(chosen.device, tuple(rows), start or None)

    def own_archive(self, file: IO[bytes]) -> None:
        """Write a zip of all that this member wrote, with texts and files, and the receipt."""
        view = self.view
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
            with packed.open("records.jsonl", "w") as lines:
                for row in _devices(view):
                    for record in _records(view, row.device, 0, row.records):
                        text = json.dumps(_whole(view, record), ensure_ascii=False)
                        lines.write(text.encode("utf-8", "surrogatepass") + b"\n")
            for row in _devices(view):
                for record in _records(view, row.device, 0, row.records):
                    kind, content = body_of(view.store, record.id) or ("", b"")
                    if content and not kind.startswith("text/"):
                        packed.writestr(f"files/{record.id.hex()}", content)
            query = SelectionQuery(member=view.me.hex())
            with packed.open("contributions.csv", "w") as sheet:
                for line in sheet_lines(COLUMNS, map(plain, selected_rows(view, query))):
                    sheet.write(line.encode("utf-8", "surrogatepass"))
            receipt = json.dumps(self.receipt(), ensure_ascii=False, indent=1)
            packed.writestr("receipt.json", receipt)

    def receipt(self) -> dict[str, Any]:
        """Return what is held of this member as a record that other programs read.

        Fields are those of ISO/IEC TS 27560 where they fit, values words of the Data Privacy
        Vocabulary (DPV). Consents are not in it: what is held follows from taking part.
        """
        held = self.held_data()
        written = sum(row.records for row in held.devices)
        return {
            "@context": {"dpv": "https://w3id.org/dpv#", "pd": "https://w3id.org/dpv/pd#"},
            "schema_version": "ISO/IEC TS 27560:2023",
            "record_id": f"urn:commonweal:{held.community.hex()}:{held.member.hex()}",
            "created": iso(now_ms()),
            "pii_principal_id": held.member.hex(),
            "pii_controllers": [
                {
                    "name": held.community_name,
                    "id": held.community.hex(),
                    "type": "dpv:DataController",
                }
            ],
            "processing": [
                {
                    "purpose": "dpv:RecordManagement",
                    "processing": ["dpv:Store", "dpv:Copy", "dpv:Share", "dpv:Derive"],
                    "pii_information": [
                        {"pii_type": "pd:Name", "value": held.member_name},
                        {"pii_type": "pd:UID", "value": [row.device.hex() for row in held.devices]},
                        {"pii_type": "pd:Communication", "records": written},
                        {"pii_type": "pd:WorkHistory", "by_others": held.written_by_others},
                        {"pii_type": "pd:Opinion", "by_others": held.said_by_others},
                        {"pii_type": "pd:Income", "records": held.shares},
                    ],
                    "recipients": {"type": "dpv:Recipient", "members": held.keepers},
                    "storage_location": "dpv:DecentralisedLocations",
                    "storage_duration": {
                        "records": "dpv:EndlessDuration",
                        "texts": "until the member has them erased",
                    },
                }
            ],
        }


def _devices(view: LedgerView) -> Iterator[OwnDevice]:
    for row in membership.devices(view.state):
        if row.member == view.me:
            sealed = view.kept.last.logs.get(row.key)
            yield OwnDevice(
                row.key,
                view.store.log(row.key).length,
                0 if sealed is None else sealed.length,
                row.key == view.settings.device,
            )


def _records(view: LedgerView, device: DeviceKey, start: int, stop: int) -> Iterator[Record]:
    while start < stop:
        wires = view.store.wires(device, start, stop, RUN_BYTES_MAX)
        if not wires:
            return
        yield from map(from_bytes_unchecked, wires)
        start += len(wires)


def _row(view: LedgerView, record: Record) -> OwnRecord:
    counts = record.kind == "event" and event_row(view.state, record.id) is not None
    words = event_words(view, record.id) if counts else kind_words(record.kind, view.words)
    body = record_body(view.store, record)
    return OwnRecord(record.id, record.seq, record.kind, words, record.claimed_at, body)


def _whole(view: LedgerView, record: Record) -> dict[str, Any]:
    """Return a record as the archive has it; the text where it has one."""
    body = record_body(view.store, record)
    return {
        "id": record.id.hex(),
        "device": record.author.hex(),
        "seq": record.seq,
        "kind": record.kind,
        "claimed_at": iso(record.claimed_at),
        "data": plain(dict(record.data)),
        "cites": [dep.hex() for dep in record.deps],
        "final": view.kept.is_final(record),
        "text": None if body is None else body.text,
        "media_type": None if body is None else body.media_type,
        "erased": body is not None and body.erased,
    }


def _count(view: LedgerView, statement: str) -> int:
    ((number,),) = view.kept.layers.rows(statement, (view.me,))
    return int(number)
