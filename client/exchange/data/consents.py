"""Consents: to grant, ask, end and read them, and to use data of another under one."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from commonweal.client.access import HomeAccess, prefix
from commonweal.client.exchange.data.consent_rows import (
    DataUse,
    ListedConsent,
    NewConsent,
    NewUse,
    OwnedContent,
)
from commonweal.client.exchange.data.consent_states import (
    all_consents,
    all_uses,
    data_name,
    disposes,
    earned,
    listed_consent,
    listed_use,
)
from commonweal.client.home.submit import now_ms
from commonweal.client.language.quantity import exact, read_quantity
from commonweal.client.ledger.names.named import find_resource
from commonweal.client.ledger.words.notes import note_body
from commonweal.protocol.errors import UsageError
from commonweal.protocol.ledger.exchange.data.consents import (
    CONSENT,
    USE,
    ConsentRow,
    consent_row,
    is_recipient,
)
from commonweal.protocol.ledger.exchange.data.contents import DATA, DataRow, data_row
from commonweal.protocol.ledger.exchange.data.uses import uses_of
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.vocabulary.identifiers import CODE_CHARACTERS_MAX, is_name, normal_name

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

ALL = "all"
"""Whoever is a member, where recipients are named."""


class Consents(HomeAccess):
    """What members let others do with their data, and what they did."""

    def owned_data(self) -> list[OwnedContent]:
        """Return the data that is this member's, or the community's for which they speak."""
        view, now = self.view, now_ms()
        owned: list[OwnedContent] = []
        for key, _ in view.state.items(DATA):
            resource = key[len(DATA) :]
            row = data_row(view.state, resource)
            if row is None or not disposes(view, row.owner):
                continue
            uses = [
                listed_use(view, event)
                for event, use in uses_of(view.state, row.owner or b"")
                if use.resource == resource
            ]
            given = [id for id, consent in all_consents(view) if consent.resource == resource]
            valid = [id for id in given if listed_consent(view, id, now).valid]
            name, id = data_name(view, resource), RecordId(resource)
            erased = row.is_erased
            owned.append(
                OwnedContent(id, name, row.size, erased, len(valid), len(uses), earned(uses))
            )
        return sorted(owned, key=lambda row: (row.name, row.id))

    def consents(self, *, ended: bool = False) -> list[ListedConsent]:
        """Return the consents and requests of this member and for them, the newest first.

        ended: those too that are over, refused or ended.
        """
        view, now = self.view, now_ms()
        rows = [listed_consent(view, id, now) for id, _ in all_consents(view)]
        mine = [row for row in rows if self._concerns_me(row)]
        shown = [row for row in mine if ended or row.yours or row.valid]
        return sorted(shown, key=lambda row: (-view.clock(row.id), row.id))

    def consent(self, id: str | bytes) -> ListedConsent:
        """Return a consent or a request. Raises UnknownId, AmbiguousId."""
        return listed_consent(self.view, self.view.id_among(prefix(id), CONSENT), now_ms())

    def data_uses(self) -> list[DataUse]:
        """Return the uses of this member's data, and theirs of data of others, newest first."""
        view = self.view
        mine = [
            event
            for event, use in all_uses(view)
            if use.user == view.me or disposes(view, use.owner)
        ]
        return [listed_use(view, event) for event in sorted(mine, key=view.clock, reverse=True)]

    def grant_consent(
        self,
        named: str | bytes,
        purposes: Sequence[str],
        recipients: Sequence[str],
        notice: str,
        *,
        actions: Sequence[str] = (USE,),
        begin_ms: int | None = None,
        end_ms: int | None = None,
        language: str | None = None,
        per_use: tuple[str | int | Decimal, str] | None = None,
        pool: str | None = None,
        replaces: str | bytes | None = None,
        answers: str | bytes | None = None,
    ) -> NewConsent:
        """Let others use data of this member. notice: what they are told, kept for ever.

        named: the data, by id or name. recipients: members, roles, or "all". end_ms: None until it
        is revoked. per_use: what each use costs, and its unit; or pool: each use gives a share of
        what comes to it. replaces: a consent that ends with this. answers: a request. Raises
        UnknownId, AmbiguousId, UnreadableQuantity, UnusableText, WouldNotCount.
        """
        resource = self._data(named)
        if not recipients:
            raise UsageError(self.words("say who may use it: members, roles, or all"))
        data = self._said(resource, purposes, recipients, actions, begin_ms, end_ms, language)
        if per_use is not None:
            quantity = read_quantity(str(per_use[0]), per_use[1], self.words)
            data["benefit"] = {"perUse": quantity}
        elif pool is not None:
            data["benefit"] = {"pool": pool}
        for key, id in (("replaces", replaces), ("answers", answers)):
            if id is not None:
                data[key] = bytes(self.view.id_among(prefix(id), CONSENT))
        return self._write_consent("consent.grant", data, resource, notice)

    def ask_consent(
        self,
        named: str | bytes,
        purposes: Sequence[str],
        notice: str,
        *,
        recipients: Sequence[str] = (),
        actions: Sequence[str] = (USE,),
        end_ms: int | None = None,
        language: str | None = None,
    ) -> NewConsent:
        """Ask the owner of data for a consent: for this member, unless recipients are named.

        Raises as `grant_consent`.
        """
        resource = self._data(named)
        data = self._said(resource, purposes, recipients, actions, None, end_ms, language)
        return self._write_consent("consent.ask", data, resource, notice)

    def answer_request(
        self,
        id: str | bytes,
        notice: str | None = None,
        *,
        end_ms: int | None = None,
        per_use: tuple[str | int | Decimal, str] | None = None,
        pool: str | None = None,
    ) -> NewConsent:
        """Consent to what a request asks, until `end_ms`; None: until it asks.

        notice: None for the words of the request. Raises as `grant_consent`.
        """
        request = self._row(id)
        asked = self.consent(id)
        words = notice or asked.notice or ""
        resource = RecordId(request.resource)
        until = end_ms if end_ms is not None else request.end
        data = _terms(request) | {"answers": bytes(asked.id)}
        data |= {} if until is None else {"until": until}
        if per_use is not None:
            quantity = read_quantity(str(per_use[0]), per_use[1], self.words)
            data["benefit"] = {"perUse": quantity}
        elif pool is not None:
            data["benefit"] = {"pool": pool}
        return self._write_consent("consent.grant", data, resource, words)

    def revoke_consent(self, id: str | bytes) -> NewConsent:
        """End a consent, refuse a request, or take one back: no use counts after its place.

        What was read cannot be unread. Raises UnknownId, AmbiguousId, WouldNotCount.
        """
        consent = self.view.id_among(prefix(id), CONSENT)
        row = self._row(consent)
        name = data_name(self.view, row.resource)
        written = self._write_one("consent.revoke", {"consent": bytes(consent)})
        return NewConsent(written.id, written.seq, consent, name)

    def void_consent(self, id: str | bytes, *, note: str | None = None) -> NewConsent:
        """Propose that a consent counts no more; members vote. note: why; it is kept for ever.

        Also what the community itself consents to. Uses before the seal that counts the votes stand
        and pay. Raises UnknownId, AmbiguousId, UnusableText, WouldNotCount.
        """
        consent = self.view.id_among(prefix(id), CONSENT)
        body = note_body(note, permanent=True, words=self.words)
        data = {"subject": "consent", "consent": bytes(consent)}
        written = self._write_one("rules.propose", data, (consent,), body)
        name = data_name(self.view, self._row(consent).resource)
        return NewConsent(written.id, written.seq, consent, name)

    def use_data(
        self,
        named: str | bytes,
        purpose: str,
        *,
        consent: str | bytes | None = None,
        action: str = USE,
        note: str | None = None,
    ) -> NewUse:
        """Write that this member uses data of another, which promises the owner what it costs.

        consent: None for the one in force for them and the purpose that costs least. Raises
        UnknownId, AmbiguousId, UsageError without a consent, WouldNotCount.
        """
        view, resource = self.view, self._data(named)
        chosen = self._covering(resource, purpose, action) if consent is None else prefix(consent)
        id = view.id_among(chosen, CONSENT)
        row = self._row(id)
        quantity = {"n": 1, "scale": 0, "unit": "one"}
        data: dict[str, Any] = {"action": action, "provider": row.giver or b""}
        data |= {"receiver": bytes(view.me), "resourceInventoriedAs": bytes(resource)}
        data |= {"resourceQuantity": quantity, "consent": bytes(id)}
        data["purpose"] = normal_name(purpose)
        name, owner_name = data_name(view, resource), view.name(row.giver)
        per_use = row.benefit if isinstance(row.benefit, list) else None
        written = self._write_one("event", data, (), note_body(note, words=self.words))
        return NewUse(
            written.id,
            written.seq,
            resource,
            name,
            id,
            owner_name,
            None if per_use is None else exact(*per_use[:2]),
            None if per_use is None else per_use[2],
        )

    def _covering(self, resource: RecordId, purpose: str, action: str) -> str:
        """Return the id of a consent by which this member may use data for a purpose."""
        view, now = self.view, now_ms()
        listed = [
            listed_consent(view, id, now)
            for id, row in all_consents(view)
            if row.resource == resource and row.giver is not None
        ]
        wanted = normal_name(purpose)
        fitting = [row for row in listed if row.covers_you and wanted in row.purposes]
        fitting = [row for row in fitting if action in row.actions]
        if not fitting:
            text = self.words(
                "nobody consents that you use {name} for {purpose}: weal consent ask asks for it"
            )
            name = data_name(view, resource)
            raise UsageError(text.format(name=name, purpose=wanted[:CODE_CHARACTERS_MAX]))
        return min(fitting, key=lambda row: (row.per_use or Decimal(0), row.id)).id.hex()

    def _said(
        self,
        resource: RecordId,
        purposes: Sequence[str],
        recipients: Sequence[str],
        actions: Sequence[str],
        begin_ms: int | None,
        end_ms: int | None,
        language: str | None,
    ) -> dict[str, Any]:
        codes = sorted(dict.fromkeys(normal_name(purpose) for purpose in purposes))
        if not codes or not all(is_name(code, CODE_CHARACTERS_MAX) for code in codes):
            text = self.words("a purpose is one or a few words, of at most {most} characters")
            raise UsageError(text.format(most=CODE_CHARACTERS_MAX))
        named = [_recipient(self.view, name) for name in recipients] or [bytes(self.view.me)]
        data: dict[str, Any] = {"resource": bytes(resource), "purposes": codes}
        data |= {"actions": sorted(dict.fromkeys(actions)), "recipients": [*dict.fromkeys(named)]}
        data["language"] = language or self.words.language
        for key, time in (("from", begin_ms), ("until", end_ms)):
            data |= {} if time is None else {key: time}
        return data

    def _write_consent(
        self, kind: str, data: dict[str, Any], resource: RecordId, notice: str
    ) -> NewConsent:
        body = note_body(notice, permanent=True, words=self.words)
        name = data_name(self.view, resource)
        written = self._write_one(kind, data, (), body)
        return NewConsent(written.id, written.seq, written.id, name)

    def _data(self, named: str | bytes) -> RecordId:
        view = self.view
        resource = find_resource(view, prefix(named))
        if self._data_row(resource) is not None:
            return resource
        text = self.words("{name} is no data: keep some with weal data add FILE --as NAME")
        raise UsageError(text.format(name=data_name(view, resource)))

    def _data_row(self, resource: bytes) -> DataRow | None:
        return data_row(self.view.state, resource)

    def _row(self, id: str | bytes) -> ConsentRow:
        row = consent_row(self.view.state, self.view.id_among(prefix(id), CONSENT))
        assert row is not None, "it is a consent"
        return row

    def _concerns_me(self, row: ListedConsent) -> bool:
        view = self.view
        is_mine = row.member == view.me or row.asks_you
        if is_mine or row.giver is None or disposes(view, row.giver):
            return is_mine or row.giver is not None
        return is_recipient(view.state, self._row(row.id), view.me, view.community)


def _recipient(view: LedgerView, name: str) -> bytes | str:
    """Return who is meant: all, a role of the rules, or a member."""
    if name == ALL:
        return bytes(view.community)
    return name if name in view.kept.rules.roles else bytes(view.member(name))


def _terms(row: ConsentRow) -> dict[str, Any]:
    """Return what a request says, as a record does."""
    data: dict[str, Any] = {"resource": row.resource, "purposes": row.purposes}
    data |= {"actions": row.actions, "recipients": row.recipients, "language": row.language}
    return data | ({} if row.begin is None else {"from": row.begin})
