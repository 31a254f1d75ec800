"""Uses: an event by which data of another is used counts only under a consent in force.

An `event` of the action use or cite whose resource is data of another says in `data`:
  consent   a consent.grant;  purpose: one of its purposes
Its provider is the owner, its receiver who uses it: the author's member, or the community for which
they speak. The consent is in force at the place of the event, for its purpose and its receiver.
Each use that counts is one use, however much it says, and what the consent asks for one is promised
at once: a commitment under the id of the event. A use is never corrected. Copies are the owner's.
State: 9U uses, 9H the uses of an owner's data.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from commonweal.protocol.ledger.exchange import times
from commonweal.protocol.ledger.exchange.commitments import AGREED, COMMITMENT, CommitmentRow
from commonweal.protocol.ledger.exchange.data import contents
from commonweal.protocol.ledger.exchange.data.consents import (
    ACTIONS,
    ConsentRow,
    consent_row,
    is_lasting,
    is_recipient,
)
from commonweal.protocol.ledger.exchange.data.contents import DataRow, data_row
from commonweal.protocol.ledger.members import agents, roles
from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.ledger.things.event_row import EventRow
from commonweal.protocol.records.record import Record
from commonweal.protocol.vocabulary.identifiers import CODE_CHARACTERS_MAX, is_name

__all__ = ["DataRow", "UseRow", "count", "data_row", "put_use", "use_row", "uses_of"]

DATA_USE, USE_OF = Table.DATA_USE.prefix, Table.USE_OF.prefix

COPY = "copy"


class UseRow(NamedTuple):
    """A use of data that counts. user: the member who wrote it; device: of theirs, by which.

    owner: who gave the consent. pool: of which a split owes the owner a share for it; is_fed: the
    use waits for that split, or was in one.
    """

    consent: bytes
    resource: bytes
    user: bytes
    device: bytes
    purpose: str
    owner: bytes
    clock: int
    pool: str | None
    is_fed: bool


def use_row(state: State, event: bytes) -> UseRow | None:
    """Return an event as a use of another's data that counts; None when it is none."""
    value = state.get(DATA_USE + event)
    return None if value is None else UseRow(*value)


def put_use(state: State, event: bytes, row: UseRow) -> None:
    """Write a use."""
    state.put(DATA_USE + event, [*row])


def uses_of(state: State, owner: bytes) -> list[tuple[bytes, UseRow]]:
    """Return the uses of an owner's data, by id."""
    prefix = USE_OF + owner
    rows = [
        (key[len(prefix) :], use_row(state, key[len(prefix) :])) for key, _ in state.items(prefix)
    ]
    return [(event, row) for event, row in rows if row is not None]


def count(state: State, record: Record, context: Context, row: EventRow) -> Verdict:
    """Count a new event as a use of data, and note the content that it names or takes along."""
    known = data_row(state, row.source) if is_bytes(row.source) else None
    if known is None:
        is_under_consent = row.action in ACTIONS and "consent" in record.data
        return Reason.NOT_DATA if is_under_consent else contents.note(state, record, row)
    owner = known.owner
    if row.action not in (*ACTIONS, COPY) or (
        owner is not None and contents.is_own(state, context, owner)
    ):
        return contents.note(state, record, row)
    if row.action == COPY or "consent" not in record.data:
        return Reason.NO_CONSENT
    return _use(state, record, context, row)


def _use(state: State, record: Record, context: Context, row: EventRow) -> Verdict:
    consent, purpose = record.data["consent"], record.data.get("purpose")
    if not is_bytes(consent) or not is_name(purpose, CODE_CHARACTERS_MAX):
        return Reason.SHAPE
    given = consent_row(state, consent)
    if given is None or given.giver is None:
        return Reason.UNKNOWN_CONSENT
    user = None if row.receiver is None else agents.person(state, row.receiver)
    refused = _bad_sides(state, context, row, given, user)
    refused = refused or _not_covered(state, context, row, given, purpose)
    if refused is not None:
        return refused
    assert user is not None and row.source is not None, "the sides were checked"
    if not is_recipient(state, given, user, context.community):
        return Reason.NOT_A_RECIPIENT
    use = UseRow(
        consent,
        row.source,
        context.member,
        record.author,
        purpose,
        given.giver,
        record.clock,
        given.pool,
        False,
    )
    put_use(state, record.id, use)
    state.put(USE_OF + given.giver + record.id, True)
    if isinstance(given.benefit, list):
        _owe(state, record, user, given.giver, given.benefit, context.member)
    return None


def _bad_sides(
    state: State, context: Context, row: EventRow, given: ConsentRow, user: bytes | None
) -> Verdict:
    """Return why the sides of a use are not the giver of the consent and who uses the data."""
    if agents.person(state, row.provider) != given.giver:
        return Reason.NOT_THEIRS
    speaks = user == context.community and roles.may_speak_for_community(state, context)
    return None if user == context.member or speaks else Reason.NOT_YOURS


def _not_covered(
    state: State, context: Context, row: EventRow, given: ConsentRow, purpose: str
) -> Verdict:
    """Return why a consent does not cover a use at its place, whoever writes it."""
    if given.resource != row.source:
        return Reason.DOES_NOT_FIT
    if not is_lasting(state, given, context.community):
        return Reason.CONSENT_ENDED
    now = times.now_ms(state, context)
    if given.is_over(now) or (given.begin is not None and now < given.begin):
        return Reason.CONSENT_NOT_NOW
    is_covered = purpose in given.purposes and row.action in given.actions
    return None if is_covered else Reason.OTHER_PURPOSE


def _owe(
    state: State, record: Record, user: bytes, owner: bytes, per_use: list[Any], member: bytes
) -> None:
    """Derive the promise of who used the data to its owner."""
    _, scale, unit = per_use
    owed = CommitmentRow(
        member,
        record.clock,
        action="transfer",
        provider=user,
        receiver=owner,
        quantity=per_use,
        given=[0, scale, unit],
        spec=None,
        satisfies=[],
        resource=None,
        begin=None,
        end=None,
        due=None,
        status=AGREED,
        agreement=None,
        plan=None,
        input_of=None,
        output_of=None,
        factor=None,
    )
    state.put(COMMITMENT + record.id, [*owed])
