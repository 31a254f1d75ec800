"""Seals: what is final, seal by seal, and making what waits final now."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from commonweal.client.access import HomeAccess
from commonweal.client.home.submit import line_or_lock, now_ms, service_of
from commonweal.client.ledger.directory import People
from commonweal.protocol.errors import NotYet
from commonweal.protocol.ledger.state.state import State
from commonweal.storage.home.home import Settings

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView
    from commonweal.node.control.client import LocalClient
    from commonweal.node.control.messages import SealOutcome, SealProgress

SEAL_SECONDS_MAX = 60
SEALS_LISTED = 20


@dataclass(frozen=True, slots=True)
class SealedUpTo:
    """Up to which height all is final, and how many records the last seal made so."""

    height: int
    records: int
    is_new: bool


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
    ) -> SealedUpTo:
        """Make final now what waits: votes are counted, rules come into force, shares are paid.

        waits: told as a sentence which witnesses are missing, each time it changes. Raises NotYet
        after `wait_s`, SealNeedsNode where others must agree and no node runs here.
        """
        with self.home.store(readonly=True) as store:
            Settings.read(store).here  # noqa: B018  raises without a community
        with ExitStack() as held:
            client = line_or_lock(self.home, held)
            if client is None:
                answer = self._sealed_alone()
            else:
                answer = self._sealed_by_node(client, wait_s, waits)
        self.refresh()
        height = answer.height
        if not answer.is_sealed:
            return SealedUpTo(height, 0, is_new=False)
        return SealedUpTo(height, _records(self.view, height) or 0, is_new=True)

    def seals(self, last: int = SEALS_LISTED) -> list[SealRow]:
        """Return the last seals, the earliest first."""
        from commonweal.protocol.ledger.members import membership
        from commonweal.storage.records.seal_store import SealStore

        view = self.view
        kept = SealStore(view.store, view.community)
        rows: list[SealRow] = []
        for height in kept.heights[-last:]:
            seal = kept.at(height)
            assert seal is not None, "the chain has no gaps"
            certificate, row = seal.sealed.certificate, seal.sealed.seal
            devices = tuple(device for device, _signature in certificate.signatures)
            rows.append(
                SealRow(
                    height=height,
                    time_ms=row.time_ms,
                    records=_records(view, height),
                    signed=tuple(
                        view.name(membership.member_of(view.state, device)) for device in devices
                    ),
                    devices=devices,
                    witnesses=len(seal.sealed.witnesses),
                    round=certificate.round,
                    seal=row.id,
                    state_root=row.state_root,
                    cut_root=row.cut_root,
                    ruleset=row.ruleset,
                )
            )
        return rows

    def _sealed_by_node(
        self, client: LocalClient, wait_s: float, waits: Callable[[str], None]
    ) -> SealOutcome:
        """Return what the running node says, once it is sealed. Raises NotYet."""
        from commonweal.node.control.messages import SealNow, SealOutcome

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

    def _sealed_alone(self) -> SealOutcome:
        """Seal with the lock of the home held. Raises SealNeedsNode where others must agree."""
        from commonweal.node.control import seal_alone
        from commonweal.storage.consensus.proposals import SealApplication
        from commonweal.storage.ledger import ledger

        secrets = self._unlock(self.home)
        with self.home.store() as store:
            service = service_of(store, secrets)
            community = service.core.replica.community
            with (
                self._watching() as watch,
                ledger.open_ledger(
                    self.home.state, store, community, whole=False, watch=watch
                ) as kept,
            ):
                watch(0, store.counts().records)  # at most so many are folded
                answer = seal_alone.seal_alone(service, SealApplication(kept), now_ms())
                kept.refresh(whole=False)  # what was worked out to seal it is kept
            return answer


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


def _records(view: LedgerView, height: int) -> int | None:
    asked = "SELECT records FROM seal_row WHERE height = ?"
    for (count,) in view.kept.layers.rows(asked, (height,)):
        return int(count)
    return None
