"""Why: what a number follows from, as a sum, up to the records and down to what came of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Response

from commonweal.client.contributions.records import TRACE_STEPS_MAX
from commonweal.client.language.words import Words
from commonweal.client.ledger.rows.claim_rows import ExplainedClaim
from commonweal.client.ledger.rows.contribution_rows import TracedThing, TraceTree
from commonweal.client.ledger.words.kind_words import kind_words
from commonweal.client.member import Member
from commonweal.client.sharing.explanations import (
    ExplainedContribution,
    ExplainedLine,
    ExplainedRecord,
)
from commonweal.protocol.errors import CommonwealError, LightHome, NobodyGives, UnknownId
from commonweal.web.pages import downloads
from commonweal.web.pages.qr_codes import qr_code
from commonweal.web.pages.request import Page, PageRequest
from commonweal.web.pictures import Picture, TreeBranch, tree

router = APIRouter()

TRACED_MAX = min(200, TRACE_STEPS_MAX)
"""Steps of a trace that a page looks at, each way."""

SORTS = {
    ExplainedLine: "line",
    ExplainedClaim: "claim",
    ExplainedContribution: "contribution",
    ExplainedRecord: "record",
}

PROOF = "application/octet-stream"


@router.get("/why/{id}")
def why(page: Page, id: str) -> Response:
    """Show why something is what it is; an id of a member leads to what they gave."""
    return _shown(page, id)


@router.post("/why/{id}/attest")
def attest(page: Page, id: str) -> Response:
    """Say yes or no to a contribution, or take it back."""
    say = page.field("say")
    return _acted(page, id, "attest", lambda me: me.attest(id, say=say), page.words("You spoke."))


@router.post("/why/{id}/dispute")
def dispute(page: Page, id: str) -> Response:
    """Dispute a contribution, or end that."""
    note, ends = page.field("note") or None, bool(page.field("end"))
    done = page.words("You dispute it no more.") if ends else page.words("You dispute it.")
    return _acted(page, id, "note", lambda me: me.dispute(id, note=note, withdraw=ends), done)


@router.post("/why/{id}/correct")
def correct(page: Page, id: str) -> Response:
    """Say what a contribution really was."""
    amount, unit = page.field("amount"), page.field("unit")
    done = page.words("It is corrected, as far as nobody has to agree.")
    return _acted(page, id, "amount", lambda me: me.correct(id, amount, unit), done)


@router.post("/why/{id}/undo")
def undo(page: Page, id: str) -> Response:
    """Withdraw a contribution of which nobody spoke."""
    return _acted(page, id, "undo", lambda me: me.undo(id), page.words("It is withdrawn."))


@router.get("/why/{id}/proof")
def proof(page: Page, id: str) -> Response:
    """Show what an outsider gets: the file, and its fingerprint as a QR code."""
    with page.member() as member:
        made = member.prove(id)
        details = member.show(made.id)
        is_event = details.kind == "event" and details.counts
        words = member.event_words(made.id) if is_event else kind_words(details.kind, page.words)
    digest = hashlib.sha256(made.data).hexdigest()
    lines = (
        "weal check-proof",
        f"record {made.id.hex()}",
        f"community {made.community.hex()}",
        f"height {made.height}",
        f"sha256 {digest}",
    )
    return page.show(
        "books/proof.html",
        proof=made,
        size=len(made.data),
        what=words,
        has_text=details.body is not None and details.body.is_text,
        digest=digest,
        code=qr_code("\n".join(lines)),
    )


@router.get("/why/{id}/proof.weal")
def proof_file(page: Page, id: str) -> Response:
    """Give the file that proves to anybody that a record is final."""
    with page.member() as member:
        made = member.prove(id, with_text=bool(page.query("text")))
    return downloads.attached(made.data, f"proof-{made.id.hex()[:8]}.weal", PROOF)


def _acted(
    page: PageRequest, id: str, field: str, do: Callable[[Member], Any], done: str
) -> Response:
    """Act, and show the reasons again; what cannot be done is said beside its field."""
    try:
        page.act(do)
    except CommonwealError as error:
        return _shown(page, id, {field: page.sentence(error)})
    return page.go(f"/why/{id}", done, at="acts")


def _shown(page: PageRequest, id: str, errors: dict[str, str] | None = None) -> Response:
    with page.member() as member:
        try:
            reasons = member.reasons(id)
        except UnknownId:
            if not any(row.member.hex() == id for row in member.members()):
                raise
            return page.go("/ledger", who=id)
        subject, record, traced = reasons.explanation.subject, None, None
        errors = errors or {}
        if isinstance(subject, ExplainedContribution | ExplainedRecord):
            try:
                record = member.show(subject.id)
            except (LightHome, NobodyGives) as error:
                errors["record"] = page.sentence(error)
        if isinstance(subject, ExplainedContribution):
            traced = member.trace(subject.id, steps_max=TRACED_MAX)
        height = reasons.height or (record and record.sealed_at)
        return page.show(
            "books/why.html",
            422 if errors.keys() - {"record"} else 200,
            id=record.id.hex() if record else id,
            reasons=reasons,
            subject=subject,
            sort=SORTS[type(subject)],
            record=record,
            kind="" if record is None else kind_words(record.kind, page.words),
            facts=() if record is None else member.facts(record.id),
            state=None if record is None else member.record_states([record.id]).get(record.id),
            seal=member.seal_at(height) if height else None,
            trees=[] if traced is None else trees(traced, page.words),
            typed={name: page.field(name) for name in ("amount", "unit", "note")},
            errors=errors,
        )


def trees(traced: TraceTree, words: Words) -> list[Picture]:
    """Return what went into something, and what came of it, as pictures; none for nothing."""
    ways = (
        (words("What went into it"), traced.upstream),
        (words("What came of it"), traced.downstream),
    )
    root = TreeBranch(0, traced.words)
    return [
        tree(caption, words("what"), [root, *map(_branch, steps)], words)
        for caption, steps in ways
        if steps
    ]


def _branch(step: TracedThing) -> TreeBranch:
    page = "things" if step.sort == "resource" else "why"
    return TreeBranch(step.depth, step.words, f"/{page}/{step.id.hex()}")
