"""How safe single records are: only here, held by others, or final."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from commonweal.client.access import HomeAccess
from commonweal.protocol.errors import UsageError
from commonweal.protocol.records.record import Record, RecordId
from commonweal.storage.home.home import Settings
from commonweal.storage.ledger.state.checkpoint import covers
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.records.seal_store import RecordPlace, SealStore


class Safety(Enum):
    """How far a record is safe, by what this home and its connected members know.

    HERE: this device wrote it, and no node runs that would know who else holds it. ONLY_HERE: this
    device wrote it, and no connected member holds it. HELD: others hold it, its author at least.
    FINAL: a seal covers it.
    """

    HERE = "here"
    ONLY_HERE = "only-here"
    HELD = "held"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class RecordState:
    """How safe one record is.

    held_by: how many of the `connected` members hold it; None while no node runs here, and for
    a record at or beyond a fork of its log. sealed_at: the height that made it final, else None.
    """

    safety: Safety
    held_by: int | None
    connected: int | None
    sealed_at: int | None


class RecordStates(HomeAccess):
    """The states of many records at once."""

    def record_states(self, ids: Iterable[bytes]) -> dict[RecordId, RecordState]:
        """Return how safe each record is; those that are not held here are left out.

        ids: whole ids, at most 200 different ones (PLACES_ASKED_MAX), else raises UsageError. The
        node is asked once; nothing is folded.
        """
        from commonweal.node.service.events import PLACES_ASKED_MAX

        wanted = tuple(dict.fromkeys(map(RecordId, ids)))
        if len(wanted) > PLACES_ASKED_MAX:
            most = self.words("{n} records; the states of at most {max} are told at once")
            raise UsageError(most.format(n=len(wanted), max=PLACES_ASKED_MAX))
        with self.home.store(readonly=True) as store:
            settings = Settings.read(store)
            records = [record for id in wanted if (record := store.record(id)) is not None]
            authors = dict.fromkeys(record.author for record in records)
            frozen = {author: store.log(author).frozen for author in authors}
            void = [record.id for record in records if _is_beyond(record, frozen[record.author])]
            sealed = _sealed_heights(store, SealStore(store, settings.here), records, void)
        held_by, connected = self._holder_counts(
            [record for record in records if record.id not in void]
        )
        return {
            record.id: RecordState(
                _safety(
                    sealed.get(record.id),
                    held_by.get(record.id),
                    is_own=record.author == settings.device,
                ),
                held_by.get(record.id),
                connected,
                sealed.get(record.id),
            )
            for record in records
        }

    def _holder_counts(
        self, records: Sequence[Record]
    ) -> tuple[dict[RecordId, int | None], int | None]:
        """Return how many connected members hold each record, and how many are connected."""
        from commonweal.node.control.messages.held_records import CountHolders

        places = tuple((bytes(record.author), record.seq) for record in records)
        answer = self.node_answer(CountHolders(places)) if places else None
        if answer is None:
            return {}, None
        ids = (record.id for record in records)
        return dict(zip(ids, answer.held_by, strict=True)), answer.connected


def _is_beyond(record: Record, frozen: int | None) -> bool:
    return frozen is not None and record.seq >= frozen


def _sealed_heights(
    store: Store, seals: SealStore, records: Sequence[Record], void: Collection[RecordId]
) -> dict[RecordId, int]:
    """Return the height of each final record. void: those beyond the fork of their log."""
    places = {record.id: RecordPlace(record.author, record.seq, record.clock) for record in records}
    heights = seals.heights_covering(places.values())
    cut = seals.cut() if void else {}
    return {
        record.id: height
        for record in records
        if (height := heights.get(places[record.id])) is not None
        and (record.id not in void or covers(store, cut, record))
    }


def _safety(sealed_at: int | None, held_by: int | None, *, is_own: bool) -> Safety:
    if sealed_at is not None:
        return Safety.FINAL
    if held_by or not is_own:
        return Safety.HELD
    return Safety.HERE if held_by is None else Safety.ONLY_HERE
