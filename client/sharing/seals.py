"""Seals: what is final, seal by seal, and making what waits final now."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from commonweal.client.access import HomeAccess, Watch, Watching, unwatched
from commonweal.client.home.submit import line_or_lock, now_ms, service_of
from commonweal.client.ledger.names.directory import People
from commonweal.protocol.errors import NotYet
from commonweal.protocol.ledger.state.state import State
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.records.seal_store import SealStore

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView
    from commonweal.node.control.client import LocalClient
    from commonweal.node.control.messages.control import SealOutcome, SealProgress

SEAL_SECONDS_MAX = 60
SEALS_LISTED = 20


def _ignored(_done: int, _of: int) -> None:
    """Ignore how far it is."""


@dataclass(frozen=True, slots=True)
class SealedUpTo:
    """Up to which height all is final.

    records, heights: how many records became final, and by how many seals. waiting: records that
    were held at the start and that no seal can cover yet: of those who are no members, or more of
    one member than a day allows.
    """

    height: int
    records: int
    heights: int
    waiting: int

    @property
    def is_new(self) -> bool:
        """Whether a seal was made."""
        return self.heights > 0


@dataclass(frozen=True, slots=True)
class SealRow:
    """One seal. records: how many it made final, None where they are not folded here.

    signed, devices: who signed it, by name and by device, in one order. round: of the agreement.
    """

    height: int
    time_ms: int
    records: int | None
    signed: tuple[str, ...]
    devices: tuple[bytes, ...]
    witnesses: int
    round: int
    seal: bytes
    state_root: bytes
    cut_root: bytes
    ruleset: bytes


class Sealing(HomeAccess):
    """What is final."""

    def seal(
        self,
        *,
        wait_s: float = SEAL_SECONDS_MAX,
        waits: Callable[[str], None] = lambda _sentence: None,
        watching: Watching = unwatched,
        told: Watch = _ignored,
    ) -> SealedUpTo:
        """Make final now all that waits: votes are counted, rules come into force, shares are paid.

        As many seals are made as that takes; each is durable when the next begins. What comes
        meanwhile waits for the next call. wait_s: how long to wait for one seal. waits: told as a
        sentence which witnesses are missing, each time it changes. watching: told how many records
        are sealed or being folded, and of how many. told: told the same of those that are sealed,
        after each seal. Raises NotYet, and SealNeedsNode where others must agree and
        no node runs here.
        """
        backlog = _SealBacklog(self.home)
        with ExitStack() as held, watching() as watch:
            watch(0, backlog.total)
            told(0, backlog.total)

            def folding(done: int, _of: int) -> None:
                watch(min(backlog.sealed + done, backlog.total), backlog.total)

            def is_done(answer: SealOutcome) -> bool:
                has_grown = answer.is_sealed and backlog.follow()
                watch(backlog.sealed, backlog.total)
                told(backlog.sealed, backlog.total)
                return not has_grown or backlog.sealed == backlog.total

            client = line_or_lock(self.home, held)
            try:
                if client is None:
                    self._seal_alone(is_done, folding)
                else:
                    self._seal_by_node(client, wait_s, waits, is_done)
            except NotYet as error:
                raise self._how_far(backlog, error) from error
        self.refresh()
        return SealedUpTo(
            height=backlog.height,
            records=sum(_records(self.sealed, height) or 0 for height in backlog.made),
            heights=len(backlog.made),
            waiting=backlog.total - backlog.sealed,
        )

    def seals(self, last: int = SEALS_LISTED) -> list[SealRow]:
        """Return the last seals, the earliest first."""
        view = self.sealed
        heights = SealStore(view.store, view.community).heights
        return [_row(view, height) for height in heights[-last:]]

    def seal_at(self, height: int) -> SealRow | None:
        """Return the seal of a height; None where it is not here."""
        view = self.sealed
        heights = SealStore(view.store, view.community).heights
        return _row(view, height) if height in heights else None

    def _seal_by_node(
        self,
        client: LocalClient,
        wait_s: float,
        waits: Callable[[str], None],
        is_done: Callable[[SealOutcome], bool],
    ) -> None:
        """Let the running node make seals until it is done. Raises NotYet."""
        while not is_done(self._next_of_node(client, wait_s, waits)):
            pass

    def _next_of_node(
        self, client: LocalClient, wait_s: float, waits: Callable[[str], None]
    ) -> SealOutcome:
        """Return what the running node says, once the next seal is made. Raises NotYet."""
        from commonweal.node.control.messages.control import SealNow, SealOutcome

        deadline = time.monotonic() + wait_s
        told = ""
        for answer in client.follow(SealNow()):
            if isinstance(answer, SealOutcome):
                return answer
            sentence = self.witness_sentence(answer)
            if time.monotonic() > deadline:
                raise NotYet(sentence)
            if sentence != told and answer.missing:
                told = sentence
                waits(sentence)
        raise AssertionError("the last answer says whether it is sealed")

    def _how_far(self, backlog: _SealBacklog, error: NotYet) -> NotYet:
        """Return why the next seal is not made yet, with what was sealed before."""
        if not backlog.sealed:
            return error
        text = self.words("{sealed} of {all} records are sealed; {why}")
        return NotYet(text.format(sealed=backlog.sealed, all=backlog.total, why=error))

    def witness_sentence(self, answer: SealProgress) -> str:
        """Return which witnesses a seal waits for, by the node's answer, as a sentence."""
        with self.home.store(readonly=True) as store:
            people = People(store, Settings.read(store).here, words=self.words)
            names = sorted({people.name(member) for _device, member in answer.missing})
        about = {"needed": answer.needed, "all": answer.witnesses, "names": ", ".join(names)}
        if not names:
            text = self.words("{needed} of {all} witnesses must agree; all are here")
            return text.format(**about)
        text = self.words("{needed} of {all} witnesses must agree; missing: {names}")
        return text.format(**about)

    def _seal_alone(
        self, is_done: Callable[[SealOutcome], bool], folding: Watch = _ignored
    ) -> None:
        """Make seals until it is done; the lock of the home is held.

        folding: told how many records of the next seal are folded. Raises SealNeedsNode where
        others must agree.
        """
        from commonweal.node.control.seal_alone import SoloSealing
        from commonweal.storage.consensus.proposals import SealApplication
        from commonweal.storage.ledger import ledger

        secrets = self._unlock(self.home)
        with self.home.store() as store:
            store.tidy()  # ids of an import that no node has moved take 160 bytes each in memory
            store.commit()
            service = service_of(store, secrets)
            community = service.core.replica.community
            with ledger.open_ledger(self.home.state, store, community, whole=False) as kept:
                kept.folding = folding
                application = SealApplication(kept)
                sealing = SoloSealing(service, application)
                while not is_done(sealing.seal(now_ms())):
                    pass
                kept.refresh(whole=False)  # what was worked out to seal it is kept


class _SealBacklog:
    """The records that a home holds above the last seal, and how many of them seals cover since.

    It is read from the ledger alone, whoever makes the seals.
    """

    def __init__(self, home: Home) -> None:
        """Read what waits. Raises NotInCommunity."""
        self._home = home
        with home.store(readonly=True) as store:
            seals = SealStore(store, Settings.read(store).here)
            cut = {author: sealed.length for author, sealed in seals.cut().items()}
            self.height = seals.height
            self._waits = {
                row.author: (cut.get(row.author, 0), row.length)
                for row in store.logs()
                if row.length > cut.get(row.author, 0)
            }
        self.total = sum(stop - start for start, stop in self._waits.values())
        self.sealed = 0
        self.made: list[int] = []
        """The heights that were sealed since."""

    def follow(self) -> bool:
        """Read the seals that were made since; say whether one covers a record that waited."""
        before = self.sealed
        with self._home.store(readonly=True) as store:
            seals = SealStore(store, Settings.read(store).here)
            for height in range(max(self.height + 1, seals.heights.start), seals.height + 1):
                made = seals.at(height)
                assert made is not None, "the chain has no gaps"
                for log in made.delta.logs:
                    start, stop = self._waits.get(log.author, (0, 0))
                    if log.length > start:
                        self._waits[log.author] = min(log.length, stop), stop
                        self.sealed += self._waits[log.author][0] - start
                self.height = height
                self.made.append(height)
        return self.sealed > before


def sealed_now(view: LedgerView) -> tuple[State, int]:
    """Return the state and height if all that is held were sealed now; nothing is kept."""
    history = view.kept.history()
    advance = history.next_advance(now_ms())
    if advance is None:
        return history.final, history.cut.height
    covered = history.covered(advance)
    assert not covered.missing, "what is chosen is held"
    history.accept(history.conclude(advance, covered.records), b"")
    return history.final, history.cut.height


def _row(view: LedgerView, height: int) -> SealRow:
    from commonweal.protocol.ledger.members import membership

    kept = SealStore(view.store, view.community).at(height)
    assert kept is not None, "the chain has no gaps"
    certificate, row = kept.sealed.certificate, kept.sealed.seal
    devices = tuple(device for device, _signature in certificate.signatures)
    signers = (membership.member_of(view.state, device) for device in devices)
    return SealRow(
        height=height,
        time_ms=row.time_ms,
        records=_records(view, height),
        signed=tuple(view.name(member) for member in signers),
        devices=devices,
        witnesses=len(kept.sealed.witnesses),
        round=certificate.round,
        seal=row.id,
        state_root=row.state_root,
        cut_root=row.cut_root,
        ruleset=row.ruleset,
    )


def _records(view: LedgerView, height: int) -> int | None:
    asked = "SELECT records FROM seal_row WHERE height = ?"
    for (count,) in view.kept.layers.rows(asked, (height,)):
        return int(count)
    return None
