"""Undo: a member's own contribution withdrawn, as long as nobody spoke of it.

A contribution is withdrawn by a correction to nothing: the records stay, and count for nothing.
What it did to resources, plans and payments is taken back by the fold, or the fold refuses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from commonweal.client.access import HomeAccess, prefix, wish_of
from commonweal.client.language.words import N_
from commonweal.client.ledger.rows.contribution_rows import amount, event_words
from commonweal.client.ledger.words.notes import ID_DIGITS
from commonweal.protocol.errors import NotWithdrawn, WouldNotCount
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.contributions import attestation, consent
from commonweal.protocol.ledger.contributions.attestation import SAID
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.event_row import EventRow, event_row
from commonweal.protocol.ledger.things.quantities import Quantity
from commonweal.protocol.records.record import Record, RecordId

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A contribution that was withdrawn, and the record that says so.

    words: what it was. waits_for: whose yes it needs, where it was written of what others gave.
    """

    id: RecordId
    seq: int
    event: RecordId
    words: str
    waits_for: tuple[MemberId, ...]


OTHER_WAYS = {
    ("attest", attestation.WITHDRAW): N_("say it again: weal attest {event}"),
    "attest": N_("take it back: weal attest {event} --withdraw"),
    ("dispute", attestation.WITHDRAW): N_("dispute it again: weal dispute {event}"),
    "dispute": N_("take it back: weal dispute {event} --withdraw"),
    "rules.vote": N_("vote otherwise while the vote is open: weal rules vote {proposal} VOTE"),
    "rules.propose": N_("withdraw it: weal rules withdraw {id}"),
    "role.claim": N_("give it back: weal role resign {role}"),
    "invite.create": N_("take it back: weal invite revoke {id}"),
}
"""What takes back a record that is no contribution; by kind, or by kind and what it says."""


class Withdrawals(HomeAccess):
    """What this member takes back."""

    def undo(self, id: str | bytes | None = None) -> Withdrawal:
        """Withdraw a contribution of this member of which nobody said anything; the latest without
        an id.

        Raises UnknownId, AmbiguousId, and NotWithdrawn with the reason and what to do instead.
        """
        view = self.view
        event, row = self._contribution(self._record(id))
        self._check(event, row)
        words = event_words(view, event)
        data: dict[str, Any] = {"action": row.action, "corrects": bytes(event)}
        for key, had in (("resourceQuantity", row.quantity), ("effortQuantity", row.effort)):
            if had is not None:
                data[key] = {"n": -had[0], "scale": had[1], "unit": had[2]}
        asked = consent.consenters(
            view.state, view.me, event, _negative(row.quantity), _negative(row.effort)
        )
        drafts = view.drafts()
        try:
            drafts.add(wish_of("event", data, [event, *filter(None, [row.corrected_by])]))
        except WouldNotCount as error:
            raise self._refusal(str(error), event, row) from error
        (written,) = self._write_drafts(drafts)
        return Withdrawal(written.id, written.seq, event, words, tuple(map(MemberId, asked)))

    def _record(self, id: str | bytes | None) -> Record:
        """Return the record that is meant. Raises NotWithdrawn where this device wrote none."""
        view = self.view
        if id is not None:
            return view.held(prefix(id))
        log = view.store.log(view.settings.device)
        record = view.store.record(RecordId(log.head)) if log.length else None
        if record is None:
            raise NotWithdrawn(self.words("you wrote nothing yet"))
        return record

    def _contribution(self, record: Record) -> tuple[RecordId, EventRow]:
        """Return the contribution that a record is. Raises NotWithdrawn where it is another."""
        view, data = self.view, record.data
        reason = view.kept.verdict(record)
        if reason is not None:
            raise NotWithdrawn(view.reason_words(record, reason))
        id = record.id.hex()[:ID_DIGITS]
        if record.kind == "event" and "corrects" in data:
            raise NotWithdrawn(self._of_correction(id, data["corrects"]))
        row = event_row(view.state, record.id)
        if row is not None:
            return record.id, row
        text = self.words("{kind} {id} is no contribution, and nothing takes it back")
        way = OTHER_WAYS.get((record.kind, str(data.get("say")))) or OTHER_WAYS.get(record.kind)
        names = {key: _shown(data.get(key)) for key in ("event", "proposal", "role")}
        if way is not None:
            text = self.words("{kind} {id} is no contribution; {way}")
            text = text.replace("{way}", self.words(way).format(**names, id=id))
        raise NotWithdrawn(text.format(kind=record.kind, id=id))

    def _of_correction(self, id: str, corrected: bytes) -> str:
        """Return why a correction is not undone, and what to do instead."""
        row = event_row(self.view.state, corrected)
        assert row is not None, "what is corrected is known"
        text = self.words(
            "{id} corrected {event}; say what is right: weal correct {event} {amount}"
        )
        if is_withdrawn(self.view.state, corrected, row):
            text = self.words("{id} withdrew {event}; to undo another, type: weal undo ID")
        event = corrected.hex()[:ID_DIGITS]
        return text.format(id=id, event=event, amount=_amount_words(row))

    def _check(self, event: RecordId, row: EventRow) -> None:
        """Raise NotWithdrawn where others wrote or spoke of a contribution."""
        state, words = self.view.state, self.words
        if row.member != self.view.me:
            text = words("{name} wrote it; dispute it where it is wrong: weal dispute {id}")
            name = self.view.name(row.member)
            raise NotWithdrawn(text.format(name=name, id=event.hex()[:ID_DIGITS]))
        if is_withdrawn(state, event, row):
            raise NotWithdrawn(words("it is withdrawn already"))
        if row.yes or row.no or row.disputes:
            names = _speakers(self.view, event)
            why = words("{names} spoke of it").format(names=names)
            raise self._refusal(why, event, row)

    def _refusal(self, why: str, event: RecordId, row: EventRow) -> NotWithdrawn:
        """Return why a contribution stays, and how its author says what it was."""
        if not _amount_words(row):
            return NotWithdrawn(why)
        text = self.words("{why}; say what it was: weal correct {id} {amount}")
        id = event.hex()[:ID_DIGITS]
        return NotWithdrawn(text.format(why=why, id=id, amount=_amount_words(row)))


def is_withdrawn(state: State, event: bytes, row: EventRow) -> bool:
    """Whether a contribution was corrected to nothing before anybody spoke of it.

    One of which others had spoken is no withdrawal: they attest again that it is nothing.
    """
    amounts = [had[0] for had in (row.quantity, row.effort) if had is not None]
    if not row.corrections or any(amounts) or row.yes or row.no:
        return False
    return next(iter(state.items(SAID + event)), None) is None


def _speakers(view: LedgerView, event: bytes) -> str:
    """Return the names of those who attested, denied or disputed a contribution."""
    tables = (SAID, attestation.DISPUTE)
    members = {key[-32:] for table in tables for key, _ in view.state.items(table + event)}
    return ", ".join(sorted(view.name(member) for member in members))


def _negative(had: list[Any] | None) -> Quantity | None:
    return None if had is None else Quantity(-had[0], had[1], had[2])


def _amount_words(row: EventRow) -> str:
    """Return the amount of a contribution as `weal correct` takes it; "" without one."""
    number, unit = amount(row.quantity or row.effort)
    return "" if number is None else f"{number:f} {unit}"


def _shown(value: object) -> str:
    return value.hex()[:ID_DIGITS] if isinstance(value, bytes) else str(value or "")
