"""The writer: our own member's records, in the one log of this device.

All records of one request are written, or none. A device whose log is frozen, or whose member is
not admitted, writes nothing. Whether a record counts is decided by the fold, not here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from commonweal.node.service.core import Core
from commonweal.node.service.events import DRAFTS_MAX, Text, Wish
from commonweal.node.service.newest_record import newest_record
from commonweal.node.service.peer import PeerState
from commonweal.node.service.peers.rollback import RollbackDetector
from commonweal.protocol.codec import Value
from commonweal.protocol.errors import (
    AwaitingRestore,
    CommonwealError,
    DeviceFrozen,
    InvalidRecord,
    NotAdmittedYet,
    NotPermitted,
    OlderCopy,
    OverBudget,
)
from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.ledger.members import membership
from commonweal.protocol.ledger.state.context import is_bytes
from commonweal.protocol.records import log, record
from commonweal.protocol.records.record import BodyRef, Record, RecordDraft, RecordId
from commonweal.protocol.records.sealed_body import sealed_ref
from commonweal.protocol.seal.votes import SealId
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.records.review_secrets import (
    SECRET_BYTES_MAX,
    SECRETS_MAX,
    drop_secret,
    keep_secret,
    review_secrets,
)
from commonweal.storage.records.settings import RESTORING

VOUCH, REQUEST = "member.vouch", "member.request"
PROFILE = "member.profile"
OPENING = "review.open"
NAME = "home.name"
"""The setting that holds the name which the member gave to this home; empty once restored."""


class Writer:
    """The log of this device, and what hinders it from growing."""

    def __init__(self, core: Core, is_fetching: Callable[[PeerState], bool]) -> None:
        """is_fetching: says whether records that a peer was asked for are still to come."""
        self.core, self._is_fetching = core, is_fetching
        self.rollback = RollbackDetector(core)
        self._cited: dict[RecordId, RecordId] = {}
        """Of what admitted our member, what this process cited, and in which record."""
        self._settled: MemberId | None = None
        """Our member, once nothing that admitted them needs citing any more."""

    def submit(self, wishes: tuple[Wish, ...]) -> list[Record]:
        """Write records and return them, in order; they count once committed.

        Raises `NotAdmittedYet`, `DeviceFrozen`, `NotPermitted` or `InvalidRecord`, and then
        writes nothing.
        """
        if len(wishes) > DRAFTS_MAX:
            raise InvalidRecord(f"{len(wishes)} records at once; at most {DRAFTS_MAX}")
        hindrance = self._hindrance()
        if hindrance is not None:
            raise hindrance
        self._check_secrets(wishes)
        replica, me = self.core.replica, self.core.me
        tip = replica.tip(me.device)
        fresh: dict[RecordId, int] = {}
        written: list[Record] = []
        bodies: dict[bytes, bytes] = {}
        cited: dict[RecordId, RecordId] = {}
        ids: dict[bytes, RecordId] = {}
        before = self._admission()
        basis_of = cache(self._basis)
        for wish in wishes:
            room = max(0, record.DEPS_MAX - len(wish.deps))
            admitting, before = before[:room], before[room:]
            deps = tuple(sorted({*wish.deps, *admitting} - {tip.head}))
            clocks = [self._clock(id, fresh) for id in deps]
            basis = basis_of(wish.basis)
            basis_clock = self._clock(basis, fresh)
            place = log.next_position(replica.community, tip, basis, clocks, basis_clock)
            newest = None if written else newest_record(replica, me.device, place.clock)
            if newest is not None and len(deps) < record.DEPS_MAX:
                deps, clocks = tuple(sorted({*deps, newest})), [*clocks, self._clock(newest, fresh)]
                place = log.next_position(replica.community, tip, basis, clocks, basis_clock)
            data = {key: _named(value, ids) for key, value in wish.data.items()}
            body = self._body(wish.text, bodies)
            draft = RecordDraft(wish.kind, data, self.core.now_ms, deps, body)
            made = record.sign(me.signer, place, draft)
            written.append(made)
            if wish.stand_in:
                ids[wish.stand_in] = made.id
            fresh[made.id] = made.clock
            cited.update(dict.fromkeys(admitting, made.id))
            tip = log.Tip(made.seq + 1, made.id, made.clock)
        if replica.quota.fitting(me.device, written) < len(written):
            raise OverBudget(self._used())
        replica.append(me.device, written, bodies, checked=True)
        self._cited |= cited
        self._keep_secrets(wishes, written)
        return written

    def _keep_secrets(self, wishes: tuple[Wish, ...], written: list[Record]) -> None:
        """Keep what only this home knows of new reviews, and forget what is opened with this."""
        store = self.core.replica.store
        for wish, made in zip(wishes, written, strict=True):
            if wish.secret:
                keep_secret(store, made.id, wish.secret)
            elif made.kind == OPENING and is_bytes(made.data.get("review")):
                drop_secret(store, RecordId(made.data["review"]))

    def _check_secrets(self, wishes: tuple[Wish, ...]) -> None:
        """Raise InvalidRecord for more reviews that wait, or larger ones, than a home keeps."""
        sizes = [len(wish.secret) for wish in wishes if wish.secret]
        if sizes and max(sizes) > SECRET_BYTES_MAX:
            raise InvalidRecord(f"a review of {max(sizes)} bytes; at most {SECRET_BYTES_MAX} fit")
        if sizes and len(review_secrets(self.core.replica.store)) + len(sizes) > SECRETS_MAX:
            raise InvalidRecord(f"{SECRETS_MAX} reviews of this home wait to be opened")

    def _said(self, wishes: tuple[Wish, ...]) -> bool:
        """Write records that no request asked for; say whether the budget allowed it."""
        try:
            self.submit(wishes)
        except OverBudget:
            return False
        return True

    def write_unasked(self, wish: Wish) -> bool:
        """Write a record that no request asked for; say whether it was written.

        It is not while this device must not write, before its log is known to be the newest, or
        where the budget has no room.
        """
        return self.core.keeps and self._may_write() and self._said((wish,))

    def introduce(self) -> bool:
        """Once admitted, write our member's name unless it was written; return whether it is now.

        Not before a peer was compared with: a home that is an older copy of itself would
        fork its log.
        """
        replica = self.core.replica
        met = any(peer.compared and not self._is_fetching(peer) for peer in self.core.members())
        if not met or not self.core.keeps:
            return False
        name = replica.store.setting(NAME)
        mine = replica.member_of(self.core.me.device)
        if not name or mine is None or not self._may_write():
            return False
        known = membership.member(replica.ledger.state, mine)
        if known is None or replica.store.setting(RESTORING):
            return False
        if known.profile is not None and not self._is_void(RecordId(known.profile), mine):
            return False
        return self._said((Wish(PROFILE, {}, text=Text("text/plain", name)),))

    def _is_void(self, profile: RecordId, member: MemberId) -> bool:
        """Whether a seal covers a profile and refused it: it came before what admitted its author.

        A newcomer who does not know an earlier member yet may need fewer vouches in their own eyes.
        """
        replica = self.core.replica
        if member not in replica.decided.nameless or replica.decided.height < replica.chain.height:
            return False  # what a newer seal decides of it is not folded yet
        record = replica.store.record(profile)
        assert record is not None, "a profile that counts is held"
        return record.seq < replica.sealed_length(record.author)

    def _may_write(self) -> bool:
        return self._hindrance() is None

    def _hindrance(self) -> CommonwealError | None:
        """Return why this device must not write now; None when it may."""
        replica, device = self.core.replica, self.core.me.device
        hindrance = log_hindrance(replica.store, device)
        if hindrance is not None:
            return hindrance
        if self.rollback.is_older():
            return OlderCopy("a peer holds later records of this device")
        if replica.quota.waits(device):
            return OverBudget(self._used())
        return status_hindrance(replica.status_of(device))

    def _admission(self) -> list[RecordId]:
        """Return the records that admitted our member and that our log does not follow yet.

        A cut may cover a record without those that it does not cite. If it left out one of these,
        the record would be void forever. What a seal covers need not be cited.
        """
        replica, device = self.core.replica, self.core.me.device
        mine = replica.member_of(device)
        if mine is None or mine == self._settled:
            return []
        admitting = [
            held_record
            for held_record in replica.store.rare()
            if held_record.author != device and self._admits(held_record, mine)
            if held_record.seq >= replica.sealed_length(held_record.author)
        ]
        if not admitting:
            # Not before a seal, or a former process, made our log follow all of them.
            self._settled = mine
        return [held_record.id for held_record in admitting if not self._follows(held_record.id)]

    def _follows(self, record_id: RecordId) -> bool:
        """Whether a record that this process wrote, and that is held still, cites `record_id`."""
        citing = self._cited.get(record_id)
        return citing is not None and self.core.replica.store.clock_of(citing) is not None

    def _admits(self, record: Record, member: MemberId) -> bool:
        """Whether a record vouches for a member, or asked for the member on another device."""
        author = self.core.replica.member_of(record.author)
        if record.kind == REQUEST:
            return author == member
        return record.kind == VOUCH and record.data.get("member") == member and author is not None

    def _used(self) -> str:
        """Return in words what this device has written that waits for a seal."""
        replica, device = self.core.replica, self.core.me.device
        waiting = replica.row(device).length - replica.sealed_length(device)
        return f"{waiting:,} records of this device wait for a seal"

    def _basis(self, wanted: RecordId) -> RecordId:
        """Return the last seal that was folded here: by the node, or where a wish was made."""
        replica = self.core.replica
        known = replica.basis or RecordId(replica.chain.seal)
        heights = replica.chain.seals
        height = heights.height_of(SealId(wanted)) if wanted != known else None
        is_later = height is not None and height > (heights.height_of(SealId(known)) or 0)
        return wanted if is_later else known

    def _clock(self, id: RecordId, fresh: dict[RecordId, int]) -> int:
        clock = fresh.get(id) or self.core.replica.clock_of(id)
        if clock is None:
            raise InvalidRecord(f"it cites {id.hex()}, which is not held here")
        return clock

    def _body(self, text: Text | None, bodies: dict[bytes, bytes]) -> BodyRef | None:
        if text is None:
            return None
        if text.permanent:
            data, ref = text.content, record.permanent_body(text.content)
        elif text.sealed:
            data, ref = text.content, sealed_ref(text.content)
        else:
            salt = text.salt or self.core.rng.randbytes(record.SALT_BYTES)
            data, ref = record.erasable_body(salt, text.media_type, text.content)
        bodies[ref.hash] = data
        return ref


def _named(value: Value, ids: Mapping[bytes, RecordId]) -> Value:
    """Return a value with the ids of records in place of those that stood in for them."""
    if not ids:
        return value
    match value:
        case bytes():
            return ids.get(value, value)
        case list():
            return [_named(part, ids) for part in value]
        case dict():
            return {key: _named(part, ids) for key, part in value.items()}
    return value


def log_hindrance(store: Store, device: DeviceKey) -> CommonwealError | None:
    """Return why a device adds nothing to its log, whatever the ledger says; None when it may."""
    if store.log(device).frozen is not None:
        return DeviceFrozen(f"device {device.hex()[:8]}")
    if store.setting(RESTORING):
        return AwaitingRestore("no peer has been reached since")
    return None


def status_hindrance(status: str | None) -> CommonwealError | None:
    """Return why a device of this status in the ledger writes nothing; None when it may."""
    if status is None or status in ("new", "requested"):
        return NotAdmittedYet("nobody admitted the request yet")
    return None if status == "active" else NotPermitted(f"this device is {status}")
