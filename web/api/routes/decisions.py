"""Rules, proposals and votes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

from fastapi import Response
from pydantic import BaseModel, Field

from commonweal.client.governance.rules import RuleChange
from commonweal.client.language.plain import plain
from commonweal.client.member import Member
from commonweal.protocol.errors import UsageError
from commonweal.web.api.calls import Body, Reader, SubjectRouter, Writes, WrittenRecordAnswer
from commonweal.web.api.cursors import Page
from commonweal.web.api.models import HexText, model_of, page_of, result_of, rows_of
from commonweal.web.api.parameters import (
    HEIGHT_MAX,
    DurationText,
    Id,
    IdText,
    NoteText,
    as_file,
)

T = TypeVar("T")

router = SubjectRouter(tags=["decisions"])


class RulesText(Body):
    """A document of rules (TOML)."""

    toml: NoteText


class OtherRules(Body):
    """Other rules than those in force: a document (TOML), or those of a proposal; not both."""

    toml: NoteText | None = None
    proposal: IdText | None = None


class ReplayedRules(OtherRules):
    """Rules under which the sealed past is replayed, up to a height; else up to the last."""

    height: Annotated[int, Field(ge=0, le=HEIGHT_MAX)] | None = None


class NewProposal(Body):
    """What is proposed: a decision in words, or rules (TOML); not both.

    vote: asks for a vote where silence could pass. sunset: after how long rules end by themselves.
    backtest: adds the hash of one.
    """

    decision: NoteText | None = None
    toml: NoteText | None = None
    vote: bool = False
    sunset: DurationText | None = None
    backtest: bool = False


class CastWord(Body):
    """A member's word on a proposal; the last one counts at the close."""

    say: Literal["yes", "no", "abstain", "block", "indifferent"]


class Comment(Body):
    """Words about a proposal; they can be erased later."""

    text: NoteText


class RulesProblem(BaseModel):
    """What is wrong with a document, and where."""

    line: int
    column: int
    sentence: str
    hint: str


class RulesVerdict(BaseModel):
    """Whether a document of rules is sound. unsaid: keys of membership that take their default.

    concerns: what the law may say of them, as sentences.
    """

    ok: bool
    problems: list[RulesProblem]
    unsaid: list[str]
    concerns: list[str]


@router.reads("/rules", result_of(Member.rules, "sentences"))
def rules(me: Reader, proposal: IdText | None = None) -> Any:
    """The rules in force, or those of a proposal, as `weal rules show`."""
    shown = me.rules(proposal=proposal)
    return {name: value for name, value in plain(shown).items() if name != "sentences"}


@router.reads("/rules/history", rows_of("history", Member.rules_history))
def rules_history(me: Reader, page: Page) -> Any:
    """The rules that were in force, the first ones first, as `weal rules history`."""
    rows, rest = page.part(me.rules_history(), lambda row: (row.height, row.ruleset))
    return {"history": rows, "next": rest}


@router.asks("/rules/check", RulesVerdict)
def check_rules(me: Reader, body: RulesText) -> Any:
    """What is wrong with a document of rules, as `weal rules check`."""
    with as_file(body.toml.encode(), "rules.toml") as file:
        check = me.check_rules(file)
    problems = [problem._asdict() for problem in check.problems]
    said = {"unsaid": check.unsaid, "concerns": check.concerns}
    return {"ok": not problems, "problems": problems, **said}


@router.asks(
    "/rules/diff",
    page_of("changes", model_of(RuleChange), classes=list[str], base=HexText, ruleset=HexText),
)
def compare_rules(me: Reader, body: OtherRules) -> Any:
    """What other rules would change, and how that is decided, as `weal rules diff`."""
    compared = _under(me, body, me.compare_rules)
    about = {"classes": compared.classes, "base": compared.base, "ruleset": compared.ruleset}
    return {"changes": compared.changes, "next": None, **about}


@router.asks("/rules/backtest", result_of(Member.backtest))
def backtest(me: Reader, body: ReplayedRules) -> Any:
    """The sealed past replayed under other rules, as `weal rules backtest`."""
    return _under(me, body, lambda what: me.backtest(what, height=body.height))


@router.reads("/proposals/{id}/trial", result_of(Member.backtest))
def trial(me: Reader, id: Id) -> Any:
    """What rules that are on trial would pay, as `weal rules trial`."""
    return me.trial(id).replay


@router.reads("/proposals", rows_of("votes", Member.proposals))
def proposals(me: Reader, page: Page, decided: bool = False) -> Any:
    """What is voted on, the oldest first, as `weal vote list`; decided: as with --all."""
    rows, rest = page.part(me.proposals(decided=decided), lambda row: row.id)
    return {"votes": rows, "next": rest}


@router.reads("/proposals/{id}", result_of(Member.proposal))
def proposal_of(me: Reader, id: Id) -> Any:
    """A proposal, and who said what, as `weal vote show`."""
    return me.proposal(id)


@router.writes("/proposals", WrittenRecordAnswer)
def propose(write: Writes, body: NewProposal) -> Response:
    """Propose a decision or other rules, as `weal rules propose`."""
    if (body.decision is None) == (body.toml is None):
        raise UsageError("decision, toml: give one of them")

    def proposed(me: Member) -> Any:
        if body.decision is not None:
            return me.propose_decision(body.decision, vote=body.vote)
        assert body.toml is not None
        with as_file(body.toml.encode(), "rules.toml") as file:
            more = {"sunset": body.sunset, "backtest": body.backtest, "vote": body.vote}
            return me.propose_rules(file, **more)  # type: ignore[arg-type]

    return write(proposed, body)


@router.writes("/proposals/{id}/votes", result_of(Member.vote))
def vote(write: Writes, id: Id, body: CastWord) -> Response:
    """Vote, as `weal rules vote`."""
    return write(lambda me: me.vote(id, body.say), body)


@router.writes("/proposals/{id}/comments", result_of(Member.comment))
def comment(write: Writes, id: Id, body: Comment) -> Response:
    """Say something about a proposal, as `weal rules comment`."""
    return write(lambda me: me.comment(id, body.text), body)


@router.writes("/proposals/{id}/withdrawal", result_of(Member.withdraw_proposal))
def withdraw_proposal(write: Writes, id: Id) -> Response:
    """Take a proposal of this member back, as `weal rules withdraw`."""
    return write(lambda me: me.withdraw_proposal(id))


def _under(me: Member, asked: OtherRules, ask: Callable[[str], T]) -> T:
    """Return what `ask` says of the rules that were sent, or of a proposal's. Names no other file.

    Raises UsageError where both or none are given.
    """
    if (asked.toml is None) == (asked.proposal is None):
        raise UsageError("toml, proposal: give one of them")
    if asked.proposal is not None:
        return ask(me.proposal(asked.proposal).id.hex())
    assert asked.toml is not None
    with as_file(asked.toml.encode(), "rules.toml") as file:
        return ask(str(file))
