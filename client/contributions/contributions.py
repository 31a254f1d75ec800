"""Contributions: written down and corrected."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Unpack

from commonweal.client.access import prefix, wish_of
from commonweal.client.contributions.contribution_lists import ContributionLists
from commonweal.client.home.node_client import call
from commonweal.client.language.quantity import (
    exact,
    quantity_field,
    read_action,
    read_quantity,
)
from commonweal.client.ledger.rows.contribution_rows import Correction, RecordedContribution
from commonweal.client.ledger.rows.promise_rows import promise_after
from commonweal.protocol import codec
from commonweal.protocol.codec import INT_MAX
from commonweal.protocol.errors import (
    EvidenceTooLarge,
    NotYet,
    UnreadableQuantity,
    UnusableText,
    UsageError,
    WouldNotCount,
)
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.things.event_row import EVENT, EventRow, event_row
from commonweal.protocol.ledger.things.quantities import Quantity, read
from commonweal.protocol.records.record import ERASABLE_BYTES_MAX, RecordId
from commonweal.storage.ledger.contributions.points_in_time import HAPPENED, read_point_in_time

if TYPE_CHECKING:
    from commonweal.client.contributions.event_details import EventDetails
    from commonweal.client.contributions.unit_choice import Amounts
    from commonweal.client.ledger.drafts import Drafts
    from commonweal.client.ledger.forecast import Forecast
    from commonweal.node.service.events import Text
    from commonweal.storage.ledger.contributions.points_in_time import PointInTime

ENVELOPE_BYTES_MAX = 256
"""What salt, media type and lengths add to a text or file."""
CONTENT_BYTES_MAX = ERASABLE_BYTES_MAX - ENVELOPE_BYTES_MAX
HOLD_SECONDS_MAX = 60.0


class HasRecordId(Protocol):
    """What a write returns, whatever it says beside the id of the record."""

    @property
    def id(self) -> RecordId:
        """The record that was written."""


@dataclass(frozen=True, slots=True)
class ContributionPreview:
    """A contribution as it would be written, and what the rules in force would make of it.

    quantity, unit: those that would be written, which may be others than were typed: what the
    rules value. when: the date that it would state; None where it states none. rule: the sentence
    of the rule that values this action; "" where there is no rule, or it has none.
    """

    action: str
    quantity: Decimal
    unit: str
    forecast: Forecast
    when: PointInTime | None
    rule: str


class TriedContribution(NamedTuple):
    """A contribution that would count, and the drafts that write it."""

    preview: ContributionPreview
    drafts: Drafts


class Contributions(ContributionLists):
    """What members give."""

    def record(
        self,
        action: str,
        quantity: str | int | Decimal,
        unit: str,
        *,
        effort: tuple[str | int | Decimal, str] | None = None,
        note: str | None = None,
        file: Path | None = None,
        settles: tuple[str, ...] = (),
        **details: Unpack[EventDetails],
    ) -> RecordedContribution:
        """Write down a contribution; return the record, which is on the disk, and its forecast.

        action, unit: by any of their names, English or Chinese; where the rules value another unit,
        into which this one converts exactly, that is written. effort: number and unit, beside a
        quantity. note, file: what can be erased later, at most 64 KiB; not both. settles: ids of
        claims that a transfer pays. details: see EventDetails. Raises UnknownAction,
        UnreadableQuantity, AmbiguousUnit, UnusableText, UnreadableTime, UnknownId, AmbiguousId,
        EvidenceTooLarge, WouldNotCount.
        """
        tried = self._tried(action, (quantity, unit), effort, note, file, settles, details)
        promise = promise_after(tried.drafts)
        *_specified, written = self._write_drafts(tried.drafts)
        made = tried.preview
        place = (written.id, written.seq, made.action, made.quantity, made.unit)
        return RecordedContribution(*place, made.forecast, made.when, promise)

    def preview_record(
        self,
        action: str,
        quantity: str | int | Decimal,
        unit: str,
        *,
        effort: tuple[str | int | Decimal, str] | None = None,
        note: str | None = None,
        file: Path | None = None,
        settles: tuple[str, ...] = (),
        **details: Unpack[EventDetails],
    ) -> ContributionPreview:
        """Return what `record` would write and what the rules would make of it; write nothing.

        Takes and raises what `record` does, so what counts for nothing is refused here too.
        """
        return self._tried(action, (quantity, unit), effort, note, file, settles, details).preview

    def _tried(
        self,
        action: str,
        typed: tuple[str | int | Decimal, str],
        effort: tuple[str | int | Decimal, str] | None,
        note: str | None,
        file: Path | None,
        settles: tuple[str, ...],
        details: EventDetails,
    ) -> TriedContribution:
        """Return a contribution as it would be written, in the unit that the rules value."""
        from commonweal.client.contributions.event_details import event_data
        from commonweal.client.contributions.unit_choice import EventDraft, best_trial

        name = read_action(action, self.words)
        amounts = self._amounts(name, typed, effort)
        text = self._evidence(note, file)
        data = event_data(self.view, name, details)
        spec = self._begun_spec(details, data)
        cited: tuple[RecordId, ...] = ()
        if settles:
            more, cited = self._paying(settles, details, data, amounts)
            data = more | data
        draft = EventDraft(self.view, data, cited, text, spec)
        best = best_trial(draft, amounts, self.words)
        assert best.forecast is not None, "it passed as a contribution"
        amount = _typed(next(iter(best.amounts.values())))
        when = read_point_in_time(data.get(HAPPENED))
        ruleset = self.view.kept.ruleset
        known = name in ruleset.values
        rule = ruleset.sentence(self.words.language, "value", name) if known else ""
        return TriedContribution(
            ContributionPreview(name, *amount, best.forecast, when, rule), best.drafts
        )

    def wait_until_held(self, written: Sequence[HasRecordId], peers: int) -> int:
        """Return how many peers hold what was written, once `peers` do.

        Raises NotYet after a minute without news, NotReachable when no node runs here.
        """
        from commonweal.node.control.messages.held_records import Wait
        from commonweal.protocol.errors import NotReachable

        held = 0
        with call(self.home, patience_s=HOLD_SECONDS_MAX) as client:
            try:
                ids = tuple(record.id for record in written)
                for answer in client.follow(Wait(ids, peers)):
                    held = answer.held_by
            except NotReachable:
                text = self.words("it is kept here, and held by {held} of {wanted} peers")
                raise NotYet(text.format(held=held, wanted=peers)) from None
        return held

    def correct(self, id: str | bytes, quantity: str | int | Decimal, unit: str) -> Correction:
        """Say what a contribution really was: write the difference to what it has.

        What takes from another member waits for their yes. Raises UnknownId, UsageError for
        another unit, UnreadableQuantity, WouldNotCount.
        """
        from commonweal.protocol.ledger.contributions import consent

        view, wanted = self.view, read_quantity(str(quantity), unit, self.words)
        event = view.id_among(prefix(id), EVENT)
        row = event_row(view.state, event)
        assert row is not None, "it is an event"
        data = self._difference(row, wanted)
        data |= {"action": row.action, "corrects": bytes(event)}
        cited = [event, *([row.corrected_by] if row.corrected_by else [])]
        asked = consent.consenters(view.state, view.me, event, *_quantities(data))
        drafts = view.drafts()
        drafts.add(wish_of("event", data, cited))
        made = drafts.forecast(event)
        assert made is not None, "it is an event"
        (written,) = self._write_drafts(drafts)
        return Correction(written.id, written.seq, event, tuple(map(MemberId, asked)), made)

    def forecast(self, id: str | bytes) -> Forecast | None:
        """Return what the rules in force will make of a contribution; None where it is none.

        id: as it is, or how it begins, of any record that is held.
        """
        from commonweal.client.ledger.forecast import forecast

        kept = self.view.kept
        event = id if isinstance(id, bytes) else self.view.held(id).id
        return forecast(self.view.state, kept.community, kept.rules, kept.ruleset, event)

    def _difference(self, row: EventRow, wanted: dict[str, Any]) -> dict[str, Any]:
        """Return the quantity to add to what an event has, so that it becomes `wanted`."""
        for key, had in (("resourceQuantity", row.quantity), ("effortQuantity", row.effort)):
            if had is not None and had[2] == wanted["unit"]:
                scale = max(had[1], wanted["scale"])
                n = wanted["n"] * 10 ** (scale - wanted["scale"]) - had[0] * 10 ** (scale - had[1])
                if abs(n) > INT_MAX:
                    raise UnreadableQuantity(str(wanted["n"]))
                return {key: {"n": n, "scale": scale, "unit": had[2]}}
        units = ", ".join(had[2] for had in (row.quantity, row.effort) if had is not None)
        raise UsageError(self.words("it is counted in {units}").format(units=units))

    def _amounts(
        self,
        action: str,
        typed: tuple[str | int | Decimal, str],
        effort: tuple[str | int | Decimal, str] | None,
    ) -> Amounts:
        """Return the quantities of an event, that of the resource first."""
        amount = read_quantity(str(typed[0]), typed[1], self.words)
        if not amount["n"]:
            raise UnreadableQuantity(self.words("0 is nothing: say how much it was"))
        amounts: Amounts = {quantity_field(action, str(amount["unit"])): amount}
        if effort is not None:
            if "effortQuantity" in amounts:
                raise UsageError(self.words("the effort is given twice"))
            amounts["effortQuantity"] = read_quantity(str(effort[0]), effort[1], self.words)
        return amounts

    def _begun_spec(self, details: EventDetails, data: dict[str, Any]) -> dict[str, Any] | None:
        """Note the specification of the resource that an event begins; return a new one's data."""
        from commonweal.client.ledger.names.named import spec_named

        name = details.get("new_resource")
        if not name:
            return None
        if "resourceConformsTo" in data:
            text = self.words("{option} names the specification: leave out {other}")
            raise UsageError(text.format(option="--new-resource", other="--spec"))
        known = spec_named(self.view, name)
        if known is None:
            return {"name": name}
        data["resourceConformsTo"] = bytes(known)
        return None

    def _paying(
        self,
        settles: tuple[str, ...],
        details: EventDetails,
        data: dict[str, Any],
        amounts: Amounts,
    ) -> tuple[dict[str, codec.Value], tuple[RecordId, ...]]:
        """Return what else a transfer says that pays claims, and cites. Raises WouldNotCount.

        Takes out of `data` the provider that nobody named: then the community pays.
        """
        from commonweal.client.sharing.claims import paying
        from commonweal.protocol.ledger.claims.settlement import ACTIONS
        from commonweal.protocol.ledger.state.rejections import Reason

        if data["action"] not in ACTIONS:
            raise WouldNotCount(self.words(Reason.NOT_A_PAYMENT.value))
        amount = next(iter(amounts.values()))
        giver = data.pop("provider")
        if details.get("provider") is not None:
            data["provider"] = giver
        quantity = [amount["n"], amount["scale"], amount["unit"]]
        return paying(self.view, settles, quantity, data.get("provider"), data.get("receiver"))

    def _evidence(self, note: str | None, file: Path | None) -> Text | None:
        from commonweal.node.service.events import Text

        if note is not None and file is not None:
            raise UsageError(self.words("a record carries a note or a file, not both"))
        if file is not None:
            return Text(_media_type(file), self._content(file))
        if note is None:
            return None
        try:
            data = note.encode()
        except UnicodeEncodeError:
            raise UnusableText(self.words("the note is not text")) from None
        if not 1 <= len(data) <= CONTENT_BYTES_MAX:
            text = self.words("a note has 1 to {most} bytes, not {size}")
            raise UnusableText(text.format(most=CONTENT_BYTES_MAX, size=len(data)))
        return Text("text/plain", data)

    def _content(self, path: Path) -> bytes:
        try:
            with path.open("rb") as opened:
                data = opened.read(CONTENT_BYTES_MAX + 1)
        except OSError as error:
            raise UnusableText(f"{path}: {error.strerror}") from error
        if len(data) > CONTENT_BYTES_MAX:
            text = self.words("{path}: more than {most} bytes")
            raise EvidenceTooLarge(text.format(path=path, most=CONTENT_BYTES_MAX))
        return data


def _typed(amount: dict[str, codec.Value]) -> tuple[Decimal, str]:
    return exact(int(str(amount["n"])), int(str(amount["scale"]))), str(amount["unit"])


def _quantities(data: dict[str, Any]) -> list[Quantity | None]:
    keys = ("resourceQuantity", "effortQuantity")
    return [read(data[key]) if key in data else None for key in keys]


def _media_type(path: Path) -> str:
    kind, encoding = mimetypes.guess_type(path.name)
    return kind if kind and not encoding else "application/octet-stream"
