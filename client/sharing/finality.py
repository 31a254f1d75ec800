"""How far a home is final, who says so, and what that survives: for `weal status`."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from commonweal.client.home.submit import now_ms
from commonweal.client.language.plain import OPTIONAL
from commonweal.client.language.times import shown
from commonweal.client.language.words import Words
from commonweal.protocol.errors import StorageError
from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.seal.quorum import quorum_of
from commonweal.protocol.seal.witnesses import SAFE_WITNESSES_MIN
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.records.logs.log_store import Store

if TYPE_CHECKING:
    from commonweal.client.ledger.names.directory import People
    from commonweal.node.control.messages.node_status import SealingStatus
    from commonweal.protocol.seal.witnesses import Witness


AHEAD_MS_MAX = 10 * 60_000
"""A seal or a record of another device that is dated so much later makes a clock doubtful."""


BACKLOG_RECORDS_MIN = 5_000
"""From so many records that no seal covers on, it is said how many of all are sealed."""


@dataclass(frozen=True, slots=True)
class WitnessState:
    """A witness of the next seal. missing: whether the node lacks it; None without a node."""

    member: MemberId
    member_name: str
    device: DeviceKey
    missing: bool | None


@dataclass(frozen=True, slots=True)
class OwnLog:
    """How many records this device wrote, how many of them are final, and the newest."""

    records: int
    final: int
    newest: bytes


@dataclass(frozen=True, slots=True)
class FinalityState:
    """How far a home is final, and what stands in the way.

    records, sealed: how many are held, and how many of these a seal covers. unsealed: how many
    wait, alarm: why the chain cannot be followed; as the running node says. forked_at: a height
    with two certified seals. doubt: why the date of the last seal is in doubt. newest_held_by: how
    many peers hold this device's newest record.
    """

    height: int
    seal: bytes | None
    sealed_at_ms: int | None
    records: int
    sealed: int
    unsealed: int | None
    witnesses: tuple[WitnessState, ...]
    mine: OwnLog
    alarm: str | None
    forked_at: int | None
    doubt: str | None = None
    newest_held_by: int | None = field(default=None, metadata={OPTIONAL: True})

    @property
    def has_backlog(self) -> bool:
        """Whether so much waits that several seals or a long one must cover it."""
        return self.records - self.sealed >= BACKLOG_RECORDS_MIN


def finality(
    store: Store, settings: Settings, people: People, live: SealingStatus | None
) -> FinalityState:
    """Return how far a home is final. live: what the running node says of sealing, or None."""
    from commonweal.storage.records.seal_store import SealStore

    seals = SealStore(store, settings.here)
    kept = seals.at(seals.height)
    forked = seals.fork()
    cut, logs = {log.author: log.length for log in seals.cut().values()}, store.logs()
    mine = store.log(settings.device)
    missing = None if live is None else {bytes(device) for device, _member in live.missing}
    return FinalityState(
        height=seals.height,
        seal=None if kept is None else kept.sealed.seal.id,
        sealed_at_ms=None if kept is None else kept.sealed.seal.time_ms,
        records=sum(row.length for row in logs),
        sealed=sum(min(row.length, cut.get(row.author, 0)) for row in logs),
        unsealed=None if live is None else live.unsealed,
        witnesses=tuple(
            WitnessState(
                witness.member,
                people.name(witness.member),
                witness.device,
                None if missing is None else witness.device in missing,
            )
            for witness in _witnesses(store, settings, seals)
        ),
        mine=OwnLog(mine.length, cut.get(settings.device, 0), mine.head),
        alarm=(live and live.alarm) or None,
        forked_at=None if forked is None else forked[0].height,
    )


def pairs(state: FinalityState, words: Words) -> list[tuple[str, str]]:
    """Return it as rows for people: the name of a thing, and how it stands."""
    mine = state.mine
    held = state.newest_held_by
    own = words.plural("{n} record, {final} final", "{n} records, {final} final", mine.records)
    said = own.format(n=f"{mine.records:,}", final=f"{mine.final:,}")
    if held is not None:
        by = words.plural("the newest is held by {n} peer", "the newest is held by {n} peers", held)
        said = words("{one}; {other}").format(one=said, other=by.format(n=held))
    return [
        (words("yours"), said),
        (words("final"), _final_words(state, words)),
        (words("witnesses"), quorum_words(len(state.witnesses), words)),
    ]


def warnings(state: FinalityState, words: Words) -> list[str]:
    """Return what must be said of it beside."""
    said = []
    if state.forked_at is not None:
        said.append(
            words(
                "Two seals of height {height} are certified: too many witnesses lied. This node"
                " keeps the first and seals no more; talk with the others."
            ).format(height=state.forked_at)
        )
    if state.alarm:
        said.append(words("This node cannot follow what is sealed: {why}").format(why=state.alarm))
    missing = [witness.member_name for witness in state.witnesses if witness.missing]
    if missing:
        quorum = quorum_of(len(state.witnesses))
        names = ", ".join(missing)
        text = words("Missing witnesses: {names}. Sealing goes on without them.")
        if len(missing) > quorum.crashes:
            text = words("Missing witnesses: {names}. Nothing is sealed until enough are back;")
            text += " " + words("recording, reading and voting go on.")
            text += " " + words(
                "If they are gone for good, go on in a new community: weal refound."
            )
        said.append(text.format(names=names))
    return said


def doubt(home: Home, state: FinalityState, words: Words) -> str:
    """Return why the date of the last seal is in doubt, and what to do; "" where it is not."""
    from commonweal.protocol.ledger.state import time_jumps
    from commonweal.protocol.ledger.state.state import State
    from commonweal.storage.ledger.state.state_db import FINAL, LayeredState, StateDb

    if not state.height:
        return ""
    sealed_ms = state.sealed_at_ms or 0
    if sealed_ms - now_ms() > AHEAD_MS_MAX:
        return words(
            "The last seal is dated later than now, {time}: set this clock from the network if"
            " it is wrong; if it is right, type `weal seal` on the node of a witness, and the next"
            " seal goes back to it."
        ).format(time=shown(sealed_ms))
    try:
        with closing(StateDb(home.state)) as layers:
            folded = State(LayeredState(layers, FINAL))
            until_ms = time_jumps.last_jump(folded).doubtful_until_ms(
                time_jumps.last_cut_ms(folded)
            )
    except StorageError:  # what was folded cannot be read; the rest of the home can
        return ""
    if not until_ms:
        return ""
    return words(
        "The last seal is days later than the one before, so nothing that waits for a time is"
        " closed before a seal after {time}: compare the clocks of the witnesses, and go on"
        " sealing."
    ).format(time=shown(until_ms))


def risks(state: FinalityState, words: Words) -> list[str]:
    """Return what a set of witnesses below four cannot survive, and the way out."""
    count = len(state.witnesses)
    if not 0 < count < SAFE_WITNESSES_MIN:
        return []
    text = words.plural(
        "When the only witness is gone for good, nothing becomes final any more",
        "When {lost} of {n} witnesses are gone for good, nothing becomes final any more",
        count,
    ).format(lost=quorum_of(count).crashes + 1, n=count)
    way_out = words("the way out is a new community that goes on from the last seal: weal refound.")
    more = words("Four witnesses survive one that is gone or lies: weal role claim witness.")
    lost = words("{one}; {other}").format(one=text, other=way_out)
    return [words.sentences(lost, more)]


def quorum_words(witnesses: int, words: Words) -> str:
    """Return how many of so many witnesses must agree, and what that survives."""
    if not witnesses:
        return words("not known yet")
    quorum = quorum_of(witnesses)
    text = words("{needed} of {all} must agree: survives no crash and no lie")
    if quorum.lies:
        text = words("{needed} of {all} must agree: survives {silent} silent, {lying} lying")
    elif quorum.crashes:
        text = words("{needed} of {all} must agree: survives {silent} silent, no lie")
    return text.format(
        needed=quorum.needed, all=witnesses, silent=quorum.crashes, lying=quorum.lies
    )


def progress_words(state: FinalityState, words: Words) -> str:
    """Return how many of the records that are held are sealed."""
    text = words("{sealed} of {all} records are sealed, {percent} %")
    percent = 100 * state.sealed // max(1, state.records)
    return text.format(sealed=f"{state.sealed:,}", all=f"{state.records:,}", percent=percent)


def _final_words(state: FinalityState, words: Words) -> str:
    text = words("nothing is sealed yet")
    if state.height:
        at = shown(state.sealed_at_ms or 0)
        text = words("up to height {height}, {at}").format(height=state.height, at=at)
    waiting = state.unsealed
    if state.has_backlog:
        text += "; " + progress_words(state, words)
    elif waiting and state.height:
        text += "; " + words.plural("{n} record waits", "{n} records wait", waiting).format(
            n=waiting
        )
    return text


def _witnesses(store: Store, settings: Settings, seals: Any) -> tuple[Witness, ...]:
    """Return the set for the next seal; none while the founding record is not here."""
    from commonweal.protocol.records.record import RecordId
    from commonweal.protocol.seal.chain import founder_of

    kept = seals.at(seals.height)
    if kept is not None:
        return tuple(sorted(kept.sealed.witnesses))
    founding = store.record(RecordId(settings.here))
    return () if founding is None else (founder_of(founding),)
