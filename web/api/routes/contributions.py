"""Contributions, and what members say of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Union

from fastapi import Query, Response
from pydantic import BaseModel, Field, StringConstraints

from commonweal.client.contributions.contributions import CONTENT_BYTES_MAX
from commonweal.client.ledger.forecast import Forecast
from commonweal.client.ledger.rows.claim_rows import ExplainedClaim
from commonweal.client.ledger.rows.contribution_rows import Statement
from commonweal.client.ledger.rows.listed_rows import ListedContribution, void_row
from commonweal.client.member import Member
from commonweal.client.sharing.explanations import (
    ExplainedContribution,
    ExplainedLine,
    ExplainedRecord,
)
from commonweal.protocol.errors import EvidenceTooLarge, UnknownId
from commonweal.web.api.calls import Body, Reader, SubjectRouter, Writes
from commonweal.web.api.cursors import Page
from commonweal.web.api.models import model_of, page_of, result_of, rows_of
from commonweal.web.api.parameters import (
    Filter,
    Id,
    IdText,
    NameText,
    NoteText,
    NumberText,
    as_file,
    decoded,
)

IDS_MAX = 500
"""Contributions that are attested at once: what one batch of records holds."""
BASE64_CHARS_MAX = -(-CONTENT_BYTES_MAX // 3) * 4

EXPLAINED = (ExplainedContribution, ExplainedLine, ExplainedClaim, ExplainedRecord)

router = SubjectRouter(tags=["contributions"])


class Amount(Body):
    """A number and its unit."""

    quantity: NumberText
    unit: NameText


class SentFile(Body):
    """A file that goes with a contribution; its name says of which type it is."""

    name: NameText
    base64: Annotated[str, StringConstraints(max_length=2 * BASE64_CHARS_MAX)]


class NewContribution(Amount):
    """What was given. Members, agents, processes and things are named by name or id.

    The fields are those of `weal record`. settles: ids of claims that a transfer pays.
    """

    action: NameText = Field(examples=["work"])
    effort: Amount | None = None
    note: NoteText | None = None
    file: SentFile | None = None
    settles: list[IdText] = Field(default=[], max_length=IDS_MAX)
    provider: NameText | None = None
    receiver: NameText | None = None
    scope: NameText | None = None
    factor: NameText | None = None
    when: NameText | None = None
    spec: NameText | None = None
    resource: NameText | None = None
    to_resource: NameText | None = None
    contained_in: NameText | None = None
    new_resource: Annotated[str, StringConstraints(max_length=256)] | None = None
    input_of: NameText | None = None
    output_of: NameText | None = None
    state: NameText | None = None
    location: NameText | None = None
    fulfills: NameText | None = None
    satisfies: NameText | None = None


class NewIncome(Amount):
    """What came in from outside. payer: who paid, by name or id; earned_by: a contribution.

    scope: the project that it came for. offer: what was sold, then it came in for its seller.
    """

    payer: NameText | None = None
    earned_by: IdText | None = None
    scope: NameText | None = None
    offer: IdText | None = None
    note: NoteText | None = None


class Attesting(Body):
    """What the member says of what others gave."""

    ids: list[IdText] = Field(min_length=1, max_length=IDS_MAX)
    say: Literal["yes", "no", "withdraw"] = "yes"


class Attested(BaseModel):
    """What the member said: a record for each contribution."""

    attests: list[model_of(Statement)]  # type: ignore[valid-type]


class Dispute(Body):
    """Why a contribution is disputed; withdraw: the dispute is taken back."""

    note: NoteText | None = None
    withdraw: bool = False


@router.reads(
    "/contributions",
    page_of("records", model_of(ListedContribution), total=int, not_counting=list[dict[str, Any]]),
)
def contributions(
    me: Reader,
    page: Page,
    member: Filter = None,
    action: Filter = None,
    scope: Filter = None,
    since: Filter = None,
    until: Filter = None,
) -> Any:
    """What was given, the last to happen first, as `weal ledger`."""
    asked = {"member": member, "action": action, "scope": scope, "since": since, "until": until}
    listed = me.contributions(**asked, limit=page.limit, after=page.cursor)
    void = [void_row(row) for row in me.void_records()]
    about = {"total": listed.total, "not_counting": void, "next": listed.after}
    return {"records": listed.records, **about}


@router.writes("/contributions", result_of(Member.record, "action", "quantity", "unit"))
def record(write: Writes, body: NewContribution) -> Response:
    """Write down a contribution, as `weal record`."""
    details: dict[str, Any] = body.model_dump(
        exclude={"action", "quantity", "unit", "effort", "note", "file", "settles"}
    )
    effort = None if body.effort is None else (body.effort.quantity, body.effort.unit)

    def recorded(me: Member) -> dict[str, Any]:
        named = {"effort": effort, "note": body.note, "settles": tuple(body.settles), **details}
        if body.file is None:
            made = me.record(body.action, body.quantity, body.unit, **named)
        else:
            content = decoded(body.file.base64)
            if len(content) > CONTENT_BYTES_MAX:
                raise EvidenceTooLarge(f"{CONTENT_BYTES_MAX:,} bytes")
            with as_file(content, body.file.name) as file:
                made = me.record(body.action, body.quantity, body.unit, file=file, **named)
        more = {"forecast": made.forecast, "promise": made.promise}
        return {"id": made.id, "seq": made.seq, "when": made.when, **more}

    return write(recorded, body)


@router.writes("/incomes", result_of(Member.income))
def income(write: Writes, body: NewIncome) -> Response:
    """Write down what came in, as `weal income`."""
    return write(
        lambda me: me.income(
            body.quantity,
            body.unit,
            payer=body.payer,
            earned_by=body.earned_by,
            scope=body.scope,
            offer=body.offer,
            note=body.note,
        ),
        body,
    )


@router.reads("/contributions/{id}/forecast", model_of(Forecast))
def forecast(me: Reader, id: Id) -> Any:
    """What the rules in force will make of a contribution, as `weal record` says it."""
    made = me.forecast(id)
    if made is None:
        raise UnknownId(id)
    return made


@router.reads("/explanations/{id}", Union[tuple(map(model_of, EXPLAINED))])  # noqa: UP007
def explain(me: Reader, id: Id) -> Any:
    """Why a line, a claim or a contribution is what it is, as `weal explain`."""
    return me.explain(id).subject


@router.reads("/traces/{id}", result_of(Member.trace, "words"))
def trace(
    me: Reader,
    id: Id,
    up: Annotated[bool, Query(description="What went into it.")] = True,
    down: Annotated[bool, Query(description="What came of it.")] = True,
) -> Any:
    """What went into a thing, a process or a contribution, and what came of it: `weal trace`."""
    tree = me.trace(id, up=up, down=down)
    return {"id": tree.id, "sort": tree.sort} | {
        "upstream": tree.upstream,
        "downstream": tree.downstream,
    }


@router.reads("/attests", rows_of("waits", Member.waiting))
def waiting(me: Reader, page: Page) -> Any:
    """What waits for the member's word, as `weal attest` without arguments."""
    rows, rest = page.part(me.waiting(), lambda row: row.id)
    return {"waits": rows, "next": rest}


@router.writes("/attests", Attested)
def attest(write: Writes, body: Attesting) -> Response:
    """Say yes or no to what others gave, all of it or nothing, as `weal attest`."""
    return write(lambda me: {"attests": me.attest(*body.ids, say=body.say)}, body)


@router.writes("/contributions/{id}/disputes", result_of(Member.dispute))
def dispute(write: Writes, id: Id, body: Dispute) -> Response:
    """Dispute a contribution, or take that back, as `weal dispute`."""
    return write(lambda me: me.dispute(id, note=body.note, withdraw=body.withdraw), body)


@router.writes("/contributions/{id}/corrections", result_of(Member.correct))
def correct(write: Writes, id: Id, body: Amount) -> Response:
    """Say what a contribution really was, as `weal correct`."""
    return write(lambda me: me.correct(id, body.quantity, body.unit), body)


@router.writes("/contributions/{id}/withdrawal", result_of(Member.undo))
def undo(write: Writes, id: Id) -> Response:
    """Withdraw a contribution of which nobody spoke, as `weal undo`."""
    return write(lambda me: me.undo(id))


@router.writes("/records/{id}/erasure", result_of(Member.erase))
def erase(write: Writes, id: Id) -> Response:
    """Have the text or file of a record forgotten by all, as `weal erase`."""
    return write(lambda me: me.erase(id))
