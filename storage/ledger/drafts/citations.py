"""Citations: which records a new one of this device cites, since it rests on them.

What a seal covers is not cited: the basis of the record says that it stands before. Nor is what
the device wrote itself, which its log says. See docs/protocol.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from commonweal.protocol import codec
from commonweal.protocol.errors import NotYet
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.ledger.fold.references import references
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.records.record import DEPS_MAX, Record, RecordId, from_bytes_unchecked
from commonweal.protocol.vocabulary.rule_params import RuleParams
from commonweal.storage.ledger.ledger import LedgerState
from commonweal.storage.records.logs.log_store import LogRow

ATTESTING = {"attest": "event"}
KEEPING = {"event": "fulfills", "agreement.end": "agreement"}
"""Kinds that say something of another record, and the field that holds its id."""


class Citations:
    """What new records of one device cite. Valid while `kept` does not change."""

    def __init__(
        self, kept: LedgerState, device: DeviceKey, member: bytes, rules: RuleParams
    ) -> None:
        """member: whose device it is. rules: those in force, which the caller has read."""
        self._kept, self._device, self._member, self._rules = kept, device, member, rules
        self._above: dict[bytes, list[bytes]] = {}
        self._open: dict[RecordId, Record | None] = {}
        self._naming: dict[RecordId, list[Record]] = {}

    def of(
        self, state: State, kind: str, data: Mapping[str, Any], deps: Iterable[RecordId]
    ) -> tuple[RecordId, ...]:
        """Return `deps`, and what else a record rests on that no seal covers; sorted.

        state: of all that is held and is written before it. deps: what its author cites anyway.
        They are at most DEPS_MAX: where they are more, only the latest of each log is cited,
        since it follows the others. Raises NotYet where that is too many as well.
        """
        named = references(state, self._written, self._rules, self._member, kind, data)
        ids = dict.fromkeys(named.records)
        for about, kinds in ((named.attested, ATTESTING), (named.done, KEEPING)):
            ids |= dict.fromkeys(said for id in about for said in self._said_of(id, kinds))
        for device in named.devices:
            ids |= dict.fromkeys(self._first_of(device))
        given = dict.fromkeys(deps)
        unsealed = (self._unsealed(id) for id in ids if id not in given)
        cited = [record for record in unsealed if record is not None]
        if len(given) + len(cited) > DEPS_MAX:
            cited = list({record.author: record for record in sorted(cited, key=_seq)}.values())
        count = len(given) + len(cited)
        if count > DEPS_MAX:
            raise NotYet(f"it rests on {count} records that no seal covers yet; at most {DEPS_MAX}")
        return tuple(sorted([*given, *(record.id for record in cited)]))

    def _unsealed(self, id: RecordId) -> Record | None:
        """Return a record of another device that is held and that no seal covers; else None."""
        if id not in self._open:
            record = self._kept.store.record(id)
            is_open = record is not None and record.author != self._device
            self._open[id] = (
                record if is_open and record and not self._kept.is_final(record) else None
            )
        return self._open[id]

    def _written(self, prefix: bytes) -> list[bytes]:
        if prefix not in self._above:
            self._above[prefix] = self._kept.layers.keys_above(prefix)
        return self._above[prefix]

    def _said_of(self, id: RecordId, kinds: Mapping[str, str]) -> list[RecordId]:
        """Return the records of others above the last cut, of some kinds, that are about one."""
        if id not in self._naming:
            rows = (row for row in self._kept.store.logs() if row.author != self._device)
            self._naming[id] = [record for row in rows for record in self._with(row, id)]
        return [
            record.id
            for record in self._naming[id]
            if record.kind in kinds and record.data.get(kinds[record.kind]) == id
        ]

    def _with(self, row: LogRow, id: RecordId) -> Iterable[Record]:
        """Yield the records of a log above the last cut that hold an id."""
        sealed = self._kept.last.logs.get(row.author)
        start = 0 if sealed is None else sealed.length
        wires = self._kept.store.containing(codec.encode(bytes(id)), row.author, start)
        return map(from_bytes_unchecked, wires)

    def _first_of(self, device: DeviceKey) -> list[RecordId]:
        """Return the first record of a log, which enrolled its device."""
        wires = self._kept.store.wires(device, 0, 1, 0)
        return [from_bytes_unchecked(wire).id for wire in wires]


def _seq(record: Record) -> int:
    return record.seq
