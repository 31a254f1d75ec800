"""Consents: for what, by what, until when and for which benefit the owner of data lets it be used.

Records, all with the notice as a permanent body:
  consent.grant   resource: data; purposes: 1..8 codes; actions: "cite", "use"; recipients: 1..16
                  members, roles, or the community for all members; from, until: ms since 1970,
                  until missing while it is not revoked; language: of the notice, a code; benefit:
                  {perUse: quantity}, or {pool: name} for a share of what comes to that pool;
                  replaces: a consent of the same giver for the same data; answers: a request
  consent.ask     the same without replaces and answers: somebody asks the owner for it
Record without a body:
  consent.revoke  consent: the giver ends it; the owner refuses a request; who asked takes it back
A consent is in force only while its giver owns the data, is a member, and has not erased it. A vote
may declare it void (`governance`). Nothing is written when its time is over. State: 9A consents and
requests, 95 those of a resource that are open.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

from commonweal.protocol.ledger.exchange import times
from commonweal.protocol.ledger.exchange.data.contents import DataRow, data_row, is_own
from commonweal.protocol.ledger.members import agents, registry, roles
from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes, is_count
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.ledger.things.quantities import is_unit, read
from commonweal.protocol.records.record import CommunityId, Record
from commonweal.protocol.vocabulary.identifiers import CODE_CHARACTERS_MAX, is_name

CONSENT, CONSENT_OF = Table.CONSENT.prefix, Table.CONSENT_OF.prefix

PURPOSES_MAX = 8
RECIPIENTS_MAX = 16
NOTICE_BYTES_MAX = 16 * 1024
"""Size of a notice; it is kept for ever."""
PER_USE_MAX = 10**15
"""Most of what one use costs, in the smallest part of its quantity."""
GRANTS_OPEN_MAX = 64
"""Consents of one resource that are neither ended nor over."""
ASKS_OPEN_MAX = 64
"""Requests for one resource that nobody answered."""

CITE, USE = "cite", "use"
ACTIONS = (CITE, USE)
"""Actions of Valueflows that a consent may allow."""

ASKED, ANSWERED, REFUSED = "asked", "answered", "refused"
GIVEN, RENEWED, REPLACED = "given", "renewed", "replaced"
WITHDRAWN, INVALIDATED = "withdrawn", "invalidated"
STANDING = (GIVEN, RENEWED)
"""In force, unless its time is over or its data is gone."""
OPEN = (ASKED, *STANDING)


class ConsentRow(NamedTuple):
    """A consent or a request in the state. begin, end: ms since 1970.

    member: who wrote it. giver: whose consent it is; None for a request. notice: the hash of the
    text. benefit: [n, scale, unit] for each use, the name of a pool, or None. by: what ended it.
    """

    member: bytes
    giver: bytes | None
    clock: int
    resource: bytes
    purposes: list[str]
    actions: list[str]
    recipients: list[bytes | str]
    begin: int | None
    end: int | None
    language: str
    notice: bytes
    benefit: list[Any] | str | None
    replaces: bytes | None
    answers: bytes | None
    status: str
    by: bytes | None

    @property
    def pool(self) -> str | None:
        """The pool of which the giver gets a share for each use, if it is that."""
        return self.benefit if isinstance(self.benefit, str) else None

    def is_over(self, now_ms: int) -> bool:
        """Return whether its time is over; at its end it is."""
        return self.end is not None and self.end <= now_ms


def consent_row(state: State, consent: bytes) -> ConsentRow | None:
    """Return a consent or a request; None when there is none of this id."""
    value = state.get(CONSENT + consent)
    return None if value is None else ConsentRow(*value)


def open_of(state: State, resource: bytes) -> list[tuple[bytes, ConsentRow]]:
    """Return the consents and requests of a resource that nothing ended, by id; some are over."""
    prefix = CONSENT_OF + resource
    ids = [key[len(prefix) :] for key, _ in state.items(prefix)]
    rows = [(id, consent_row(state, id)) for id in ids]
    return [(id, row) for id, row in rows if row is not None]


def grant(state: State, record: Record, context: Context) -> Verdict:
    """Consent to uses of the author's data."""
    replaces, answers = record.data.get("replaces"), record.data.get("answers")
    if not all(named is None or is_bytes(named) for named in (replaces, answers)):
        return Reason.SHAPE
    row = _read(state, record, context)
    if isinstance(row, Reason):
        return row
    data = data_row(state, row.resource)
    assert data is not None, "the resource is data"
    if data.owner is None or not is_own(state, context, data.owner):
        return Reason.NOT_YOURS
    row = row._replace(giver=data.owner, status=GIVEN, replaces=replaces, answers=answers)
    if replaces is not None:
        refused = _replace(state, record.id, row, replaces)
        if refused is not None:
            return refused
        row = row._replace(status=RENEWED)
    if answers is not None:
        refused = _answer(state, record.id, row, answers)
        if refused is not None:
            return refused
    return _open(state, context, record.id, row)


def ask(state: State, record: Record, context: Context) -> Verdict:
    """Ask the owner of data for a consent."""
    row = _read(state, record, context)
    if isinstance(row, Reason):
        return row
    data = data_row(state, row.resource)
    if data is not None and data.owner == context.member:
        return Reason.OWN_DATA
    asked = [other for _, other in open_of(state, row.resource) if other.giver is None]
    if any(other.member == context.member for other in asked):
        return Reason.NOTHING_NEW
    return _open(state, context, record.id, row)


def revoke(state: State, record: Record, context: Context) -> Verdict:
    """End a consent, refuse a request, or take one back."""
    consent = record.data.get("consent")
    if not is_bytes(consent):
        return Reason.SHAPE
    row = consent_row(state, consent)
    if row is None:
        return Reason.UNKNOWN_CONSENT
    data = data_row(state, row.resource)
    owner = row.giver if row.giver is not None else data and data.owner
    is_owner = owner is not None and is_own(state, context, owner)
    if not is_owner and (row.giver is not None or row.member != context.member):
        return Reason.NOT_YOURS
    if row.status not in OPEN:
        return Reason.NOT_OPEN
    status = REFUSED if row.status == ASKED and is_owner else WITHDRAWN
    _close(state, consent, row, status, record.id)
    return None


def invalidate(state: State, consent: bytes, proposal: bytes) -> None:
    """Declare a consent void, by a vote; nothing changes where something else ended it before."""
    row = consent_row(state, consent)
    if row is not None and row.status in OPEN:
        _close(state, consent, row, INVALIDATED, proposal)


def is_lasting(state: State, row: ConsentRow, community: CommunityId) -> bool:
    """Return whether nothing ended a consent, whatever the time: its giver has the data still."""
    data = data_row(state, row.resource)
    if row.status not in STANDING or data is None or not data.is_there or data.owner != row.giver:
        return False
    return row.giver == community or registry.is_active(state, data.owner or b"")


def is_recipient(state: State, row: ConsentRow, user: bytes, community: CommunityId) -> bool:
    """Return whether a consent is given to `user`: a member or the community."""
    if user in row.recipients or community in row.recipients:
        return True
    named = [recipient for recipient in row.recipients if isinstance(recipient, str)]
    return any(roles.holds(state, user, role) for role in named)


def _read(state: State, record: Record, context: Context) -> ConsentRow | Reason:
    """Return what a record says of a consent, as a request, or why it is not sound."""
    data = record.data
    resource, begin, end = data.get("resource"), data.get("from"), data.get("until")
    purposes: Any = data.get("purposes")
    actions, language = data.get("actions", [USE]), data.get("language")
    if not is_bytes(resource) or not _are_codes(purposes, PURPOSES_MAX):
        return Reason.SHAPE
    if not _are_codes(actions, len(ACTIONS)) or not all(action in ACTIONS for action in actions):
        return Reason.SHAPE
    if not all(time is None or is_count(time) for time in (begin, end)):
        return Reason.SHAPE
    if begin is not None and end is not None and end <= begin:
        return Reason.SHAPE
    if not is_name(language, CODE_CHARACTERS_MAX):
        return Reason.SHAPE
    if record.body is None or not record.body.permanent:
        return Reason.NO_NOTICE
    if record.body.size > NOTICE_BYTES_MAX:
        return Reason.SHAPE
    recipients = _recipients(state, context, data.get("recipients"))
    if isinstance(recipients, Reason):
        return recipients
    known = data_row(state, resource)
    refused = _bad_data(known) or _bad_by_rules(state, context, purposes, begin, end)
    if refused is not None:
        return refused
    benefit = _benefit(state, context, data.get("benefit"))
    if isinstance(benefit, Reason):
        return benefit
    return ConsentRow(
        member=context.member,
        giver=None,
        clock=record.clock,
        resource=resource,
        purposes=purposes,
        actions=actions,
        recipients=recipients,
        begin=begin,
        end=end,
        language=language,
        notice=record.body.hash,
        benefit=benefit,
        replaces=None,
        answers=None,
        status=ASKED,
        by=None,
    )


def _bad_data(data: DataRow | None) -> Verdict:
    if data is None:
        return Reason.NOT_DATA
    return Reason.DATA_ERASED if data.is_erased else None


def _bad_by_rules(
    state: State, context: Context, purposes: list[str], begin: int | None, end: int | None
) -> Verdict:
    """Return why the rules do not allow a consent for this, or for so long."""
    rules = context.rules.data
    if rules.purposes and any(purpose not in rules.purposes for purpose in purposes):
        return Reason.UNKNOWN_PURPOSE
    if not rules.longest_ms:
        return None
    since = max(times.now_ms(state, context), begin or 0)
    too_long = end is None or end > since + rules.longest_ms
    return Reason.CONSENT_TOO_LONG if too_long else None


def _recipients(state: State, context: Context, named: Any) -> list[bytes | str] | Reason:
    if type(named) is not list or not 1 <= len(named) <= RECIPIENTS_MAX:
        return Reason.SHAPE
    for number, recipient in enumerate(named):
        if recipient in named[:number] or not (is_bytes(recipient) or is_name(recipient)):
            return Reason.SHAPE
        if is_bytes(recipient) and not agents.is_known(recipient, state, context):
            return Reason.UNKNOWN_AGENT
        if not is_bytes(recipient) and recipient not in context.rules.roles:
            return Reason.UNKNOWN_ROLE
    return named


def _benefit(state: State, context: Context, said: Any) -> list[Any] | str | Reason | None:
    """Return [n, scale, unit] for each use, or the name of a pool; None for no benefit."""
    if said is None:
        return None
    if type(said) is not dict or len(said) != 1:
        return Reason.SHAPE
    if "pool" in said:
        pool = said["pool"]
        if type(pool) is not str:
            return Reason.SHAPE
        return pool if pool in context.rules.data.pools else Reason.NO_POOL
    quantity = read(said.get("perUse"))
    if quantity is None or not 1 <= quantity.n <= PER_USE_MAX:
        return Reason.SHAPE
    return [*quantity] if is_unit(state, context, quantity.unit) else Reason.UNKNOWN_UNIT


def _are_codes(value: Any, most: int) -> bool:
    """Return whether a value lists 1 to `most` codes, each once and in ascending order."""
    if type(value) is not list or not 1 <= len(value) <= most:
        return False
    if not all(is_name(code, CODE_CHARACTERS_MAX) for code in value):
        return False
    return all(first < other for first, other in pairwise(value))


def _replace(state: State, by: bytes, row: ConsentRow, replaced: bytes) -> Verdict:
    known = consent_row(state, replaced)
    if known is None:
        return Reason.UNKNOWN_CONSENT
    if known.giver != row.giver or known.resource != row.resource:
        return Reason.DOES_NOT_FIT
    if known.status not in STANDING:
        return Reason.NOT_OPEN
    _close(state, replaced, known, REPLACED, by)
    return None


def _answer(state: State, by: bytes, row: ConsentRow, answered: bytes) -> Verdict:
    known = consent_row(state, answered)
    if known is None:
        return Reason.UNKNOWN_CONSENT
    if known.giver is not None or known.resource != row.resource:
        return Reason.DOES_NOT_FIT
    if known.status != ASKED:
        return Reason.NOT_OPEN
    _close(state, answered, known, ANSWERED, by)
    return None


def _open(state: State, context: Context, id: bytes, row: ConsentRow) -> Verdict:
    """Write a new consent or request, unless too many are open; what is over is open no more."""
    now, others = times.now_ms(state, context), 0
    for known, other in open_of(state, row.resource):
        if other.is_over(now):
            state.delete(CONSENT_OF + row.resource + known)
        elif (other.giver is None) == (row.giver is None):
            others += 1
    if others >= (ASKS_OPEN_MAX if row.giver is None else GRANTS_OPEN_MAX):
        return Reason.TOO_MANY_CONSENTS
    state.put(CONSENT + id, [*row])
    state.put(CONSENT_OF + row.resource + id, True)
    return None


def _close(state: State, id: bytes, row: ConsentRow, status: str, by: bytes) -> None:
    state.put(CONSENT + id, [*row._replace(status=status, by=by)])
    state.delete(CONSENT_OF + row.resource + id)
