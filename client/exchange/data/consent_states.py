"""How consents stand for who reads them now, and what of uses is paid. Nothing is written here."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from commonweal.client.exchange.data.consent_rows import (
    ENDABLE,
    ENDED,
    EXPIRED,
    LATER,
    VALID,
    DataUse,
    ListedConsent,
)
from commonweal.client.language.quantity import exact
from commonweal.client.ledger.rows.contribution_rows import spec_name
from commonweal.client.ledger.words.texts import proposal_text_of
from commonweal.protocol.ledger.exchange.commitments import commitment_row
from commonweal.protocol.ledger.exchange.data.consents import (
    ASKED,
    CONSENT,
    STANDING,
    ConsentRow,
    consent_row,
    is_lasting,
    is_recipient,
)
from commonweal.protocol.ledger.exchange.data.contents import data_row, is_own
from commonweal.protocol.ledger.exchange.data.uses import DATA_USE, UseRow, use_row, uses_of
from commonweal.protocol.ledger.state.context import Context
from commonweal.protocol.ledger.things.event_row import event_row
from commonweal.protocol.ledger.things.resources import resource_row
from commonweal.protocol.records.record import RecordId

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView


def data_name(view: LedgerView, resource: bytes) -> str:
    """Return what data is called: its specification, or the beginning of its id."""
    row = resource_row(view.state, resource)
    name = None if row is None else spec_name(view, row.spec)
    return name or resource.hex()[:12]


def disposes(view: LedgerView, owner: bytes | None) -> bool:
    """Return whether this member disposes of the data of an owner."""
    kept = view.kept
    context = Context(kept.community, kept.cut, kept.rules, view.me)
    return owner is not None and is_own(view.state, context, owner)


def consent_state(view: LedgerView, row: ConsentRow, now_ms: int) -> str:
    """Return how a consent or a request stands at a time, a key of STATES."""
    if row.status not in STANDING:
        return row.status
    if not is_lasting(view.state, row, view.community):
        return ENDED
    if row.is_over(now_ms):
        return EXPIRED
    return LATER if row.begin is not None and now_ms < row.begin else row.status


def listed_consent(view: LedgerView, id: bytes, now_ms: int) -> ListedConsent:
    """Return a consent or a request, as it stands at a time."""
    row = consent_row(view.state, id)
    assert row is not None, "it is a consent"
    state, data = consent_state(view, row, now_ms), data_row(view.state, row.resource)
    owner = row.giver if data is None or row.giver is not None else data.owner
    per_use = row.benefit if isinstance(row.benefit, list) else None
    is_yours = disposes(view, owner) or (row.giver is None and row.member == view.me)
    covers = state in VALID and is_recipient(view.state, row, view.me, view.community)
    return ListedConsent(
        id=RecordId(id),
        resource=RecordId(row.resource),
        name=data_name(view, row.resource),
        member=row.member,
        member_name=view.name(row.member),
        giver=row.giver,
        giver_name=None if row.giver is None else view.name(row.giver),
        purposes=tuple(row.purposes),
        actions=tuple(row.actions),
        recipients=tuple(recipient_names(view, row)),
        begin_ms=row.begin,
        end_ms=row.end,
        language=row.language,
        notice=proposal_text_of(view.store, RecordId(id)),
        per_use=None if per_use is None else exact(*per_use[:2]),
        unit=None if per_use is None else per_use[2],
        pool=row.pool,
        replaces=None if row.replaces is None else RecordId(row.replaces),
        answers=None if row.answers is None else RecordId(row.answers),
        state=state,
        valid=state in VALID,
        uses=sum(use.consent == id for _, use in uses_of(view.state, row.giver or b"")),
        yours=is_yours and state in ENDABLE,
        asks_you=state == ASKED and disposes(view, owner),
        covers_you=covers and not disposes(view, owner),
    )


def recipient_names(view: LedgerView, row: ConsentRow) -> Iterator[str]:
    """Yield who a consent is given to: names of members, and of roles."""
    for recipient in row.recipients:
        if recipient == view.community:
            yield view.words("all members")
        else:
            yield recipient if isinstance(recipient, str) else view.name(recipient)


def all_consents(view: LedgerView) -> Iterator[tuple[bytes, ConsentRow]]:
    """Yield every consent and request, by id."""
    for key, value in view.state.items(CONSENT):
        yield key[len(CONSENT) :], ConsentRow(*value)


def all_uses(view: LedgerView) -> Iterator[tuple[bytes, UseRow]]:
    """Yield every use of another's data that counts, by id."""
    for key, value in view.state.items(DATA_USE):
        yield key[len(DATA_USE) :], UseRow(*value)


def listed_use(view: LedgerView, event: bytes) -> DataUse:
    """Return a use of data, and what of its promise is paid."""
    use, row = use_row(view.state, event), event_row(view.state, event)
    assert use is not None and row is not None, "it is a use"
    promise = commitment_row(view.state, event)
    owed = is_open = unit = None
    if promise is not None:
        owed, unit = exact(*promise.quantity[:2]), promise.quantity[2]
        is_open = exact(promise.open.n, promise.open.scale)
    return DataUse(
        id=RecordId(event),
        resource=RecordId(use.resource),
        name=data_name(view, use.resource),
        consent=RecordId(use.consent),
        purpose=use.purpose,
        user=row.receiver or use.user,
        user_name=view.name(row.receiver or use.user),
        owner=use.owner,
        owner_name=view.name(use.owner),
        when_ms=row.time_ms or None,
        owed=owed,
        open=is_open,
        unit=unit,
        pool=use.pool,
    )


def earned(uses: list[DataUse]) -> tuple[tuple[str, Decimal, Decimal], ...]:
    """Return (unit, what uses promise, what of it was paid), by unit."""
    sums: dict[str, tuple[Decimal, Decimal]] = {}
    for use in uses:
        if use.unit is not None and use.owed is not None and use.open is not None:
            owed, paid = sums.get(use.unit, (Decimal(0), Decimal(0)))
            sums[use.unit] = owed + use.owed, paid + use.owed - use.open
    return tuple((unit, *amounts) for unit, amounts in sorted(sums.items()))
