"""What waits for a member's word, with all that they need to know to say it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from commonweal.client.contributions.attestations import (
    Attestations,
    claim_words,
    unanswered_corrections,
    unattested,
    unattested_claims,
)
from commonweal.client.language.quantity import exact
from commonweal.client.ledger.forecast import Forecast, forecast
from commonweal.client.ledger.rows.contribution_rows import correction_words, event_words, happened
from commonweal.client.ledger.words.texts import content_of
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.claims import settlement
from commonweal.protocol.ledger.members.permissions import Permission
from commonweal.protocol.ledger.things.event_row import EventRow, event_row
from commonweal.protocol.records.record import RecordId
from commonweal.storage.ledger.contributions.points_in_time import PointInTime

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

TO_ATTEST_MAX = 50
SIMILAR_MAX = 3


@dataclass(frozen=True, slots=True)
class SimilarContribution:
    """Another contribution of the same member by the same action; yes, no: what others said."""

    id: RecordId
    quantity: Decimal | None
    unit: str | None
    scope: str | None
    when: PointInTime | None
    yes: int
    no: int


@dataclass(frozen=True, slots=True)
class ToAttest:
    """What waits for this member's word. kind: "event", "payment", "correction" or "agent".

    event: what it is about. when: it happened. note: what its author wrote with it; media_type: of
    what came with it, note or file. yes, no, disputes: what others said. if_yes: what the rules
    make of it once this member says yes too; None for what is no contribution. similar: the latest.
    """

    id: RecordId
    kind: str
    event: RecordId
    member: MemberId
    member_name: str
    words: str
    when: PointInTime | None
    scope: str | None
    note: str | None
    media_type: str | None
    yes: int
    no: int
    disputes: int
    if_yes: Forecast | None
    similar: tuple[SimilarContribution, ...]


@dataclass(frozen=True, slots=True)
class AttestList:
    """What waits that fits, corrections first, then the earliest; at most TO_ATTEST_MAX rows.

    total: how many fit. may_attest: whether the rules let this member attest now. members, scopes:
    those who gave and what it is for, each with how many contributions wait, the most first.
    """

    total: int
    may_attest: bool
    rows: tuple[ToAttest, ...]
    members: tuple[tuple[MemberId, str, int], ...]
    scopes: tuple[tuple[str, int], ...]


class AttestChoices(Attestations):
    """What others gave, as a member looks at it before they say yes or no."""

    def to_attest(self, *, member: str | None = None, scope: str | None = None) -> AttestList:
        """Return what waits for this member's word.

        member, scope: only what this member gave, or what is for this project or place. Raises
        UnknownId, AmbiguousId.
        """
        view = self.view
        giver = self.view.member(member) if member else None
        events = unattested(view)
        fitting = [
            (id, row)
            for id, row in events
            if giver in (None, row.provider) and scope in (None, "", row.scope)
        ]
        others = [] if giver or scope else [*self._corrections(), *self._claims()]
        rows = [*others, *self._events(fitting[: max(0, TO_ATTEST_MAX - len(others))])]
        return AttestList(
            len(others) + len(fitting),
            view.may(Permission.ATTEST),
            tuple(rows[:TO_ATTEST_MAX]),
            _members(view, events),
            tuple(Counter(row.scope for _, row in events if row.scope).most_common()),
        )

    def _corrections(self) -> list[ToAttest]:
        view = self.view
        return [
            ToAttest(
                id=id,
                kind="correction",
                event=RecordId(row.event),
                member=MemberId(row.member),
                member_name=view.name(row.member),
                words=correction_words(view, row),
                when=happened(view, row.event),
                scope=None,
                note=None,
                media_type=None,
                yes=row.yes,
                no=0,
                disputes=0,
                if_yes=None,
                similar=(),
            )
            for id, row in unanswered_corrections(view)
        ]

    def _claims(self) -> list[ToAttest]:
        view = self.view
        return [
            ToAttest(
                id=id,
                kind="agent",
                event=id,
                member=row.member,
                member_name=view.name(row.member),
                words=claim_words(view, row),
                when=None,
                scope=None,
                note=None,
                media_type=None,
                yes=0,
                no=0,
                disputes=0,
                if_yes=None,
                similar=(),
            )
            for id, row in unattested_claims(view)
        ]

    def _events(self, fitting: Sequence[tuple[RecordId, EventRow]]) -> list[ToAttest]:
        return [self._event(id, row) for id, row in fitting]

    def _event(self, id: RecordId, row: EventRow) -> ToAttest:
        view = self.view
        record = view.store.record(id)
        media_type, content = (record and content_of(view.store, record.body)) or (None, b"")
        is_text = media_type is not None and media_type.startswith("text/")
        paid = settlement.settlement_row(view.state, id)
        return ToAttest(
            id=id,
            kind="payment" if paid is not None and paid.claimant == view.me else "event",
            event=id,
            member=row.member,
            member_name=view.name(row.member),
            words=event_words(view, id),
            when=happened(view, id),
            scope=row.scope,
            note=content.decode("utf-8", "replace") if is_text else None,
            media_type=media_type,
            yes=row.yes,
            no=row.no,
            disputes=row.disputes,
            if_yes=_with_my_yes(view, id),
            similar=_similar(view, id, row),
        )


def _with_my_yes(view: LedgerView, id: bytes) -> Forecast | None:
    """Return what the rules make of a contribution once one more member attests it."""
    kept = view.kept
    made = forecast(view.state, kept.community, kept.rules, kept.ruleset, id)
    if made is None:
        return None
    return replace(made, attestations_missing=max(0, made.attestations_missing - 1))


def _similar(view: LedgerView, id: bytes, row: EventRow) -> tuple[SimilarContribution, ...]:
    ids = view.kept.layers.rows(
        "SELECT id FROM event_row WHERE provider = ? AND action = ? AND id <> ?"
        " ORDER BY when_start DESC, clock DESC LIMIT ?",
        (row.provider, row.action, id, SIMILAR_MAX),
    )
    similar = []
    for (other,) in ids:
        known = event_row(view.state, other)
        assert known is not None, "its row is there"
        had = known.quantity or known.effort
        similar.append(
            SimilarContribution(
                RecordId(other),
                None if had is None else exact(had[0], had[1]),
                None if had is None else had[2],
                known.scope,
                happened(view, other),
                known.yes,
                known.no,
            )
        )
    return tuple(similar)


def _members(
    view: LedgerView, events: Sequence[tuple[RecordId, EventRow]]
) -> tuple[tuple[MemberId, str, int], ...]:
    counts = Counter(MemberId(row.provider) for _, row in events if len(row.provider) == 32)
    return tuple((id, view.name(id), number) for id, number in counts.most_common())
