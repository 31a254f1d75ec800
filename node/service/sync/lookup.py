"""Record lookup: a record that a light home dropped is asked for by its id, and proven.

One full home after the other is asked. What it gives must hash to the id, be linked to the end of
its log in the first cut that covers it, and that cut is of our own chain of seals: so a wrong
record is the giver's fault, and the giver is dropped. Full homes answer from what they hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from commonweal.node.service.core import Core
from commonweal.node.service.events import Answer, Ticket
from commonweal.node.service.peer import PeerState
from commonweal.protocol import keys
from commonweal.protocol.errors import CommonwealError, InvalidRecord, NobodyGives, UsageError
from commonweal.protocol.keys import HASH_BYTES, PeerKey
from commonweal.protocol.records.record import (
    NO_ID,
    Record,
    RecordId,
    check_community,
    from_bytes,
    header_prefix,
    is_body,
)
from commonweal.protocol.seal.cut import CUT_RECORDS_MAX, SealedLog
from commonweal.protocol.wire.lookup import (
    GIVEN_BYTES_AIM,
    GIVEN_RECORDS_MAX,
    TEXT_BYTES_MAX,
    GivenRecord,
    WantRecord,
)
from commonweal.storage.records.logs.log_bases import FOLLOWING_BYTES_MAX

LOOKUPS_MAX = 64
"""Records that are looked for at once; further ones are refused, or asked for again."""
LOOKUP_MS = 5_000
"""Time that a home has for one answer; then another is asked."""
CITED_BYTES_MAX, CITED_MS = 1024 * 1024, 60_000
"""Of what one member cites so many bytes are fetched in this time, and what was begun before.

One record cites 16 others, and each is fetched with its log up to the end of a cut.
"""


@dataclass(slots=True)
class _Lookup:
    """A record that is looked for. tickets: who asked. tried: homes that did not give it.

    record, end: once the first answer came, and the end of its log in the cut. head: id of the
    last record that came, which is record number `seq`. following: what came after the record;
    None once that is too large to be kept.
    """

    id: RecordId
    tickets: list[Ticket]
    since_ms: int = 0
    peer: PeerKey | None = None
    tried: dict[PeerKey, None] = field(default_factory=dict)
    record: Record | None = None
    body: bytes | None = None
    end: SealedLog | None = None
    head: RecordId = NO_ID
    seq: int = 0
    following: list[bytes] | None = None
    following_bytes: int = 0
    citer: bytes = b""
    """The member or device whose record cites it; empty: somebody here asked."""


class OldRecordLookup:
    """The records that this node looks for, and those that it gives."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self._open: dict[RecordId, _Lookup] = {}
        self._answers: list[Answer] = []
        self._spent: dict[bytes, tuple[int, int]] = {}
        """Of members whose records cite what is not here: since when, and bytes that came."""

    def left(self, key: PeerKey) -> None:
        """Ask another home for what this one was asked for."""
        for lookup in list(self._open.values()):
            if lookup.peer == key:
                self._next(lookup)

    # Looking for records.

    def asked(self, ticket: Ticket, about: Mapping[str, Any]) -> list[Answer]:
        """Look for the record of an id, for a caller of the local API; `answered` answers."""
        id = about.get("id")
        if type(id) is not bytes or len(id) != HASH_BYTES:
            return [Answer(ticket, UsageError("a record is looked up by its whole id"))]
        if self.core.replica.store.wire(RecordId(id)) is not None:
            return [Answer(ticket, {})]
        if len(self._open) >= LOOKUPS_MAX:
            return [Answer(ticket, UsageError("too many records are looked up at once"))]
        self.want(RecordId(id), ticket)
        return self.answered()

    def want(self, id: RecordId, ticket: Ticket | None = None) -> None:
        """Look for a record, of which others may hear only that this node wants it."""
        lookup = self._open.get(id)
        if lookup is None and len(self._open) < LOOKUPS_MAX:
            lookup = self._open[id] = _Lookup(id, [])
            self._next(lookup)
        if lookup is not None and ticket is not None:
            lookup.tickets.append(ticket)
            if lookup.id not in self._open:
                self._fail(lookup)

    def want_cited(self, id: RecordId, citer: bytes) -> bool:
        """Look for a record that one of a member's cites; return whether it is looked for now.

        For each member one at a time, and within CITED_BYTES_MAX; what is refused is asked for
        again when the record that cites it comes again.
        """
        if id not in self._open:
            _, spent = self._spent.get(citer, (0, 0))
            is_busy = any(known.citer == citer for known in self._open.values())
            if spent >= CITED_BYTES_MAX or is_busy:
                return False
            self.want(id)
            if id in self._open:
                self._open[id].citer = citer
        return id in self._open

    def _charge(self, lookup: _Lookup, message: GivenRecord) -> None:
        """Count what came of a record that a member's cites."""
        if lookup.citer:
            since_ms, spent = self._spent.get(lookup.citer, (self.core.now_ms, 0))
            size = sum(map(len, message.wires)) + len(message.body or b"")
            self._spent[lookup.citer] = since_ms, spent + size

    def forget(self, ticket: Ticket) -> None:
        """Forget a caller that went away."""
        for lookup in self._open.values():
            lookup.tickets = [waiting for waiting in lookup.tickets if waiting != ticket]

    def answered(self) -> list[Answer]:
        """Return the answers that are due."""
        answers, self._answers = self._answers, []
        return answers

    def reload(self) -> None:
        """Begin anew what was looked for, after a commit that failed: all links are gone."""
        before, self._open, self._answers = self._open, {}, []
        for lookup in before.values():
            self._fail(lookup)

    def tick(self) -> None:
        """Ask another home where one is silent."""
        now_ms = self.core.now_ms
        for lookup in list(self._open.values()):
            if now_ms - lookup.since_ms > LOOKUP_MS:
                self._next(lookup)
        for citer, (since_ms, _) in list(self._spent.items()):
            if now_ms - since_ms >= CITED_MS:
                del self._spent[citer]

    def given(self, peer: PeerState, message: GivenRecord) -> None:
        """Take in an answer; keep the record when it is proven, and drop a peer that gave another.

        An answer that nobody waits for is ignored.
        """
        lookup = self._open.get(message.id)
        if lookup is None or lookup.peer != peer.key or message.skip != self._skip(lookup):
            return
        self._charge(lookup, message)
        try:
            is_whole = self._read(lookup, message)
        except CommonwealError as error:
            self.core.drop(peer, f"gives another record than it was asked for: {error}")
            if lookup.peer == peer.key:
                self._next(lookup)
            return
        if is_whole:
            self._keep(lookup)
        elif message.wires and lookup.record is not None:
            self._ask(lookup, peer)
        else:
            self._next(lookup)

    def _read(self, lookup: _Lookup, message: GivenRecord) -> bool:
        """Check what came; say whether the record is proven now. Raises what the peer did wrong."""
        for wire in message.wires:
            if lookup.record is None:
                if not self._begin(lookup, wire, message.body):
                    return False
                continue
            assert lookup.end is not None, "a record begins with its place in a cut"
            if lookup.seq + 1 >= lookup.end.length:
                break
            place = (lookup.record.community, lookup.record.author, lookup.seq + 1, lookup.head)
            if not wire.startswith(header_prefix(*place)):
                raise InvalidRecord(f"record {lookup.seq + 1} does not follow")
            lookup.seq, lookup.head = lookup.seq + 1, RecordId(keys.hash32(keys.RECORD, wire))
            lookup.following_bytes += len(wire)
            if lookup.following_bytes > FOLLOWING_BYTES_MAX:
                lookup.following = None
            if lookup.following is not None:
                lookup.following.append(wire)
        if lookup.end is None or lookup.seq + 1 < lookup.end.length:
            return False
        if lookup.head != lookup.end.head:
            raise InvalidRecord("no seal covers it: its log was forked")
        return True

    def _begin(self, lookup: _Lookup, wire: bytes, body: bytes | None) -> bool:
        """Take the record itself; say whether a seal of ours covers its place."""
        if keys.hash32(keys.RECORD, wire) != lookup.id:
            raise InvalidRecord("its hash is another id")
        record = from_bytes(wire)
        check_community(record, self.core.replica.community)
        if body is not None and (record.body is None or not is_body(record.body, body)):
            raise InvalidRecord("its text is another one than it names")
        kept = self.core.replica.chain.covering(record)
        if kept is None:
            return False
        (lookup.end,) = (log for log in kept.delta.logs if log.author == record.author)
        lookup.record, lookup.body = record, body
        lookup.seq, lookup.head, lookup.following = record.seq, record.id, []
        lookup.following_bytes = 0
        return True

    def _keep(self, lookup: _Lookup) -> None:
        """Store a record that is proven, with its text, and answer who asked."""
        record, store = lookup.record, self.core.replica.store
        assert record is not None, "it is proven"
        if self.core.keeps:
            store.put_fetched(record.wire, lookup.following)
            if record.body is not None and lookup.body is not None:
                store.put_body(record.body, lookup.body)
        del self._open[lookup.id]
        self._answers += [Answer(ticket, {}) for ticket in lookup.tickets]

    def _next(self, lookup: _Lookup) -> None:
        """Ask the next home for a record from its beginning; give up when all were asked."""
        if lookup.peer is not None:
            lookup.tried[lookup.peer] = None
        lookup.record, lookup.end, lookup.peer = None, None, None
        able = [
            peer
            for peer in self.core.keepers()
            if peer.gives_records and peer.key not in lookup.tried
        ]
        if able:
            self._ask(lookup, self.core.rng.choice(able))
        else:
            self._open.pop(lookup.id, None)
            self._fail(lookup)

    def _fail(self, lookup: _Lookup) -> None:
        error = NobodyGives(f"record {lookup.id.hex()[:16]}")
        self._answers += [Answer(ticket, error) for ticket in lookup.tickets]
        lookup.tickets = []

    def _ask(self, lookup: _Lookup, peer: PeerState) -> None:
        lookup.peer, lookup.since_ms = peer.key, self.core.now_ms
        self.core.send(peer, WantRecord(lookup.id, self._skip(lookup)))

    def _skip(self, lookup: _Lookup) -> int:
        return 0 if lookup.record is None else lookup.seq + 1 - lookup.record.seq

    # Giving records.

    def wanted(self, peer: PeerState, message: WantRecord) -> None:
        """Give a record, and those after it up to the end of its log in the cut that covers it."""
        wires, body = self._given(message)
        self.core.send(peer, GivenRecord(message.id, message.skip, tuple(wires), body))

    def _given(self, message: WantRecord) -> tuple[list[bytes], bytes | None]:
        replica = self.core.replica
        record = replica.store.record(message.id)
        if record is None:
            return [], None
        kept = replica.chain.covering(record)
        if kept is None:
            return [], None
        (end,) = (log for log in kept.delta.logs if log.author == record.author)
        start = record.seq + message.skip
        stop = min(end.length, start + GIVEN_RECORDS_MAX, record.seq + CUT_RECORDS_MAX)
        wires = replica.sound_wires(record.author, start, stop, GIVEN_BYTES_AIM)
        if message.skip:
            return wires, None
        if not wires or keys.hash32(keys.RECORD, wires[0]) != record.id:
            return [], None  # another branch is sealed
        digest = b"" if record.body is None else record.body.hash
        text = replica.sound_bodies([digest]).get(digest)
        return wires, text if text is not None and len(text) <= TEXT_BYTES_MAX else None
