"""An archive in the village: Jun has data, and others ask for it and use it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from commonweal.protocol.ledger.exchange.commitments import CommitmentRow, commitment_row
from commonweal.protocol.ledger.exchange.data.consents import ConsentRow, consent_row
from commonweal.protocol.ledger.exchange.data.contents import DataRow, data_row
from commonweal.protocol.ledger.exchange.data.uses import UseRow, use_row
from commonweal.protocol.records import record
from commonweal.protocol.records.record import Record
from commonweal.protocol.vocabulary.rule_params import DEFAULT_PARAMS, DataRules, Role, RuleParams
from tests.protocol.ledger.bakery import amount
from tests.protocol.ledger.library import Library
from tests.protocol.ledger.scenes import quantity
from tests.protocol.ledger.village import TEXT, Pen, seed

NOTICE_TEXT = b"Your data is used for research."
NOTICE = record.permanent_body(NOTICE_TEXT)
ROLES = {**DEFAULT_PARAMS.roles, "researcher": Role(), "speaker": Role()}
RULES = replace(DEFAULT_PARAMS, roles=ROLES, data=DataRules(pools=("income",)))


class Archive(Library):
    """Jun has data, `data`; Lin and Ana use it."""

    def __init__(self, rules: RuleParams = RULES) -> None:
        super().__init__(rules)
        self.data = self.add(self.jun)

    def add(self, pen: Pen, owner: bytes | None = None, **over: Any) -> Record:
        """Let somebody raise data of theirs, or of another owner."""
        said: dict[str, Any] = {"newInventoriedResource": {}}
        said |= {"resourceConformsTo": self.book.id}
        said |= {"content": {"hash": seed("content", len(self.records)), "size": 1_000}}
        said |= {"provider": owner} if owner else {}
        return self.event(pen, "raise", said | amount(1, "one") | over, *self._last())

    def consent(self, pen: Pen, kind: str, data: dict[str, Any], *deps: Record) -> Record:
        """Write a record of consents."""
        has_notice = kind in ("consent.grant", "consent.ask")
        return pen.write(kind, data, [*deps, *self._last()], NOTICE if has_notice else None)

    def said(self, **over: Any) -> dict[str, Any]:
        """Return what a consent says: research by Lin, for nothing and without end."""
        usual: dict[str, Any] = {"resource": self.data.id, "purposes": ["research"]}
        usual |= {"recipients": [self.lin.owner.id], "language": "en"}
        return {key: value for key, value in (usual | over).items() if value is not None}

    def grant(self, pen: Pen | None = None, **over: Any) -> Record:
        """Let Jun consent."""
        return self.consent(pen or self.jun, "consent.grant", self.said(**over), self.data)

    def request(self, pen: Pen | None = None, **over: Any) -> Record:
        """Let Lin ask for a consent."""
        return self.consent(pen or self.lin, "consent.ask", self.said(**over), self.data)

    def revoke(self, consent: Record, pen: Pen | None = None) -> Record:
        """Let Jun end a consent, or refuse a request."""
        return self.consent(pen or self.jun, "consent.revoke", {"consent": consent.id}, consent)

    def use(self, under: Record | None, pen: Pen | None = None, **over: Any) -> Record:
        """Let Lin use the data for research, under a consent."""
        writer = pen or self.lin
        said = {"provider": self.jun.owner.id, "receiver": writer.owner.id, "purpose": "research"}
        said |= {"resourceInventoriedAs": self.data.id} | amount(1, "one")
        said |= {} if under is None else {"consent": under.id}
        return self.event(writer, "use", said | over, *self._cited(under))

    def erase(self, pen: Pen, erased: Record) -> Record:
        """Ask for the content that a record began to be erased."""
        return pen.write("body.erase", {"record": erased.id}, [erased, *self._last()])

    def give_away(self, to: Pen) -> Record:
        """Let Jun give the data to another."""
        said = {"resourceInventoriedAs": self.data.id, "receiver": to.owner.id}
        said |= {"newInventoriedResource": {}} | amount(1, "one")
        return self.event(self.jun, "transfer", said, *self._last())

    def consent_row(self, consent: Record) -> ConsentRow:
        """Return a consent in the state."""
        row = consent_row(self.state, consent.id)
        assert row is not None, self.verdict(consent)
        return row

    def use_row(self, use: Record) -> UseRow | None:
        """Return a use in the state."""
        return use_row(self.state, use.id)

    def data_row(self, resource: Record) -> DataRow:
        """Return data in the state."""
        row = data_row(self.state, resource.id)
        assert row is not None, self.verdict(resource)
        return row

    def owed(self, use: Record) -> CommitmentRow | None:
        """Return what a use promises."""
        return commitment_row(self.state, use.id)

    def _cited(self, consent: Record | None) -> Sequence[Record]:
        return [*([] if consent is None else [consent]), self.data, *self._last()]


def per_use(n: int, scale: int = 2, unit: str = "EUR") -> dict[str, Any]:
    """Return the benefit of so much for each use."""
    return {"perUse": quantity(n, unit, scale)}


TEXT_REF = TEXT
"""The reference of a text that can be erased."""
