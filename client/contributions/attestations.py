"""Attestations: what members say of each other's contributions, and what waits for their word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commonweal.client.access import HomeAccess, prefix, wish_of
from commonweal.client.ledger.contribution_rows import (
    Statement,
    WaitingRecord,
    correction_words,
    event_words,
)
from commonweal.client.ledger.directory import begins
from commonweal.client.ledger.notes import note_body
from commonweal.protocol.errors import UsageError
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.contributions import attestation, consent
from commonweal.protocol.ledger.members import agents
from commonweal.protocol.ledger.things.event_row import EVENT, EventRow, event_row
from commonweal.protocol.records.record import RecordId

if TYPE_CHECKING:
    from commonweal.node.service.events import Wish

ATTESTED_AT_ONCE_MAX = 10_000


class Attestations(HomeAccess):
    """What this member says of what others gave."""

    def attest(self, *ids: str | bytes, say: str = attestation.YES) -> list[Statement]:
        """Say "yes", "no" or "withdraw" to contributions, corrections or claims of an agent.

        ids: each an id, or how one begins. Raises UnknownId, AmbiguousId, WouldNotCount.
        """
        return self._say([self._attestable(prefix(id)) for id in ids], say)

    def attest_all(
        self,
        *,
        member: str | None = None,
        scope: str | None = None,
        say: str = attestation.YES,
    ) -> list[Statement]:
        """Say the same of all that fits and that this member said nothing of, the earliest first.

        member: who gave it. Raises UsageError when more than ATTESTED_AT_ONCE_MAX fit.
        """
        giver = self.view.member(member) if member else None
        return self._say(self._unattested(giver, scope), say)

    def waiting(self) -> list[WaitingRecord]:
        """Return what waits for this member's word: corrections first, the earliest first."""
        view = self.view
        rows = [
            WaitingRecord(
                id=RecordId(id),
                kind="correction",
                event=RecordId(row.event),
                member=MemberId(row.member),
                member_name=view.name(row.member),
                words=correction_words(view, row),
            )
            for id, row in consent.open_corrections(view.state)
            if view.me in row.asked and view.state.get(attestation.SAID + id + view.me) is None
        ]
        for event in self._unattested(None, None):
            stated = event_row(view.state, event)
            assert stated is not None, "it was listed"
            author = MemberId(stated.member)
            words = event_words(view, event)
            rows.append(WaitingRecord(event, "event", event, author, view.name(author), words))
        return rows

    def words_of(self, id: bytes) -> str:
        """Return a contribution, or a correction that waits, as people read it."""
        row = consent.correction_row(self.view.state, id)
        return event_words(self.view, id) if row is None else correction_words(self.view, row)

    def dispute(
        self, id: str | bytes, *, note: str | None = None, withdraw: bool = False
    ) -> Statement:
        """Dispute a contribution, which is then worth nothing; or take the dispute back."""
        event = self.view.id_among(prefix(id), EVENT)
        said = attestation.WITHDRAW if withdraw else attestation.OPEN
        data = {"event": bytes(event), "say": said}
        written = self._write_one("dispute", data, (event,), note_body(note, words=self.words))
        return Statement(written.id, event, written.seq)

    def _say(self, chosen: list[RecordId], say: str) -> list[Statement]:
        if not chosen:
            return []
        written = self._write(*[self._attesting(id, say) for id in chosen])
        return [
            Statement(record.id, id, record.seq) for record, id in zip(written, chosen, strict=True)
        ]

    def _attesting(self, id: RecordId, say: str) -> Wish:
        """Return what is written to say something of an event, a correction or a claim."""
        state = self.view.state
        correction = consent.correction_row(state, id)
        row = event_row(state, id if correction is None else correction.event)
        data: dict[str, Any] = {"event": bytes(id), "say": say}
        cited: list[bytes] = [id]
        if row is not None and row.corrections:
            data["corrections"] = row.corrections
            # What the member has seen stands before what they say, in every order of records.
            cited.append(row.corrected_by)
        return wish_of("attest", data, cited)

    def _attestable(self, text: str) -> RecordId:
        """Return the event, claim or correction that waits whose id begins so."""
        state = self.view.state
        ids = [RecordId(key[1:]) for key, _ in state.items(EVENT)]
        ids += [RecordId(id) for id, _ in consent.open_corrections(state)]
        ids += [RecordId(key[1:]) for key, _ in state.items(agents.CLAIM)]
        return begins(ids, text)

    def _unattested(self, giver: bytes | None, scope: str | None) -> list[RecordId]:
        """Return what others wrote and gave and this member said nothing of, earliest first."""
        view = self.view
        fitting: list[tuple[int, RecordId]] = []
        for key, value in view.state.items(EVENT):
            row, id = EventRow(*value), RecordId(key[1:])
            provider = agents.person(view.state, row.provider)
            if view.me in (provider, row.member) or (giver is not None and provider != giver):
                continue
            if scope is not None and row.scope != scope:
                continue
            if view.state.get(attestation.attestation_key(id, row, view.me)) is None:
                fitting.append((row.clock, id))
        if len(fitting) > ATTESTED_AT_ONCE_MAX:
            text = self.words("more than {most} fit; say which")
            raise UsageError(text.format(most=f"{ATTESTED_AT_ONCE_MAX:,}"))
        return [id for _clock, id in sorted(fitting)]
