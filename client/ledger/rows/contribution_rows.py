"""What the ledger says of contributions and resources, as values: the results of `Member`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from commonweal.client.language.plain import OPTIONAL
from commonweal.client.language.quantity import exact, shown_action, shown_unit
from commonweal.client.language.times import shown_when
from commonweal.client.ledger.rows.promise_rows import PromiseState
from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.things import units_and_specs
from commonweal.protocol.ledger.things.event_row import event_row
from commonweal.protocol.records.record import CommunityId, RecordId
from commonweal.storage.ledger.contributions.event_times import time_of
from commonweal.storage.ledger.contributions.points_in_time import PointInTime

if TYPE_CHECKING:
    from commonweal.client.ledger.forecast import Forecast
    from commonweal.client.ledger.ledger_view import LedgerView
    from commonweal.protocol.ledger.contributions.consent import CorrectionRow
    from commonweal.protocol.ledger.things.event_row import EventRow
    from commonweal.protocol.ledger.things.resources import ResourceRow


@dataclass(frozen=True, slots=True)
class RecordedContribution:
    """A contribution that was written: what it says, and what the rules will make of it.

    when: the date that it states; None where it states none. promise: that which it keeps, after
    it; None where it names none.
    """

    id: RecordId
    seq: int
    action: str
    quantity: Decimal
    unit: str
    forecast: Forecast
    when: PointInTime | None
    promise: PromiseState | None


@dataclass(frozen=True, slots=True)
class ContributionState:
    """A contribution as the fold counts it. final: its value is booked by a seal.

    when: it happened; None while its record is not here, after a state sync.
    """

    id: RecordId
    action: str
    quantity: Decimal | None
    unit: str | None
    provider: bytes
    provider_name: str
    receiver: bytes | None
    scope: str | None
    yes: int
    no: int
    disputes: int
    corrections: int
    final: bool
    when: PointInTime | None


@dataclass(frozen=True, slots=True)
class WaitingRecord:
    """What waits for the member's word. kind: "event", "correction" or "agent".

    when: the contribution happened, or that which is corrected; None for an agent.
    """

    id: RecordId
    kind: str
    event: RecordId
    member: MemberId
    member_name: str
    words: str
    when: PointInTime | None


@dataclass(frozen=True, slots=True)
class Correction:
    """A correction that was written.

    waits_for: whose yes it still needs. forecast: what the rules will make of the contribution
    as it now stands.
    """

    id: RecordId
    seq: int
    event: RecordId
    waits_for: tuple[MemberId, ...]
    forecast: Forecast


@dataclass(frozen=True, slots=True)
class Statement:
    """What was said of a contribution: the record that says it, and of which it is."""

    id: RecordId
    event: RecordId
    seq: int


@dataclass(frozen=True, slots=True)
class RecordBody:
    """The text, file or sealed content of a record. text: None where it is no text, or not here.

    sealed: only the devices that it names can read it.
    """

    hash: bytes
    size: int
    permanent: bool
    held: bool
    erased: bool
    media_type: str | None = None
    text: str | None = None
    sealed: bool = False

    @property
    def is_text(self) -> bool:
        """Whether it is a text or file that everybody can read and that can be erased."""
        return not (self.permanent or self.sealed)


@dataclass(frozen=True, slots=True)
class RecordDetails:
    """One record in full.

    when: what an event records happened; None for other kinds.
    signature: "good", "covered" by a later one, or "void". counts: whether the fold takes it, else
    `reason` says why not. holders: peers that hold it; None where no node runs here.
    """

    id: RecordId
    community: CommunityId
    author: DeviceKey
    member: MemberId | None
    member_name: str | None
    seq: int
    prev: bytes
    clock: int
    basis: bytes
    deps: tuple[RecordId, ...]
    when: PointInTime | None
    claimed_at_ms: int
    kind: str
    data: dict[str, Any]
    body: RecordBody | None
    signature: str
    sealed: bool
    sealed_at: int | None
    counts: bool
    reason: Reason | None
    waits_for: tuple[MemberId, ...]
    holders: tuple[bytes, ...] | None


@dataclass(frozen=True, slots=True)
class ResourceState:
    """A resource: how much is in the books and on hand, whose it is, and who has it."""

    id: RecordId
    name: str | None
    unit: str
    accounting: Decimal
    onhand: Decimal
    accountable: bytes
    accountable_name: str
    custodian: bytes
    custodian_name: str
    stage: str | None
    state: str | None
    location: str | None


@dataclass(frozen=True, slots=True)
class TracedThing:
    """One thing on the way. sort: "event", "resource" or "process"; parent: what led here."""

    depth: int
    sort: str
    id: bytes
    parent: bytes
    words: str
    event: ContributionState | None = field(default=None, metadata={OPTIONAL: True})


@dataclass(frozen=True, slots=True)
class TraceTree:
    """What went into a thing, and what came of it; depth-first, each thing once."""

    id: bytes
    sort: str
    words: str
    upstream: tuple[TracedThing, ...]
    downstream: tuple[TracedThing, ...]


def amount(value: Sequence[Any] | None) -> tuple[Decimal | None, str | None]:
    """Return number and unit of a quantity of the state, [n, scale, unit]."""
    return (None, None) if value is None else (exact(value[0], value[1]), value[2])


def contribution_state(view: LedgerView, id: bytes, row: EventRow) -> ContributionState:
    """Return a contribution as the fold has it."""
    from commonweal.protocol.ledger.sharing.valuation import booked_at

    number, unit = amount(row.quantity or row.effort)
    return ContributionState(
        id=RecordId(id),
        action=row.action,
        quantity=number,
        unit=unit,
        provider=row.provider,
        provider_name=view.name(row.provider),
        receiver=row.receiver,
        scope=row.scope,
        yes=row.yes,
        no=row.no,
        disputes=row.disputes,
        corrections=row.corrections,
        final=booked_at(view.final, id) is not None,
        when=happened(view, id),
    )


def event_words(view: LedgerView, id: bytes) -> str:
    """Return a contribution as people read it, with its date where its author states one."""
    row = event_row(view.state, id)
    if row is None:
        return f"?{id.hex()[:8]}"
    number, unit = amount(row.quantity or row.effort)
    parts = (
        shown_action(row.action, view.words),
        "" if number is None else format(number, "f"),
        shown_unit(unit or "", view.words),
    )
    text = f"{' '.join(filter(None, parts))} · {view.name(row.provider)}"
    if row.receiver:
        text += f" → {view.name(row.receiver)}"
    time = time_of(view.kept.layers, id)
    return f"{text} · {shown_when(time.when)}" if time is not None and time.is_stated else text


def happened(view: LedgerView, id: bytes) -> PointInTime | None:
    """Return when a contribution that counts happened; None while its record is not here."""
    time = time_of(view.kept.layers, id)
    return time and time.when


def correction_words(view: LedgerView, row: CorrectionRow) -> str:
    """Return a correction that waits as people read it."""
    number, unit = amount(row.quantity or row.effort)
    more = f"{number or 0:+f} {shown_unit(unit or '', view.words)}"
    return view.words("{more} for: {event}").format(more=more, event=event_words(view, row.event))


def resource_state(view: LedgerView, id: bytes, row: ResourceRow) -> ResourceState:
    """Return a resource as the fold has it."""
    return ResourceState(
        id=RecordId(id),
        name=spec_name(view, row.spec),
        unit=row.unit,
        accounting=exact(row.accounting, row.scale),
        onhand=exact(row.onhand, row.scale),
        accountable=row.accountable,
        accountable_name=view.name(row.accountable),
        custodian=row.custodian,
        custodian_name=view.name(row.custodian),
        stage=spec_name(view, row.stage or None),
        state=row.state,
        location=row.location,
    )


def spec_name(view: LedgerView, spec: bytes | None) -> str | None:
    """Return the name of a specification of resources or processes."""
    if spec is None:
        return None
    value = view.state.get(units_and_specs.SPEC + spec) or view.state.get(
        units_and_specs.PROCESS_SPEC + spec
    )
    return None if value is None else str(value[0])
