"""Consents and uses of data, as members read them: results of `Consents`, and words for states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from commonweal.client.language.words import N_
from commonweal.protocol.ledger.exchange.data import consents
from commonweal.protocol.records.record import RecordId

LATER, EXPIRED, ENDED = "later", "expired", "ended"
"""How a consent stands by the time, or because its giver or its data is gone."""

STATES: Final = {
    consents.ASKED: N_("asked"),
    consents.ANSWERED: N_("answered"),
    consents.REFUSED: N_("refused"),
    consents.GIVEN: N_("given"),
    consents.RENEWED: N_("renewed"),
    LATER: N_("given, from later on"),
    consents.REPLACED: N_("replaced by another"),
    consents.WITHDRAWN: N_("withdrawn"),
    EXPIRED: N_("expired"),
    ENDED: N_("ended: its giver or its data is gone"),
    consents.INVALIDATED: N_("declared void by a vote"),
}
"""How a consent or a request stands, and the words for it."""

VALID: Final = (consents.GIVEN, consents.RENEWED)
"""The states in which a use counts."""

ENDABLE: Final = (consents.ASKED, *VALID, LATER)
"""The states that somebody can still end."""

DPV_STATES: Final[Mapping[str, str]] = {
    consents.ASKED: "ConsentRequested",
    consents.ANSWERED: "ConsentRequested",
    consents.REFUSED: "ConsentRefused",
    consents.GIVEN: "ConsentGiven",
    consents.RENEWED: "RenewedConsentGiven",
    LATER: "ConsentRequestDeferred",
    consents.REPLACED: "ConsentWithdrawn",
    consents.WITHDRAWN: "ConsentWithdrawn",
    EXPIRED: "ConsentExpired",
    ENDED: "ConsentTerminated",
    consents.INVALIDATED: "ConsentInvalidated",
}
"""The state of a consent in the words of the Data Privacy Vocabulary, version 2.3."""

DPV_VALID: Final = ("ConsentGiven", "RenewedConsentGiven")
DPV_INVALID: Final = (
    *("ConsentUnknown", "ConsentRequested", "ConsentRequestDeferred", "ConsentRefused"),
    *("ConsentWithdrawn", "ConsentExpired", "ConsentTerminated", "ConsentInvalidated"),
)
"""Its states by whether data may be processed; an id that nobody knows is ConsentUnknown."""


@dataclass(frozen=True, slots=True)
class ListedConsent:
    """A consent, or a request for one, which has no giver. Times are ms since 1970.

    resource: the data; name: of it. member: who wrote it. recipients: names of members and roles.
    per_use, unit: what each use costs; pool: of which each use gives a share. state: a key of
    STATES; valid: whether a use counts now. uses: how many counted. yours: this member can end it.
    asks_you: it is a request that they can answer. covers_you: they may use the data by it now.
    """

    id: RecordId
    resource: RecordId
    name: str
    member: bytes
    member_name: str
    giver: bytes | None
    giver_name: str | None
    purposes: tuple[str, ...]
    actions: tuple[str, ...]
    recipients: tuple[str, ...]
    begin_ms: int | None
    end_ms: int | None
    language: str
    notice: str | None
    per_use: Decimal | None
    unit: str | None
    pool: str | None
    replaces: RecordId | None
    answers: RecordId | None
    state: str
    valid: bool
    uses: int
    yours: bool
    asks_you: bool
    covers_you: bool


@dataclass(frozen=True, slots=True)
class DataUse:
    """A use of data that counts. owed, unit: what it promises the owner; open: what is not paid."""

    id: RecordId
    resource: RecordId
    name: str
    consent: RecordId
    purpose: str
    user: bytes
    user_name: str
    owner: bytes
    owner_name: str
    when_ms: int | None
    owed: Decimal | None
    open: Decimal | None
    unit: str | None
    pool: str | None


@dataclass(frozen=True, slots=True)
class OwnedContent:
    """Data of this member, or of the community for which they speak. size: in bytes.

    consents: in force now. uses: that counted. earned: by unit, what uses promise and what of it
    was paid.
    """

    id: RecordId
    name: str
    size: int
    erased: bool
    consents: int
    uses: int
    earned: tuple[tuple[str, Decimal, Decimal], ...]


@dataclass(frozen=True, slots=True)
class NewConsent:
    """A consent, a request or an end that was written. consent: which it is about."""

    id: RecordId
    seq: int
    consent: RecordId
    name: str


@dataclass(frozen=True, slots=True)
class NewUse:
    """A use that was written. per_use, unit: what it promises its owner; None for nothing."""

    id: RecordId
    seq: int
    resource: RecordId
    name: str
    consent: RecordId
    owner_name: str
    per_use: Decimal | None
    unit: str | None
