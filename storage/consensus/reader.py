"""The ledger as consensus reads it: the state for the next seal, and what this device holds.

Reads the records and seals of a store, applies seals that can be applied, and never writes to the
store. What is final is read once after each seal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.ledger.exchange.reviews import reviews
from commonweal.protocol.ledger.finality.deadlines import next_deadline
from commonweal.protocol.ledger.finality.unsealed import document_missing
from commonweal.protocol.ledger.governance import proposals, witness_set
from commonweal.protocol.ledger.members import invites, membership
from commonweal.protocol.ledger.members.budgets import budget_shares
from commonweal.protocol.ledger.members.forks import every_kept, is_new
from commonweal.protocol.ledger.members.registry import FOUNDING
from commonweal.protocol.ledger.state.evidence import Misbehaviour
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.records.record import RECORD_BYTES_MAX, RecordId
from commonweal.protocol.seal.cut import (
    FULL_CUT_RECORDS,
    SealedLog,
    length_in,
)
from commonweal.protocol.seal.formats import EVIDENCE_PER_SEAL_MAX
from commonweal.protocol.seal.have_frontiers import (
    HAVE_BYTES_MAX,
    HAVE_RECORDS_MAX,
    have_logs_max,
)
from commonweal.protocol.seal.votes import SealId
from commonweal.protocol.seal.witnesses import witness_devices
from commonweal.storage.consensus.restored import TAKEN
from commonweal.storage.consensus.unsealed import LogRange, first_of, has_rare, is_small, waiting
from commonweal.storage.consensus.view import ConsensusView
from commonweal.storage.ledger.ledger import LedgerState
from commonweal.storage.records.logs.log_store import LogRow
from commonweal.storage.records.review_secrets import review_secrets

DEADLINE_MARGIN_MS = 5 * 60_000
"""Time before a deadline in which cuts are full already: clocks differ, and a height takes time."""


@dataclass(frozen=True, slots=True)
class _Final:
    """Values read from all that is final, once after each seal."""

    removed: tuple[tuple[MemberId, int], ...]
    back: tuple[MemberId, ...]
    nameless: tuple[MemberId, ...]
    void: tuple[RecordId, ...]
    offered: tuple[DeviceKey, ...]
    deadline_ms: int | None
    shares: Mapping[DeviceKey, int]
    reviews_due: tuple[RecordId, ...]
    reviews_over: tuple[RecordId, ...]


class ConsensusReader:
    """Reads the ledger in `kept`. Used by one thread at a time."""

    def __init__(self, kept: LedgerState) -> None:
        self.kept = kept
        self._store, self._layers, self._community = kept.store, kept.layers, kept.community
        self._seen: tuple[tuple[bytes, int, bytes], _Final] | None = None
        self.cut_records = FULL_CUT_RECORDS
        """Records that a cut takes and a have-frontier shows; more where others show more."""

    @property
    def lacks(self) -> tuple[bytes, ...]:
        """Ids to fetch from peers before the next stored seal can be folded."""
        return self.kept.lacks

    def outlook(self, now_ms: int = 0) -> ConsensusView:
        """Return the state for consensus, after every stored seal that can be applied is.

        now_ms: this node's clock; the budgets of members are refilled each day.
        """
        with self._looking():
            kept, final, ruleset = self.kept, self.kept.final, self.kept.ruleset
            witnesses = self.kept.chain_point().witnesses
            seated = witness_devices(witnesses)
            seen, above = self._final(), self._above()
            unsealed = self._taken(above, now_ms)
            facts = self._new_facts(final)
            is_roomy = len(unsealed) == len(above) and is_small(self.kept, above, seen.shares)
            return ConsensusView(
                height=kept.cut.height,
                seal=SealId(kept.last.seal),
                ruleset=ruleset.id,
                removed=seen.removed,
                back=seen.back,
                nameless=seen.nameless,
                waiting=self.kept.waiting(),
                joining=kept.rules.membership,
                witnesses=witnesses,
                candidates=tuple(sorted(device for device in seen.offered if device not in seated)),
                unsealed=sum(stop - start for _, start, stop in unsealed) + self._kept(final),
                cut_records=self.cut_records,
                is_urgent=bool(facts.ends or facts.equivocators) or has_rare(self._store, unsealed),
                deadline_ms=seen.deadline_ms,
                interval_ms=ruleset.interval_ms,
                void=seen.void,
                alarm=kept.alarm,
                budget=ruleset.budget,
                shares=seen.shares,
                is_audited=self._layers.mark(TAKEN) is None,
                is_roomy=is_roomy,
                reviews_due=seen.reviews_due,
                reviews_over=seen.reviews_over,
                missing_documents=_missing_documents(kept),
            )

    def shown(self, now_ms: int = 0) -> tuple[SealedLog, ...]:
        """Return the lengths of this device's have-frontier above the last cut, by author.

        They cover the first records by clock within its limits, and with each record those that
        it cites. This is what ABCI++ calls ExtendVote.
        """
        with self._looking():
            unsealed, witnesses = self._unsealed(now_ms), self.kept.chain_point().witnesses
            if not witnesses:
                return ()
            logs_max = have_logs_max(len(witnesses))
            count = sum(stop - start for _, start, stop in unsealed)
            records_max = self._records_max(HAVE_RECORDS_MAX, now_ms)
            may_be_large = count * RECORD_BYTES_MAX > HAVE_BYTES_MAX
            if count > records_max or may_be_large or len(unsealed) > logs_max:
                unsealed = first_of(self._store, unsealed, logs_max, records_max, HAVE_BYTES_MAX)
            shown = []
            for author, _, stop in unsealed:
                head = self._store.id_at(author, stop - 1)
                assert head is not None, "what is counted is held"
                shown.append(SealedLog(author, stop, head))
            return tuple(shown)

    # Inside

    def _records_max(self, full: int, now_ms: int) -> int:
        """Return how many records a cut may take now. full: how many a full one takes.

        Near a deadline that is all: a cut that is not full decides what is due, so no record that
        is here may wait outside it.
        """
        deadline_ms = self._final().deadline_ms
        is_near = deadline_ms is not None and now_ms >= deadline_ms - DEADLINE_MARGIN_MS
        return full if is_near else min(full, self.cut_records)

    @contextmanager
    def _looking(self) -> Iterator[None]:
        """Apply the seals that can be applied, and read one state inside."""
        with self._store.snapshot():
            self.kept.refresh(whole=False)
            self._layers.pin()
            try:
                self.kept.last.read()
                ready = self.kept.ready
                if ready is not None and ready.seal.prev != self.kept.last.seal:
                    self.kept.ready = None
                yield
            finally:
                self._layers.rollback()

    def _final(self) -> _Final:
        """Return the values of the last seal, read again only after a new one."""
        kept, ruleset = self.kept, self.kept.ruleset
        stamp = (bytes(kept.last.seal), kept.cut.height, bytes(ruleset.id))
        if self._seen is None or self._seen[0] != stamp:
            final, cut = kept.final, kept.cut
            is_ruled = not _missing_documents(kept)  # else each event would be valued by others
            values = _Final(
                proposals.removals(final),
                invites.returned(final),
                membership.nameless(final),
                self._layers.refused_by(witness_set.SEAL_ONLY_REASONS),
                tuple(offer.witness.device for offer in witness_set.candidates(final)),
                next_deadline(final, cut, ruleset, self._community) if is_ruled else None,
                budget_shares(final),
                *self._own_reviews(final),
            )
            self._seen = stamp, values
        return self._seen[1]

    def _own_reviews(self, final: State) -> tuple[tuple[RecordId, ...], tuple[RecordId, ...]]:
        """Return which reviews of this home may be opened now, and which need no opening."""
        known = [(id, reviews.review_row(final, id)) for id in review_secrets(self._store)]
        rows = [(id, row) for id, row in known if row is not None]
        height = self.kept.cut.height
        return (
            tuple(id for id, row in rows if reviews.may_open(final, height, row)),
            tuple(id for id, row in rows if row.status != reviews.WRITTEN),
        )

    def _grown(self) -> list[LogRow]:
        """Return the rows of the logs that are longer than in the last cut."""
        last = self.kept.last.lengths
        return [row for row in self._store.logs() if row.length > last.get(row.author, 0)]

    def _strangers(self, grown: Iterable[LogRow]) -> dict[DeviceKey, None]:
        """Return those devices that are in no cut yet and that nobody admitted.

        Every node stores only as many strangers' logs as its quota allows, and each stores others:
        a cut with them could not be followed by most nodes.
        """
        last = self.kept.last.lengths
        new = [row.author for row in grown if row.author not in last]
        if not new:
            return {}
        state = self.kept.members()
        return {device: None for device in new if not membership.was_admitted(state, device)}

    def _unsealed(self, now_ms: int) -> list[LogRange]:
        """Return the range above the last cut of each log that the next cut can extend."""
        return self._taken(self._above(), now_ms)

    def _taken(self, above: list[LogRange], now_ms: int) -> list[LogRange]:
        """Return those of the ranges of which the next cut can take something."""
        left_out = waiting(self.kept, above, now_ms)
        return [span for span in above if span.author not in left_out]

    def _above(self) -> list[LogRange]:
        """Return the range above the last cut of each log that is longer now."""
        last, grown = self.kept.last.lengths, self._grown()
        strangers = self._strangers(grown)
        return [
            LogRange(row.author, last.get(row.author, 0), row.length)
            for row in grown
            if row.author not in strangers
        ]

    def _kept(self, final: State) -> int:
        """Return how many fork records that votes keep can be covered and are not yet."""
        last = self.kept.last.logs
        kept = [
            self._store.record(row.id)
            for author, row in every_kept(final).items()
            if length_in(last, author) <= row.seq
        ]
        documents = self.kept.documents
        return sum(
            record is not None and not document_missing(record, documents) for record in kept
        )

    def _new_facts(self, final: State) -> Misbehaviour:
        """Return the held evidence that has no effect yet, at most EVIDENCE_PER_SEAL_MAX."""
        proven = sorted(self.kept.end().ends().items())
        ends = [end for end in proven if is_new(final, *end)][:EVIDENCE_PER_SEAL_MAX]
        room = EVIDENCE_PER_SEAL_MAX - len(ends)
        guilty = [
            device
            for device in self.kept.end().seals.double_votes()
            if final.get(witness_set.GUILTY + device) is None
        ]
        return Misbehaviour(tuple(ends), tuple(sorted(guilty)[:room]))


def _missing_documents(kept: LedgerState) -> tuple[bytes, ...]:
    """Return the hash of the founding document when it is not held, as after a state came.

    Until it is, the rules of its community are not known; see `active_ruleset`.
    """
    founding = kept.final.get(FOUNDING)
    if founding is None or kept.store.has_body(founding[2]):
        return ()
    return (founding[2],)
