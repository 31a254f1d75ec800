"""History: all records of a community; what is final, cut by cut, and the ledger above it.

Final state changes only when a cut is applied: what the cut covers is folded in (clock, id)
order, what it decides is decided, and nothing that arrives later changes that. The rest is
the provisional ledger above. Both follow from the records alone, whatever their order of
arrival. A cut waits until all that it covers is held.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from commonweal.protocol.frontier import HEAD_BYTES, Entry
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.ledger import distribution, governance, standing, witness
from commonweal.protocol.ledger.closing import LAST, close, last_cut, would_decide
from commonweal.protocol.ledger.context import Verdict
from commonweal.protocol.ledger.cut import BEFORE_ALL, Cut
from commonweal.protocol.ledger.fold import Ledger
from commonweal.protocol.ledger.joining import FOUNDING
from commonweal.protocol.ledger.state import State
from commonweal.protocol.record import FOUND, CommunityId, Record, RecordId
from commonweal.protocol.rules.document import Ruleset

DOCUMENTED = (FOUND, "rules.propose")
"""Records of these kinds are judged by their permanent body, so no cut covers one without it."""


class History:
    """What is final and what is provisional, of the records that are held.

    paying: the ruleset by which value is given and shared instead of the one in force, to
    see what it would have paid; None for what is really paid. until: the height at which
    the past ends; None for all that is held.
    """

    def __init__(
        self,
        community: CommunityId,
        paying: Ruleset | None = None,
        until: int | None = None,
    ) -> None:
        self.community, self._paying, self._until = community, paying, until
        self.cut: Cut = BEFORE_ALL
        self.final = State()
        """The state at `cut`; nobody else writes to it."""
        self._documents: dict[bytes, bytes] = {}
        self._logs: dict[DeviceKey, Entry] = {}
        self._above: dict[RecordId, Record] = {}
        self._by_place: dict[tuple[DeviceKey, int], list[RecordId]] = {}
        self._below: dict[RecordId, Verdict] = {}
        self._cuts: dict[int, list[Record]] = {}
        self._frozen: dict[DeviceKey, int] = {}
        self._ledger = self._new_ledger()
        self._is_behind = False

    def __len__(self) -> int:
        return len(self._below) + len(self._above)

    @property
    def waiting(self) -> int:
        """How many records are held and not folded yet."""
        return self._provisional().waiting

    @property
    def state(self) -> State:
        """The provisional state: all records held. Valid until the next change."""
        return self._provisional().state

    @property
    def ruleset(self) -> Ruleset:
        """The ruleset in force at the last cut."""
        return standing.in_force(self._standing_state(), self._documents)

    @property
    def documents(self) -> Mapping[bytes, bytes]:
        """The permanent bodies that are known, by their hash."""
        return self._documents

    def learn(self, documents: Mapping[bytes, bytes]) -> None:
        """Take in permanent bodies by their hash, best before the records that name them."""
        new = [name for name in documents if name not in self._documents]
        for name in new:
            self._documents[name] = documents[name]
        held = self._above.values()
        if any(one.body is not None and one.body.hash in new for one in held):
            self._is_behind = True
            self._apply_cuts()

    def add(self, records: Iterable[Record]) -> None:
        """Take in records of the community, in any order; held ones are passed over."""
        fresh: dict[RecordId, Record] = {}
        for record in records:
            if record.id not in self._above and record.id not in self._below:
                fresh[record.id] = record
        founds = False
        for record in fresh.values():
            self._above[record.id] = record
            self._by_place.setdefault((record.author, record.seq), []).append(record.id)
            founds = founds or record.kind == FOUND
            said = witness.read(record) if record.kind == witness.KIND else None
            if said is not None:
                self._cuts.setdefault(said.height, []).append(record)
        if founds:
            self._is_behind = True
        elif not self._is_behind:
            self._ledger.add(fresh.values())
        self._apply_cuts()

    def freeze(self, author: DeviceKey, seq: int) -> None:
        """Take in that a proof ends the log of `author`: from `seq` on it counts for nothing.

        What a cut covers stays as it is.
        """
        known = self._frozen.get(author)
        if known is None or seq < known:
            self._frozen[author] = seq
            self._provisional().freeze(author, seq)

    def verdict(self, record: RecordId) -> Verdict:
        """Return None when the record counts, else the reason why it does not."""
        if record in self._below:
            return self._below[record]
        return self._provisional().verdict(record)

    def settle(self, records_max: int | None = None) -> bool:
        """Fold what waits, at most `records_max` records; return whether all is folded."""
        return self._provisional().settle(records_max)

    def is_final(self, record: RecordId) -> bool:
        """Whether a cut covers the record."""
        return record in self._below

    def would_decide(self, time_ms: int) -> State:
        """Return what a cut of all that is held would decide at that time; nothing changes."""
        return would_decide(self.state, time_ms, self._documents)

    def would_pay(self, time_ms: int, ruleset: Ruleset | None = None) -> State:
        """Return what a cut of all that is held would pay; nothing changes.

        ruleset: by which, such as one on trial; None for the one in force. Its payouts are
        those of the height after the last.
        """
        cut = Cut(self.cut.height + 1, max(time_ms, self.cut.time_ms + 1))
        over = State(self.state)
        counted = [one for one in self._above.values() if self.verdict(one.id) is None]
        touched = distribution.book(over, cut, counted)
        distribution.share(over, cut, ruleset or self.ruleset, self.community, touched)
        return over

    def proposed(self, proposal: bytes) -> Ruleset | None:
        """Return the ruleset that a proposal would put in force, while it is kept."""
        row = governance.proposal_row(self.state, proposal)
        if row is None or row.subject != governance.RULES:
            return None
        data = self.state.get(standing.DOCUMENT + row.target)
        return None if data is None else standing.read(data)

    def next_cut(self, time_ms: int) -> dict[str, Any] | None:
        """Return the `data` of the next `cut.single`: all that is held; None when nothing is new.

        time_ms: the witness's clock; the cut is at least 1 ms after the last. A cut itself
        is nothing new, so a quiet community makes none.
        """
        time_ms = max(time_ms, self.cut.time_ms + 1)
        is_new = any(one.kind != witness.KIND for one in self._above.values())
        if not is_new and not self._is_due(time_ms):
            return None
        grown = self._coverable()
        return witness.data(self.cut.height + 1, time_ms, grown)

    def apply(self, cut: Cut, covered: Iterable[Record]) -> None:
        """Make `cut` final: fold what it newly covers, and decide what it decides.

        covered: the records of `cut` that no earlier cut covers. Whoever calls has seen to
        it that the cut is certified, extends the last one, and is closed under deps.
        """
        new = list(covered)
        below = self._new_ledger(self.cut)
        for entry in cut.frontier:
            if entry.frozen is not None:
                below.freeze(entry.author, entry.frozen)
        below.add(new)
        below.settle()
        for record in new:
            self._below[record.id] = below.verdict(record.id)
            del self._above[record.id]
        counted = [record for record in new if self._below[record.id] is None]
        for key, value in list(below.state.changes()):
            if value is None:
                self.final.delete(key)
            else:
                self.final.put(key, value)
        rules = self._paying or standing.in_force(self.final, self._documents)
        touched = distribution.book(self.final, cut, counted)
        distribution.share(self.final, cut, rules, self.community, touched)
        close(self.final, cut, self._documents)
        self.final.settle()
        self.cut = cut
        self._logs = {entry.author: entry for entry in cut.frontier}
        self._is_behind = True

    def _new_ledger(self, cut: Cut | None = None) -> Ledger:
        rules = standing.rules_of(self.ruleset)
        return Ledger(self.community, self.final, cut or self.cut, rules, self._documents)

    def _standing_state(self) -> State:
        """Return a state that knows the founding document, which rules before any cut."""
        founding = self._above.get(RecordId(self.community))
        if self.final.get(FOUNDING) is not None or founding is None or founding.body is None:
            return self.final
        over = State()
        over.put(FOUNDING, [b"", founding.id, founding.body.hash])
        return over

    def _provisional(self) -> Ledger:
        """Return the ledger above the last cut, begun anew when a cut has moved its ground."""
        if self._is_behind:
            self._ledger = self._new_ledger()
            self._ledger.add(self._above.values())
            for author, seq in self._frozen.items():
                self._ledger.freeze(author, seq)
            self._is_behind = False
        return self._ledger

    def _apply_cuts(self) -> None:
        """Apply each next cut of the witness as soon as all that it covers is held."""
        while self._until is None or self.cut.height < self._until:
            for record in sorted(self._cuts.get(self.cut.height + 1, ()), key=lambda one: one.seq):
                found = self._certified(record)
                if found is not None:
                    self.apply(*found)
                    break
            else:
                return

    def _certified(self, record: Record) -> tuple[Cut, list[Record]] | None:
        """Return the cut that a record makes and what it newly covers; None while it holds not."""
        said = witness.read(record)
        assert said is not None, "only cuts that can be read wait here"
        founding = self._above.get(RecordId(self.community))
        is_first = founding is not None and founding.author == record.author
        if not is_first and not witness.may_cut(self.final, record):
            return None
        if said.time_ms <= self.cut.time_ms:
            return None
        covered: list[Record] = []
        for entry in said.entries:
            run = self._run(entry)
            if run is None or len(covered) + len(run) > witness.RECORDS_PER_CUT_MAX:
                return None
            covered += run
        if not all(self._has_document(one) for one in covered):
            return None
        inside = {one.id for one in covered}
        if any(cited not in inside and cited not in self._below for cited in _cites(covered)):
            return None
        logs = self._logs | {entry.author: entry for entry in said.entries}
        frontier = tuple(logs[author] for author in sorted(logs))
        last = last_cut(self.final)
        clock = max((one.clock for one in covered), default=last.clock)
        ruleset = self.ruleset.id
        return Cut(said.height, said.time_ms, frontier, ruleset, clock=clock), covered

    def _has_document(self, record: Record) -> bool:
        """Whether the document of a record that is judged by one is held."""
        if record.kind not in DOCUMENTED or record.body is None or not record.body.permanent:
            return True
        return record.body.hash in self._documents

    def _run(self, entry: Entry) -> list[Record] | None:
        """Return the records of a log from the last cut up to `entry`; None when one is missing."""
        before = self._logs.get(entry.author)
        start = 0 if before is None else before.length
        if entry.length < start or (entry.frozen is not None and entry.length > entry.frozen):
            return None
        if entry.length == start:
            return [] if before is not None and before.head == entry.head else None
        ends = self._by_place.get((entry.author, entry.length - 1), [])
        run: list[Record] = []
        for end in ends:
            if end[:HEAD_BYTES] == entry.head:
                at: RecordId = end
                while len(run) < entry.length - start and at in self._above:
                    run.append(self._above[at])
                    at = run[-1].prev
                head = b"" if before is None else before.head
                if len(run) == entry.length - start and at[:HEAD_BYTES] == head:
                    return run
                return None
        return None

    def _coverable(self) -> list[Entry]:
        """Return the logs that the next cut can make longer, and how long.

        Taken are records in (clock, id) order, so that the cut is closed under deps, up to
        where a log forks or is frozen.
        """
        logs: dict[DeviceKey, Entry] = {}
        inside: dict[RecordId, None] = {}
        for record in sorted(self._above.values(), key=lambda one: (one.clock, one.id)):
            author = record.author
            last = logs.get(author) or self._logs.get(author) or Entry(author, 0, b"", None)
            frozen = self._frozen.get(author)
            fits = (
                record.seq == last.length
                and record.prev[:HEAD_BYTES] == last.head
                and (frozen is None or record.seq < frozen)
                and len(self._by_place[author, record.seq]) == 1
                and all(cited in inside or cited in self._below for cited in record.deps)
                and self._has_document(record)
                and (author in logs or len(logs) < witness.LOGS_PER_CUT_MAX)
            )
            if fits and len(inside) < witness.RECORDS_PER_CUT_MAX:
                inside[record.id] = None
                logs[author] = Entry(author, record.seq + 1, record.id[:HEAD_BYTES], frozen)
        return list(logs.values())

    def _is_due(self, time_ms: int) -> bool:
        """Whether a cut at that time would pay or decide something without any new record."""
        over = State(self.final)
        cut = Cut(self.cut.height + 1, time_ms)
        distribution.share(over, cut, self.ruleset, self.community)
        close(over, cut, self._documents)
        return any(key[:1] != LAST for key, _ in over.changes())


def _cites(records: Iterable[Record]) -> Iterable[RecordId]:
    return (cited for record in records for cited in record.deps)
