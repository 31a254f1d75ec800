"""Attestations: what members say of each other's contributions, and what waits for their word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commonweal.client.access import HomeAccess, prefix, wish_of
from commonweal.client.contributions.withdrawals import is_withdrawn
from commonweal.client.language.quantity import read_scope
from commonweal.client.ledger.names.directory import begins
from commonweal.client.ledger.rows.contribution_rows import (
    Statement,
    WaitingRecord,
    correction_words,
    event_words,
    happened,
)
from commonweal.client.ledger.words.notes import note_body
from commonweal.protocol.errors import AmbiguousId, UnknownId, UsageError, WouldNotCount
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.contributions import attestation, consent
from commonweal.protocol.ledger.contributions.consent import CorrectionRow
from commonweal.protocol.ledger.exchange import credit
from commonweal.protocol.ledger.exchange.promotion.referrals import REFERRAL, referral_row
from commonweal.protocol.ledger.members import agents
from commonweal.protocol.ledger.members.agents import AgentClaimRow
from commonweal.protocol.ledger.members.registry import is_active
from commonweal.protocol.ledger.things.event_row import EVENT, EventRow, event_row
from commonweal.protocol.records.record import RecordId
from commonweal.storage.ledger.state.local_ids import AGENT

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView
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
        wanted = read_scope(scope, self.words) if scope else None
        return self._say([id for id, _row in self._unattested(giver, wanted)], say)

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
                when=happened(view, row.event),
            )
            for id, row in unanswered_corrections(view)
        ]
        for id, claim in unattested_claims(view):
            words, name = claim_words(view, claim), view.name(claim.member)
            rows.append(WaitingRecord(id, "agent", id, claim.member, name, words, None))
        for event, stated in self._unattested(None, None):
            author = MemberId(stated.member)
            words, when = event_words(view, event), happened(view, event)
            place = (event, "event", event, author, view.name(author), words)
            rows.append(WaitingRecord(*place, when))
        return rows

    def words_of(self, id: bytes) -> str:
        """Return a contribution, a correction or a claim of an agent, as people read it."""
        row = consent.correction_row(self.view.state, id)
        if row is not None:
            return correction_words(self.view, row)
        claim = self.view.state.get(agents.CLAIM + id)
        if claim is not None:
            return claim_words(self.view, AgentClaimRow(*claim))
        if referral_row(self.view.state, id) is not None:
            return self.view.words("who brought somebody outside")
        return event_words(self.view, id)

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
        if row is not None and correction is None and is_withdrawn(state, id, row):
            raise WouldNotCount(self.words("its author withdrew it"))
        if row is not None and row.corrections:
            data["corrections"] = row.corrections
            # What the member has seen stands before what they say, in every order of records.
            cited.append(row.corrected_by)
        return wish_of("attest", data, cited)

    def _attestable(self, text: str) -> RecordId:
        """Return the event, claim, referral or correction that waits whose id begins so."""
        state = self.view.state
        ids = [RecordId(key[1:]) for key, _ in state.items(EVENT)]
        ids += [RecordId(id) for id, _ in consent.open_corrections(state)]
        ids += [RecordId(key[1:]) for key, _ in state.items(agents.CLAIM)]
        ids += [RecordId(key[len(REFERRAL) :]) for key, _ in state.items(REFERRAL)]
        try:
            return begins(ids, text)
        except UnknownId:
            member = self._member_called(text)
            if member is None:
                raise
        way = self.words("{name} is a member; for all that they gave: weal attest --member {name}")
        raise UnknownId(way.format(name=self.view.name(member)))

    def _member_called(self, text: str) -> MemberId | None:
        """Return the member of this name; None without one."""
        try:
            return self.view.member(text)
        except (UnknownId, AmbiguousId):
            return None

    def _unattested(
        self, giver: bytes | None, scope: str | None
    ) -> list[tuple[RecordId, EventRow]]:
        """Return `unattested`. Raises UsageError when it is more than ATTESTED_AT_ONCE_MAX."""
        fitting = unattested(self.view, giver, scope)
        if len(fitting) > ATTESTED_AT_ONCE_MAX:
            text = self.words("more than {most} fit; say which")
            raise UsageError(text.format(most=f"{ATTESTED_AT_ONCE_MAX:,}"))
        return fitting


def unattested(
    view: LedgerView, giver: bytes | None = None, scope: str | None = None
) -> list[tuple[RecordId, EventRow]]:
    """Return what others wrote and gave and this member said nothing of, the earliest first.

    giver, scope: only what this agent gave, and what is for this project or place.
    """
    fitting: list[tuple[RecordId, EventRow]] = []
    for id in _candidates(view, scope):
        row = EventRow(*view.state.get(EVENT + id))
        provider = agents.person(view.state, row.provider)
        if view.me in (provider, row.member) or (giver is not None and provider != giver):
            continue
        if row.action not in view.kept.ruleset.values and credit.is_payment(view.state, id):
            continue  # it takes from its author, and nobody is asked
        said = row.corrections and view.state.get(attestation.attestation_key(id, row, view.me))
        if not said and not is_withdrawn(view.state, id, row):
            fitting.append((id, row))
    return fitting


def _candidates(view: LedgerView, scope: str | None) -> list[RecordId]:
    """Return the contributions of others of which this member said nothing, the earliest first.

    Where one was corrected, they may have spoken of it as it is now.
    """
    me = bytes(view.me)
    uncorrected = (0).to_bytes(attestation.CORRECTIONS_BYTES) + me
    statement = (
        f"SELECT id FROM event_row WHERE member_number IS NOT {AGENT.format(1)}"  # noqa: S608
        f" AND provider_number IS NOT {AGENT.format(1)} AND (corrections > 0"
        " OR NOT EXISTS (SELECT 1 FROM attest_row WHERE key = CAST(event_row.id || ?2 AS BLOB)))"
        " AND (?3 ISNULL OR scope = ?3) ORDER BY clock, id"
    )
    rows = view.kept.layers.rows(statement, (me, uncorrected, scope))
    return [RecordId(id) for (id,) in rows]


def unanswered_corrections(view: LedgerView) -> list[tuple[RecordId, CorrectionRow]]:
    """Return the corrections that wait for this member's consent, on which they said nothing.

    For a former member others answer, so this member is asked then too, except of their own.
    """
    state = view.state
    return [
        (RecordId(id), row)
        for id, row in consent.open_corrections(state)
        if row.member != view.me
        and (view.me in row.asked or not all(is_active(state, member) for member in row.asked))
        and state.get(attestation.SAID + id + view.me) is None
    ]


def unattested_claims(view: LedgerView) -> list[tuple[RecordId, AgentClaimRow]]:
    """Return who claims to be an agent outside, without effect yet and a word of this member."""
    state, waiting = view.state, []
    for key, value in state.items(agents.CLAIM):
        row, id = AgentClaimRow(*value), RecordId(key[len(agents.CLAIM) :])
        is_open = row.member != view.me and state.get(agents.CLAIMED + row.agent) is None
        if is_open and state.get(attestation.SAID + id + view.me) is None:
            waiting.append((id, row))
    return waiting


def claim_words(view: LedgerView, row: AgentClaimRow) -> str:
    """Return a claim to be an agent outside as people read it."""
    return view.words("claims to be {agent}").format(agent=view.name(row.agent))
