"""The assessor: what the ledger says of seals, to those who agree on them.

It reads the records and seals of a store and folds; what it folded to build or judge a seal is
not folded again when that seal is decided. It never writes to the store, and may take its time.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from commonweal.protocol.errors import InvalidSeal
from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.ledger.finality.deadlines import next_deadline
from commonweal.protocol.ledger.finality.history import History
from commonweal.protocol.ledger.finality.unsealed import document_missing, size_of
from commonweal.protocol.ledger.governance import proposals, witness_set
from commonweal.protocol.ledger.members import invites, membership
from commonweal.protocol.ledger.members.budgets import budget_shares
from commonweal.protocol.ledger.members.forks import ends_with, every_kept, is_new
from commonweal.protocol.ledger.state.advance import Advance
from commonweal.protocol.ledger.state.evidence import Misbehaviour
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.records import log
from commonweal.protocol.records.record import RECORD_BYTES_MAX, Record, RecordId
from commonweal.protocol.seal.chain import TrustedPoint
from commonweal.protocol.seal.consensus.events import VALID_PROPOSAL, ProposalVerdict
from commonweal.protocol.seal.cut import (
    FULL_CUT_BYTES,
    FULL_CUT_RECORDS,
    Delta,
    SealedLog,
    length_in,
)
from commonweal.protocol.seal.formats import EVIDENCE_PER_SEAL_MAX, Proposal, Seal
from commonweal.protocol.seal.have_frontiers import (
    HAVE_BYTES_MAX,
    HAVE_RECORDS_MAX,
    HaveFrontier,
    Least,
    fair_lengths,
    have_logs_max,
    left_out,
)
from commonweal.protocol.seal.quorum import quorum_of
from commonweal.protocol.seal.validation import check_fresh, check_sound, is_full
from commonweal.protocol.seal.votes import SealId
from commonweal.protocol.seal.witnesses import Witness, witness_devices
from commonweal.storage.consensus.unsealed import LogRange, first_of, has_rare, used_up, waiting
from commonweal.storage.consensus.view import ConsensusView
from commonweal.storage.ledger.finalizer import FoldedSeal, MissingParts
from commonweal.storage.ledger.ledger import NO_LEAST, LedgerState
from commonweal.storage.ledger.state_db import TreeNodes

FOLDED_KEPT_MAX = 4
"""So many seals of one height are remembered folded: one or two proposals, seldom more."""


@dataclass(frozen=True, slots=True)
class _Final:
    """What an outlook reads of all that is final; looked at once after each seal."""

    removed: tuple[tuple[MemberId, int], ...]
    back: tuple[MemberId, ...]
    void: tuple[RecordId, ...]
    offered: tuple[DeviceKey, ...]
    deadline_ms: int | None
    shares: Mapping[DeviceKey, int]


@dataclass(frozen=True, slots=True)
class PreparedProposal:
    """A seal to propose, its delta, and the witnesses after it."""

    seal: Seal
    delta: Delta
    witnesses: tuple[Witness, ...]


@dataclass(frozen=True, slots=True)
class ProcessedProposal:
    """What the ledger says of a proposal, and the witnesses after it, if it is sound."""

    verdict: ProposalVerdict
    witnesses: tuple[Witness, ...]


class SealApplication:
    """What the ledger in `kept` says of seals. Not for two threads at a time."""

    def __init__(self, kept: LedgerState) -> None:
        self.kept = kept
        self._store, self._layers, self._community = kept.store, kept.layers, kept.community
        self._seen: tuple[tuple[bytes, int, bytes], _Final] | None = None

    @property
    def lacks(self) -> tuple[bytes, ...]:
        """What must come before the next seal that is kept can be folded: ids to ask peers for."""
        return self.kept.lacks

    def outlook(self, now_ms: int = 0) -> ConsensusView:
        """Return how the ledger stands, after every stored seal that can be is applied.

        now_ms: this node's clock: a day pays off of what members have used of their budgets.
        """
        with self._looking():
            kept, final, ruleset = self.kept, self.kept.final, self.kept.ruleset
            witnesses = self.kept.chain_point().witnesses
            seated = witness_devices(witnesses)
            seen, unsealed = self._final(), self._unsealed(now_ms)
            facts = self._new_facts(final)
            return ConsensusView(
                height=kept.cut.height,
                seal=SealId(kept.last.seal),
                ruleset=ruleset.id,
                removed=seen.removed,
                back=seen.back,
                waiting=self.kept.waiting(),
                joining=kept.rules.joining,
                witnesses=witnesses,
                candidates=tuple(sorted(one for one in seen.offered if one not in seated)),
                unsealed=sum(stop - start for _, start, stop in unsealed) + self._kept(final),
                is_urgent=bool(facts.ends or facts.equivocators) or has_rare(self._store, unsealed),
                deadline_ms=seen.deadline_ms,
                interval_ms=ruleset.interval_ms,
                void=seen.void,
                alarm=kept.alarm,
                budget=ruleset.budget,
                shares=seen.shares,
            )

    def shown(self, now_ms: int = 0) -> tuple[SealedLog, ...]:
        """Return what this device shows that it has beyond the last cut, by author.

        The first records by clock, within the limits of a have-frontier; they are closed
        under what they cite.
        """
        with self._looking():
            unsealed, witnesses = self._unsealed(now_ms), self.kept.chain_point().witnesses
            if not witnesses:
                return ()
            logs_max = have_logs_max(len(witnesses))
            count = sum(stop - start for _, start, stop in unsealed)
            may_be_large = count * RECORD_BYTES_MAX > HAVE_BYTES_MAX
            if count > HAVE_RECORDS_MAX or may_be_large or len(unsealed) > logs_max:
                unsealed = first_of(
                    self._store, unsealed, logs_max, HAVE_RECORDS_MAX, HAVE_BYTES_MAX
                )
            shown = []
            for author, _, stop in unsealed:
                head = self._store.id_at(author, stop - 1)
                assert head is not None, "what is counted is held"
                shown.append(SealedLog(author, stop, head))
            return tuple(shown)

    def build(self, haves: tuple[HaveFrontier, ...], now_ms: int) -> PreparedProposal | None:
        """Return the seal to propose: fair to `haves`, at this clock.

        None when there is nothing to seal, when what `haves` ask for is not held here yet, or
        when what it would come to cannot be written.
        """
        with self._looking():
            point, end = self.kept.chain_point(), self.kept.end()
            if self.kept.alarm or not point.witnesses:
                return None
            seated = witness_devices(point.witnesses)
            voting = [have for have in haves if have.device in seated]
            last = self.kept.last.logs
            waits = waiting(self.kept, self._above(), now_ms)
            fair = fair_lengths(voting, last, quorum_of(len(seated)).lies)
            least = {author: length for author, length in fair.items() if author not in waits}
            history = self.kept.history(FULL_CUT_RECORDS, least, FULL_CUT_BYTES, waits)
            facts = self._new_facts(history.final)
            present = tuple(sorted(have.device for have in haves))
            strangers = self._strangers()
            advance = self._authentic(history, now_ms, present, facts, least, strangers)
            if advance is None:
                return None
            covered = history.covered(advance)
            if covered.missing or not self._reaches(advance, least, size_of(covered.records)):
                return None
            try:
                folded = end.conclude(history, advance, covered)
            except InvalidSeal:
                return None
            if not folded.outcome.witnesses:
                return None
            self._keep(folded)
            return PreparedProposal(folded.seal, advance.delta, folded.outcome.witnesses)

    def judge(self, proposal: Proposal, now_ms: int) -> ProcessedProposal:
        """Return what the ledger finds of a proposal for the next height, at this clock."""
        with self._looking():
            point = self.kept.chain_point()
            try:
                if self.kept.alarm:
                    raise InvalidSeal(self.kept.alarm)
                found = self._sound(proposal, point)
            except InvalidSeal as error:
                return ProcessedProposal(ProposalVerdict(sound=False, reason=_words(error)), ())
            if isinstance(found, MissingParts):
                reason = "what it covers is not here"
                return ProcessedProposal(
                    ProposalVerdict(False, reason=reason, missing=found.missing), ()
                )
            self._keep(found)
            verdict = VALID_PROPOSAL
            if proposal.is_fresh:
                verdict = self._timely(proposal, point, now_ms, found.outcome.covered)
            return ProcessedProposal(verdict, found.outcome.witnesses)

    # Inside

    @contextmanager
    def _looking(self) -> Iterator[None]:
        """Apply what can be, and let everything read inside be of one moment."""
        with self._store.snapshot():
            self.kept.refresh(whole=False)
            self._layers.pin()
            try:
                self.kept.last.read()
                last = self.kept.last.seal
                for id, folded in list(self.kept.ready.items()):
                    if folded.seal.prev != last:
                        del self.kept.ready[id]
                yield
            finally:
                self._layers.rollback()

    def _final(self) -> _Final:
        """Return what is final, from the last look unless that has changed."""
        kept, ruleset = self.kept, self.kept.ruleset
        stamp = (bytes(kept.last.seal), kept.cut.height, bytes(ruleset.id))
        if self._seen is None or self._seen[0] != stamp:
            final = kept.final
            found = _Final(
                proposals.removals(final),
                invites.returned(final),
                self._layers.refused_by(witness_set.SEAL_ONLY_REASONS),
                tuple(one.witness.device for one in witness_set.candidates(final)),
                next_deadline(final, kept.cut, ruleset, self._community),
                budget_shares(final),
            )
            self._seen = stamp, found
        return self._seen[1]

    def _strangers(self) -> dict[DeviceKey, None]:
        """Return the devices that no cut has yet and nobody admitted.

        Every node keeps the logs of as many strangers as it has room for, each of others: in a
        cut they would be what most can never get.
        """
        last = self.kept.last.logs
        new = [row.author for row in self._store.logs() if row.length and row.author not in last]
        if not new:
            return {}
        state = self.kept.members()
        return {one: None for one in new if not membership.was_admitted(state, one)}

    def _unsealed(self, now_ms: int) -> list[LogRange]:
        """Return for each log of which the next cut can cover more where it was and is."""
        above = self._above()
        left_out = waiting(self.kept, above, now_ms)
        return [span for span in above if span.author not in left_out]

    def _above(self) -> list[LogRange]:
        """Return for each log that is longer than in the last cut where it was and is."""
        last, strangers = self.kept.last.logs, self._strangers()
        found = []
        for row in self._store.logs():
            start = length_in(last, row.author)
            if row.length > start and row.author not in strangers:
                found.append(LogRange(row.author, start, row.length))
        return found

    def _kept(self, final: State) -> int:
        """Return how many records that votes keep of forks no cut covers yet, and one can."""
        last = self.kept.last.logs
        kept = [
            self._store.record(row.id)
            for author, row in every_kept(final).items()
            if length_in(last, author) <= row.seq
        ]
        documents = self.kept.documents
        return sum(one is not None and not document_missing(one, documents) for one in kept)

    def _new_facts(self, final: State) -> Misbehaviour:
        """Return the evidence that is held and took no effect yet, as much as a seal names."""
        proven = sorted(self.kept.end().ends().items())
        ends = [one for one in proven if is_new(final, *one)][:EVIDENCE_PER_SEAL_MAX]
        room = EVIDENCE_PER_SEAL_MAX - len(ends)
        guilty = [
            device
            for device in self.kept.end().seals.double_votes()
            if final.get(witness_set.GUILTY + device) is None
        ]
        return Misbehaviour(tuple(ends), tuple(sorted(guilty)[:room]))

    def _sound(self, proposal: Proposal, point: TrustedPoint) -> FoldedSeal | MissingParts:
        """Return a proposal folded. Raises `InvalidSeal` when it is not sound."""
        seal = proposal.seal
        if seal.height > point.height + 1:
            return MissingParts(self.kept.lacks or (seal.prev,))
        deadline_ms, last = self._final().deadline_ms, self.kept.last.logs
        check_sound(proposal, point, last, TreeNodes(self._layers, 0), deadline_ms)
        known = self.kept.ready.get(seal.id)
        if known is not None:
            return known
        found = self.kept.end().fold(seal, proposal.delta)
        if isinstance(found, FoldedSeal):
            bad = self._unsigned(found.outcome.covered)
            if bad is not None:
                raise InvalidSeal(f"{bad} is not signed by its author")
        return found

    def _authentic(
        self,
        history: History,
        now_ms: int,
        present: tuple[DeviceKey, ...],
        facts: Misbehaviour,
        least: Least,
        strangers: Container[DeviceKey] = (),
        ended: Mapping[DeviceKey, int] = NO_LEAST,
    ) -> Advance | None:
        """Return the next advance without records that their authors did not sign themselves.

        Such a one is vouched for by the next of its log; until a proof of it is sealed, that
        log ends before it. ended: from which number on logs are left out.
        """
        barred: dict[DeviceKey, int] = dict(ended)
        while True:
            advance = history.next_advance(
                now_ms,
                present,
                ends=facts.ends,
                equivocators=facts.equivocators,
                least=least,
                barred=barred,
                strangers=strangers,
            )
            covered = None if advance is None else history.covered(advance)
            bad = None if covered is None else self._unsigned(covered.records)
            if bad is None:
                return advance
            barred[bad.author] = min(bad.seq, barred.get(bad.author, bad.seq))

    def _timely(
        self, proposal: Proposal, point: TrustedPoint, now_ms: int, covered: Sequence[Record]
    ) -> ProposalVerdict:
        candidates = self._final().offered
        facts = self.kept.end().facts(proposal.seal.evidence)
        size, time_ms = size_of(covered), proposal.seal.time_ms

        def possible(least: Least) -> Least:
            above = self._above()
            waits = waiting(self.kept, above, time_ms)
            ended = used_up(self.kept, time_ms, proposal.delta, covered, above)
            history = self.kept.history(FULL_CUT_RECORDS, least, FULL_CUT_BYTES, waits)
            most = self._authentic(history, time_ms, (), facts, least, ended=ended)
            return self._possible(most, least)

        try:
            last, excused = self.kept.last.logs, dict(facts.ends)
            check_fresh(proposal, point, last, now_ms, excused, candidates, possible, size)
        except InvalidSeal as error:
            return ProposalVerdict(sound=True, timely=False, reason=_words(error))
        return VALID_PROPOSAL

    def _reaches(self, advance: Advance, least: Least, size: int) -> bool:
        """Whether a cut, of so many bytes, covers what it can of what is asked, or is full."""
        last, delta = self.kept.last.logs, advance.delta
        missing = left_out(self._possible(advance, least), delta, last, dict(advance.ends))
        return not missing or is_full(last, delta, size)

    def _possible(self, most: Advance | None, least: Least) -> Least:
        """Return how much of `least` can be covered. most: what can by all that is held here.

        A log that ends by a proof, or cites what waits for evidence, is held and goes no further;
        what is not held here others may hold.
        """
        reached = {} if most is None else {log.author: log.length for log in most.delta.logs}
        ended = ends_with(self.kept.final, self.kept.end().ends().items())
        found = {}
        for author, length in least.items():
            here = reached.get(author, length_in(self.kept.last.logs, author))
            is_known = author in ended or self._store.log(author).length > here
            found[author] = min(length, here) if is_known else length
        return found

    def _unsigned(self, records: Iterable[Record]) -> Record | None:
        """Return a record whose own signature is bad, of those that nobody checked here."""
        checked: dict[DeviceKey, int] = {}
        for record in records:
            if record.author not in checked:
                row = self._store.log(record.author)
                checked[record.author] = min(row.checked, row.length)
            if record.seq >= checked[record.author] and not log.is_signed(record):
                return record
        return None

    def _keep(self, folded: FoldedSeal) -> None:
        ready = self.kept.ready
        ready[folded.seal.id] = folded
        while len(ready) > FOLDED_KEPT_MAX:
            del ready[next(iter(ready))]


def _words(error: InvalidSeal) -> str:
    return str(error) or type(error).__name__
