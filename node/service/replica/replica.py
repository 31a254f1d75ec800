"""The replica: what this node holds of the community, in memory as far as decisions need it.

It keeps three things in step: the store (all records), the frontier (how far each log goes), and
the ledger of membership and rules (folded from the few records that concern them). What changed
since the last commit is in `dirty`. It checks no record; that is done by `ingest`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from commonweal.node.service.replica.admissions import differs
from commonweal.node.service.replica.chain import SealChain
from commonweal.node.service.replica.light_logs import LightLogs
from commonweal.node.service.replica.quota import Quota
from commonweal.node.service.replica.recent_records import RecentRecords
from commonweal.protocol import keys
from commonweal.protocol.identity.parent import INHERIT
from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.ledger.members import membership, registry
from commonweal.protocol.ledger.members.registry import REMOVED
from commonweal.protocol.ledger.state.context import Applicant
from commonweal.protocol.records import fork_proof, log
from commonweal.protocol.records.fork_proof import ForkProof
from commonweal.protocol.records.frontier import Frontier, FrontierEntry
from commonweal.protocol.records.log import Tip
from commonweal.protocol.records.record import (
    FOUND,
    NO_ID,
    CommunityId,
    Record,
    RecordId,
    from_bytes_unchecked,
)
from commonweal.protocol.seal.cut import length_in
from commonweal.protocol.seal.votes import SealId
from commonweal.protocol.vocabulary.rule_params import MembershipRules
from commonweal.storage.ledger.membership import (
    SealedDecisions,
    founding_rules,
    membership_fold,
    put_decisions,
    read_decisions,
)
from commonweal.storage.records.logs import row_repair
from commonweal.storage.records.logs.log_bases import NAMED_BYTES
from commonweal.storage.records.logs.log_store import LogRow, Store
from commonweal.storage.records.logs.run_pages import SEQ_MAX, governance_records

NEWCOMERS_MAX = 1_024
"""Logs of devices that are not members', together; further ones are not kept.

The same limit holds for proofs against devices of which nothing else is held.
"""
NEWCOMERS_PER_INVITER_MAX = 32
"""Newcomers' logs under the invites of one member."""
UNINVITED_MAX = 64
"""Newcomers' logs under no invite that is known here and valid."""

AUDIT_BYTES_MAX = 4 * 1024 * 1024
"""Records read at once while their signatures are checked."""


class Replica:
    """The store of one community with its frontier and its ledger of membership."""

    def __init__(self, store: Store, community: CommunityId) -> None:
        self.store = store
        self.community = community
        self.chain = SealChain(store, community)
        """The seals that are kept."""
        self.basis = RecordId(b"")
        """The last seal that was folded, which our records name; empty: the last one kept."""
        self.ruleset = b""
        """The ruleset in force at the last seal, as far as was concluded."""
        self.quota = Quota(self)
        self.light = LightLogs(self)
        self.waiting: frozenset[MemberId] = frozenset()
        """Members that the whole ledger knows and has not admitted, by its last conclusion."""
        self.joining: MembershipRules | None = None
        """What the active ruleset asks of newcomers; None stands for the founding ruleset."""
        self._followed = 0
        row_repair.repair_rows(store, community)
        self.reload()

    def reload(self) -> None:
        """Read everything from the store, as at start-up or after a failed commit."""
        self.deciding = 0
        """How many records that membership or rules rest on were taken in since."""
        self.convictions = 0
        """How many proofs were."""
        self._compared: tuple[object, ...] = ()
        self.chain.reload()
        self._decided(read_decisions(self.store))
        self._rows: dict[DeviceKey, LogRow] = {row.author: row for row in self.store.logs()}
        self.light.reload()
        self.clock_max = max((row.clock for row in self._rows.values()), default=0)
        """The highest clock of a record that was ever held since."""
        self._frontier = Frontier()
        self._newcomers: dict[DeviceKey, None] = {}
        self._convicted: dict[DeviceKey, None] = {}
        self.refold()
        self.quota.forget()
        self.dirty: dict[DeviceKey, int] = {}
        """For each log that grew since the last commit, its length before."""
        self.recent = RecentRecords(is_more=True)
        """The records that came since the change feed last looked."""

    @property
    def frontier(self) -> Frontier:
        """The logs that nodes compare: those of present and former members.

        Newcomers' logs are not in it, since each node keeps only those that it has room for.
        """
        self._sort()
        return self._frontier

    def authors(self) -> list[DeviceKey]:
        """Return whose logs are held, newcomers' too."""
        return list(self._rows)

    def rows(self) -> Iterable[LogRow]:
        """Return what is held of each log, newcomers' too."""
        return self._rows.values()

    def newcomers(self) -> list[DeviceKey]:
        """Return the devices with a log here that were never admitted, as far as is known."""
        self._sort()
        return list(self._newcomers)

    def convicted(self) -> int:
        """Return how many devices there are of which nothing is held but a proof against them."""
        self._sort()
        return len(self._convicted)

    def entry(self, author: DeviceKey) -> FrontierEntry:
        """Return what is held of a log, a newcomer's too, as it is compared."""
        return _entry(self.row(author))

    def row(self, author: DeviceKey) -> LogRow:
        """Return what is held of a log; zeros where nothing is."""
        return self._rows.get(author) or LogRow(author, 0, NO_ID, 0, None, 0, 0)

    def length(self, author: DeviceKey) -> int:
        """Return how many records of a log are held."""
        row = self._rows.get(author)
        return 0 if row is None else row.length

    def tip(self, author: DeviceKey) -> Tip:
        """Return where the next record of a log is chained."""
        row = self.row(author)
        return Tip(row.length, row.head, row.clock)

    def clock_of(self, id: RecordId) -> int | None:
        """Return the clock of a record, or of a seal, that is held, else None."""
        clock = self.store.clock_of(id)
        return self.chain.seals.clock_of(SealId(id)) if clock is None else clock

    def append(
        self,
        author: DeviceKey,
        run: Sequence[Record],
        bodies: Mapping[bytes, bytes],
        *,
        checked: bool = False,
    ) -> None:
        """Keep a verified run. Raises `MissingBody` and then keeps nothing of it.

        checked: every signature of it is known to be good.
        """
        before = self.row(author).length
        self.store.append(author, run, bodies)
        if checked:
            self.store.mark_checked(author, run[-1].seq + 1)
        self.refresh(author)
        self.dirty.setdefault(author, before)
        self.recent.add(run)
        read = governance_records(run)
        if read:
            self.deciding += len(read)
            self.ledger.add(read)
            self._sorted = False
            if any(record.kind in (FOUND, INHERIT) for record in read):
                # It says what newcomers are asked, or who was a member; the ledger looked without.
                self.joining, self.waiting = None, frozenset()
                self.refold()

    def freeze(self, proof: ForkProof) -> bool:
        """Take in a checked proof; say whether it changed anything."""
        before = self.row(proof.author).length
        if not self.store.freeze(proof):
            return False
        self.convictions += 1
        self.refresh(proof.author)
        self.ledger.freeze(proof.author, proof.seq)
        if self.row(proof.author).length < min(before, proof.seq):
            self.refold()  # it ends even below the proof
        self._sorted = False
        return True

    def decide(self, now: SealedDecisions, *, keeps: bool = True) -> None:
        """Take in what the last seal decided. keeps: whether the disk takes changes."""
        if now == self.decided:
            return
        before = self.decided.back
        self._decided(now)
        if keeps:
            put_decisions(self.store, now)
        if now.back != before:
            self.refold()
        now.apply_to(self.ledger)
        self._sorted = False

    def status_of(self, device: DeviceKey) -> str | None:
        """Return how a device stands, as `membership.status_of` says it, and by what seals say."""
        removed = self.is_removed(device)
        return REMOVED if removed else membership.status_of(self.ledger.state, device)

    def is_frozen(self, author: DeviceKey) -> bool:
        """Say whether nothing more of a log is wanted: it is good up to where it is frozen."""
        row = self.row(author)
        return row.frozen is not None and row.length >= row.frozen

    def takes(self, author: DeviceKey) -> bool:
        """Say whether more of a log is wanted now: it is good, and has room until a seal."""
        return not self.is_frozen(author) and not self.quota.waits(author)

    def is_removed(self, device: DeviceKey) -> bool:
        """Say whether the member of this device was removed by a vote."""
        return membership.member_of(self.ledger.state, device) in self.removed

    def is_member(self, device: DeviceKey) -> bool:
        """Say whether `device` is enrolled by an active member, as far as is known here."""
        return self.member_of(device) is not None

    def member_of(self, device: DeviceKey) -> MemberId | None:
        """Return the active member whose device this is, else None."""
        member = membership.member_of(self.ledger.state, device)
        return None if member in self.removed else member

    def is_waiting(self, device: DeviceKey) -> bool:
        """Say whether the whole ledger knows the device's member and has not admitted them."""
        row = registry.device_row(self.ledger.state, device)
        return row is not None and row.member in self.waiting

    def admitted_at(self, device: DeviceKey) -> int:
        """Return the clock at which the active member whose device this is was admitted, else 0."""
        member = self.member_of(device)
        row = None if member is None else membership.member(self.ledger.state, member)
        return 0 if row is None else row.since

    def audit(self, author: DeviceKey, start: int, stop: int) -> ForkProof | None:
        """Check each signature from `start` to `stop` - 1; return the proof when one is bad."""
        wires = self.store.wires(author, start, stop, AUDIT_BYTES_MAX)
        run = [from_bytes_unchecked(data) for data in wires]
        suspect = log.last_badly_signed(run)
        if suspect is None:
            self.store.mark_checked(author, start + len(run))
            self.refresh(author)
            return None
        # A run is taken by its well-signed last record, so a good one follows.
        rest = self.store.wires(author, suspect.seq, SEQ_MAX, AUDIT_BYTES_MAX)
        return fork_proof.find_bad_signature(map(from_bytes_unchecked, rest), self.community)

    def sound_wires(
        self, author: DeviceKey, start: int, stop: int, bytes_max: int = AUDIT_BYTES_MAX
    ) -> list[bytes]:
        """Return the good records from `start` to `stop` - 1, up to the first the disk changed.

        A record is sound if the next one, or the log's row, names its hash. As many as fit.
        """
        row = self.row(author)
        stop = min(stop, row.length)
        wires = self.store.wires(author, start, min(stop + 1, row.length), bytes_max)
        if len(wires) == 1 and start + 1 < stop:
            wires += self.store.wires(author, start + 1, start + 2, 0)
        ids = keys.hash_each(keys.RECORD, wires)
        named = [id in wire[:NAMED_BYTES] for id, wire in zip(ids, wires[1:], strict=False)]
        if wires:
            named.append(start + len(wires) == row.length and ids[-1] == row.head)
        sound = named.index(False) if False in named else len(wires)
        return wires[: min(sound, stop - start)]

    def is_sound(self, author: DeviceKey, start: int, stop: int) -> bool:
        """Say whether the disk changed none of these records."""
        while start < stop:
            count = len(self.sound_wires(author, start, stop))
            if not count:
                return False
            start += count
        return True

    def sound_bodies(self, digests: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return by their hashes those bodies that are held, and that the disk did not change."""
        held = self.store.bodies_named(digests)
        return {name: body for name, body in held if keys.hash32(keys.BODY, body) == name}

    def amend(self) -> None:
        """Put right what the disk changed in the rows of logs."""
        if any(row_repair.repair_rows(self.store, self.community).values()):
            self.reload()

    def refold(self) -> None:
        """Fold the ledger of membership anew from what is stored."""
        self.ledger = membership_fold(
            self.store, self.community, self.decided, joining=self.joining, oracle=self._told
        )
        self._sorted = False

    def learn(self, waiting: Iterable[MemberId], asked: MembershipRules) -> None:
        """Take in membership as the whole ledger sees it, which knows votes and times.

        waiting: members that are known and not admitted. asked: what the active ruleset asks of
        newcomers.
        """
        before, self.joining = self.joining or founding_rules(self.store, self.community), asked
        self.waiting = frozenset(waiting)
        if before != asked or self._is_behind():
            self.refold()

    def follow(self) -> None:
        """Fold again when seals show that a member was admitted whose request waits in the fold."""
        if self._followed != self.chain.height:
            self._followed = self.chain.height
            if self._is_behind():
                self.refold()

    def _is_behind(self) -> bool:
        """Say whether the fold differs from the ledger and the seals on who is admitted.

        Reads all devices, so it looks once at what it compares: a second fold would be the same.
        """
        read = (self.deciding, self.convictions, self.chain.height, self.waiting, self.decided)
        if self._compared == read:
            return False
        self._compared = read
        return differs(self.ledger.state, self.waiting, self._is_in)

    def _is_in(self, member: MemberId, device: DeviceKey, back: bool) -> bool:
        """Say whether seals show that an applicant is a member. back: they were one before."""
        return member in self.decided.back if back else self.sealed_length(device) > 0

    def _told(self, asker: Applicant) -> bool | None:
        if asker.member in self.waiting:
            return False
        if self._is_in(asker.member, asker.device, asker.back):
            return True
        return False if asker.inviter in self.removed else None

    def was_admitted(self, device: DeviceKey) -> bool:
        """Say whether `device` is or once was a member's, so that its log is kept whole."""
        return membership.was_admitted(self.ledger.state, device)

    def sealed_length(self, author: DeviceKey) -> int:
        """Return how many records of a log are sealed, held or not."""
        return length_in(self.chain.logs, author)

    def _decided(self, now: SealedDecisions) -> None:
        self.decided = now
        """What the last seal decided, as far as was concluded."""
        self.removed = frozenset(member for member, _ in now.removed)
        """The members that a vote removed."""

    def refresh(self, author: DeviceKey) -> None:
        """Read again what is held of a log."""
        row = self._rows[author] = self.store.log(author)
        self.clock_max = max(self.clock_max, row.clock)
        if author in self._frontier:
            self._frontier.put(_entry(row))
        else:
            self._sorted = False

    def _sort(self) -> None:
        """Put each log where the ledger now says that it belongs."""
        if self._sorted:
            return
        self._sorted = True
        for author, row in self._rows.items():
            held = author in self._frontier
            self._newcomers.pop(author, None)
            self._convicted.pop(author, None)
            if self.was_admitted(author):
                if not held:
                    self._frontier.put(_entry(row))
            else:
                (self._newcomers if row.length else self._convicted)[author] = None
                if held:
                    self._frontier.remove(author)


def _entry(row: LogRow) -> FrontierEntry:
    return FrontierEntry(row.author, row.length, row.head, row.frozen)
