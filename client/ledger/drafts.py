"""Drafts: what the member is about to write, folded over all that is held before it is written.

What would count for nothing is refused with the reason, and what is written cites what it rests
on. Never decides by rules of its own: the fold judges, on a copy of the state.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from commonweal.client.home.submit import Unlock, WrittenRecord, now_ms, without_passphrase, writer
from commonweal.client.language.quantity import nearest_unit, shown_number
from commonweal.client.language.rejection_words import from_when, refusal
from commonweal.client.language.words import Words
from commonweal.client.ledger.forecast import Forecast, finer_pool, forecast
from commonweal.client.ledger.names.named import units_defined, units_named
from commonweal.protocol.errors import CommonwealError, UsageError, WouldNotCount
from commonweal.protocol.ledger.members import membership
from commonweal.protocol.ledger.state.context import Verdict, is_bytes
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.records import record as records
from commonweal.protocol.records.record import RecordDraft, RecordId
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.ledger.drafts.dry_run import DryRun, Trial
from commonweal.storage.ledger.ledger import LedgerState
from commonweal.storage.ledger.membership import read_decisions

if TYPE_CHECKING:
    from commonweal.node.service.events import OnceKey, Wish

BATCH_RECORDS = 500
BATCH_BYTES_MAX = 512 * 1024
"""What one batch may hold in texts, so that it fits one message to the node."""


OF_AUTHOR = (Reason.NOT_ENROLLED, Reason.NOT_A_MEMBER, Reason.DEVICE_REVOKED)
"""Reasons by which nothing counts that this device writes."""


class Drafts:
    """Records that are written next, in order. Valid while the state of the ledger is.

    wishes: those that passed, as they will be written.
    """

    def __init__(self, kept: LedgerState, settings: Settings, words: Words) -> None:
        """Begin without any. words: the language of a refusal."""
        self.kept, self.settings, self.words = kept, settings, words
        self.wishes: list[Wish] = []
        self._run = DryRun(kept, settings.device, settings.member)
        decided = read_decisions(kept.store)
        # A running node may have folded less than this: what that seal covers is not cited.
        is_behind = decided.height < kept.cut.height
        self._basis = RecordId(kept.last.seal if is_behind else b"")

    @property
    def state(self) -> State:
        """The state of all that is held, and of what passed."""
        return self._run.state

    def add(self, wish: Wish) -> RecordId:
        """Take in a record; return an id that stands for it in what is drafted after it.

        What names it so is written with it at once, when both are among BATCH_RECORDS.
        Raises WouldNotCount with the reason, UnknownId, NotYet; what keeps this device from
        writing at all by its name, as the node says it.
        """
        trial = self.check(wish, is_named=True)
        if trial.reason is not None:
            raise self.error(trial.reason, wish)
        if wish.kind == "event":
            corrected = wish.data.get("corrects")
            self.refuse_finer(corrected if is_bytes(corrected) else trial.id)
        return trial.id

    def error(self, reason: Reason, wish: Wish) -> CommonwealError:
        """Return what says why a record is not written, to be raised."""
        hindrance = self._hindrance() if reason in OF_AUTHOR else None
        return hindrance or WouldNotCount(self.refusal(reason, wish))

    def refusal(self, reason: Reason, wish: Wish) -> str:
        """Return why a record is not written, as the member reads it."""
        when = from_when(self.state, reason, self.settings.member, self.words)
        return refusal(reason, self.words, self._detail(reason, wish)) + when

    def _detail(self, reason: Reason, wish: Wish) -> str:
        """Return what the fold does not say with a reason: the nearest unit, the rule not met."""
        words = self.words
        match reason:
            case Reason.UNKNOWN_UNIT:
                known = {*self._run.rules.units, *units_defined(self.state)}
                unit = next((unit for unit in units_named(wish.data) if unit not in known), "")
                near = nearest_unit(unit, known)
                return words("; the nearest is {name}").format(name=near) if near else ""
            case Reason.UNKNOWN_FACTOR:
                factors = ", ".join(self._run.rules.factors)
                return words("; they have {names}").format(names=factors)
            case Reason.NOT_ADMITTED:
                name = self._run.unmet_condition(self._draft(wish)[0])
                said = name and self.kept.ruleset.sentence(words.language, "admit", name)
                return words(": {rule}").format(rule=said.rstrip(".。")) if said else ""
        return ""

    def check(self, wish: Wish, *, is_named: bool = False) -> Trial:
        """Take in a record when it counts; return what it would come to. Raises UnknownId, NotYet.

        What would count for nothing is left out. is_named: what is drafted after it may name it by
        the id of the trial, as after `add`.
        """
        trial = self._folded(wish, keeps=True)
        if trial.reason is None:
            citing = self._citing(wish, trial)
            self.wishes.append(replace(citing, stand_in=trial.id) if is_named else citing)
        return trial

    def alone(self, wish: Wish) -> tuple[Wish, Verdict]:
        """Return a record as it would be written now, and why it would count for nothing, if so.

        Leaves no trace: for so many that rest on none of each other that they are not all kept.
        """
        trial = self._folded(wish, keeps=False)
        return self._citing(wish, trial), trial.reason

    def forecast(self, id: bytes) -> Forecast | None:
        """Return what the rules will make of a contribution; None when there is none of this id.

        id: of a record that is held, or the stand-in of one that passed.
        """
        return forecast(self.state, self.kept.community, self._run.rules, self.kept.ruleset, id)

    def write(
        self, home: Home, secrets: Unlock = without_passphrase, once: OnceKey | None = None
    ) -> list[WrittenRecord]:
        """Write what passed, and return it, durable; each batch of it as a whole.

        once: a key under which it is written at most once. Raises UsageError where that would
        take more than one batch.
        """
        written: list[WrittenRecord] = []
        parts = list(batches(self.wishes))
        if once is not None and len(parts) > 1:
            text = self.words("at most {most:,} records are written at once under a key")
            raise UsageError(text.format(most=BATCH_RECORDS))
        with writer(home, secrets, once) as write_batch:
            for batch in parts:
                written += write_batch(batch)
        return written

    def refuse_finer(self, event: bytes) -> None:
        """Raise WouldNotCount for an income of which the split would count less than came in.

        event: its id, or the one that stands for it.
        """
        pool = finer_pool(self.state, self.kept.community, self.kept.ruleset, event)
        if pool is None:
            return
        text = self.words(
            "the pool {pool} counts no less than {smallest} {unit}: round the amount,"
            " or let the rules give the pool a finer scale"
        )
        smallest = shown_number(1, pool.scale)
        raise WouldNotCount(text.format(pool=pool.name, smallest=smallest, unit=pool.unit))

    def _hindrance(self) -> CommonwealError | None:
        """Return why this device writes nothing, in more detail than the fold has."""
        from commonweal.node.service.writer import log_hindrance, status_hindrance

        status = membership.status_of(self.state, self.settings.device)
        hindrance = log_hindrance(self.kept.store, self.settings.device)
        return hindrance or status_hindrance(status)

    def _citing(self, wish: Wish, trial: Trial) -> Wish:
        return replace(wish, deps=trial.deps, basis=self._basis)

    def _folded(self, wish: Wish, *, keeps: bool) -> Trial:
        return self._run.fold(*self._draft(wish), keeps=keeps)

    def _draft(self, wish: Wish) -> tuple[RecordDraft, dict[bytes, bytes]]:
        """Return a wish as the fold is asked, with the permanent body that it has."""
        body, bodies = None, {}
        if wish.text is not None and wish.text.permanent:
            body = records.permanent_body(wish.text.content)
            bodies[body.hash] = wish.text.content
        elif wish.text is not None:
            salt = wish.text.salt or bytes(records.SALT_BYTES)
            body = records.erasable_body(salt, wish.text.media_type, wish.text.content)[1]
        return RecordDraft(wish.kind, dict(wish.data), now_ms(), wish.deps, body), bodies


def batches(wishes: Iterable[Wish]) -> Iterable[list[Wish]]:
    """Yield wishes in batches that a node takes at once."""
    batch: list[Wish] = []
    size = 0
    for wish in wishes:
        more = len(wish.text.content) if wish.text else 0
        if batch and (len(batch) == BATCH_RECORDS or size + more > BATCH_BYTES_MAX):
            yield batch
            batch, size = [], 0
        batch.append(wish)
        size += more
    if batch:
        yield batch
