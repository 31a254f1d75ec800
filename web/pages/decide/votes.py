"""Decide: what is voted on, how each vote stands, and saying something in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Response

from commonweal.client.governance.ballots import ProposalOutlook
from commonweal.client.governance.rule_drafts import ProposalReplay, RuleRewording
from commonweal.client.governance.rule_sentences import place_words
from commonweal.client.governance.vote_words import (
    KINDS,
    SUBJECTS,
    needs_of,
    said,
    status_words,
)
from commonweal.client.governance.votes import ProposalDetails, ProposalState
from commonweal.client.language.words import Words
from commonweal.client.member import Member
from commonweal.protocol.errors import CommonwealError
from commonweal.protocol.ledger.governance.proposals import (
    DECISION,
    EXPIRED,
    FAILED,
    PASSED,
    REMOVAL,
    RULES,
    TRIAL,
    VOTING,
)
from commonweal.web.pages.decide.backtest_pictures import LAST_CHOICES, last_of, pictures
from commonweal.web.pages.decide.backtest_pictures import replays_of as replays
from commonweal.web.pages.decide.text_difference import compared
from commonweal.web.pages.request import Page, PageRequest

router = APIRouter()

DECIDED_MAX = 100
"""Decided proposals on the list; the newest ones."""
STATES_MAX = 200
"""Records whose states are told on one page."""
OPEN = ("draft", VOTING, TRIAL)


@router.get("/votes")
def votes(page: Page) -> Response:
    """Show what is voted on, and what was decided."""
    return _list(page)


@router.post("/votes")
def propose(page: Page) -> Response:
    """Propose a decision in words."""
    text, is_vote = page.field("text"), page.field("vote") == "yes"
    try:
        written = page.act(lambda me: me.propose_decision(text, vote=is_vote))
    except CommonwealError as error:
        return _list(page, status=422, text=text, is_vote=is_vote, error=page.sentence(error))
    notice = page.words("It is proposed. The vote opens with the next seal.")
    return page.go(f"/votes/{written.id.hex()}", notice)


@router.get("/votes/{id}")
def vote(page: Page, id: str) -> Response:
    """Show one vote: what it asks, what it would change, who said what."""
    return _details(page, id)


@router.get("/votes/{id}/{act}")
def back(page: Page, id: str, act: str) -> Response:
    """Lead from the address of an act to the vote, as after a change of the language."""
    return page.go(f"/votes/{id}", at=act)


@router.post("/votes/{id}/say")
def say(page: Page, id: str) -> Response:
    """Vote."""
    saying = page.field("say")
    try:
        page.act(lambda me: me.vote(id, saying))
    except CommonwealError as error:
        return _details(page, id, 422, wrong={"say": page.sentence(error)})
    text = page.words("You said {what}. You can change it until the vote closes.")
    return page.go(f"/votes/{id}", text.format(what=said(saying, page.words)), at="receipt")


@router.post("/votes/{id}/comment")
def comment(page: Page, id: str) -> Response:
    """Comment on a proposal."""
    text = page.field("text")
    try:
        written = page.act(lambda me: me.comment(id, text))
    except CommonwealError as error:
        return _details(page, id, 422, wrong={"text": page.sentence(error)}, typed=text)
    at = f"r-{written.id.hex()[:12]}"
    return page.go(f"/votes/{id}", page.words("Your comment is written."), at=at)


@router.post("/votes/{id}/withdraw")
def withdraw(page: Page, id: str) -> Response:
    """Take a proposal of this member back."""
    page.act(lambda me: me.withdraw_proposal(id))
    return page.go(f"/votes/{id}", page.words("Your proposal is withdrawn."))


def _list(page: PageRequest, status: int = 200, **typed: Any) -> Response:
    with page.member() as member:
        listed = member.proposals(decided=True)
        running = [row for row in listed if row.status in OPEN]
        decided = [row for row in reversed(listed) if row.status not in OPEN]
        changed = {
            row.id: [change.place for change in member.proposed_changes(row.id)]
            for row in running
            if row.subject == RULES
        }
        outlooks = {row.id: member.proposal_outlook(row.id) for row in running}
        states = member.record_states([row.id for row in running][:STATES_MAX])
    return page.show(
        "decide/votes.html",
        status,
        running=running,
        decided=decided[:DECIDED_MAX],
        left_out=max(0, len(decided) - DECIDED_MAX),
        outlooks=outlooks,
        changed=changed,
        states=states,
        **{"text": "", "is_vote": False, "error": "", **typed},
        **_telling(page.words),
    )


def _details(
    page: PageRequest,
    id: str,
    status: int = 200,
    wrong: dict[str, str] | None = None,
    typed: str = "",
) -> Response:
    last = last_of(page.query("last"))
    with page.member() as member:
        proposal = member.proposal(id, is_checked=False)
        outlook = member.proposal_outlook(id)
        records = [proposal.id, *(vote.id for vote in proposal.votes)]
        states = member.record_states(records[:STATES_MAX])
        changes: tuple[RuleRewording, ...] = ()
        problem = ""
        if proposal.subject == RULES:
            try:
                changes = member.proposed_changes(id)
            except CommonwealError as error:
                problem = page.sentence(error)
        height = member.sealed_height()
    # What is decided is replayed when somebody asks for it; a vote that is open at once.
    is_replayed = proposal.status in OPEN or "last" in page.request.query_params
    replayed, cannot = None, ""
    if changes and is_replayed:
        replayed, cannot = _replayed(page, proposal, height, last)
    replay = None if replayed is None else replayed.replay
    return page.show(
        "decide/vote.html",
        status,
        proposal=proposal,
        outlook=outlook,
        states=states,
        changes=changes,
        problem=problem,
        replayed=replayed,
        is_replayed=is_replayed,
        cannot=cannot,
        pictures=[] if replay is None else pictures(replay, page.words, last),
        last=last,
        lasts=LAST_CHOICES,
        height=height,
        wrong=wrong or {},
        typed=typed,
        compared=compared,
        **_telling(page.words),
    )


def _replayed(
    page: PageRequest, proposal: ProposalDetails, height: int, last: int
) -> tuple[ProposalReplay | None, str]:
    """Return the backtest of a proposal, None while it runs; and why there is none."""
    home, language, id = page.home, page.words.language, proposal.id

    def work() -> ProposalReplay:
        with Member(home, language=language) as member:
            return member.replay_proposal(id, last=last)

    try:
        return replays(page).result(("proposal", id, height, last, language), work), ""
    except CommonwealError as error:
        return None, page.sentence(error)


def _telling(words: Words) -> dict[str, Any]:
    """Return what templates say of votes."""
    return {
        "kinds": KINDS,
        "subjects": SUBJECTS,
        "saying": lambda text: said(text, words),
        "standing": lambda status: status_words(status, words),
        "place": lambda text: place_words(text, words),
        "needs_of": lambda ballot: needs_of(ballot, words),
        "tone": _tone,
        "ending": _ending(words),
        "title": lambda proposal: _title(proposal, words),
        "is_rules": lambda proposal: proposal.subject == RULES,
        "is_removal": lambda proposal: proposal.subject == REMOVAL,
        "is_open": lambda proposal: proposal.status in OPEN,
    }


def _title(proposal: ProposalState, words: Words) -> str:
    if proposal.subject == DECISION:
        return proposal.words.partition("\n")[0][:120]
    if proposal.subject == RULES:
        return words("Other rules")
    return proposal.words


def _tone(status: str) -> str:
    if status in (PASSED, "in force"):
        return "good"
    return "busy" if status in OPEN else ""


def _ending(words: Words) -> Callable[[ProposalOutlook], str]:
    """Return what tells how a vote would end now, and who can still change that."""
    results = {
        PASSED: words("With the votes that are here, it passes."),
        FAILED: words("With the votes that are here, it fails."),
        EXPIRED: words(
            "With the votes that are here, too few have voted, and it comes to nothing."
        ),
        VOTING: words("With the votes that are here, nothing is decided."),
    }

    def told(outlook: ProposalOutlook) -> str:
        if outlook.now is None:
            return ""
        if outlook.is_open_ended:
            more = words("Those who said nothing can still change that; so can a changed vote.")
        else:
            more = words("Only changed votes can still change that.")
        return (
            f"{results[outlook.now]} {more}"
            if not words.is_chinese
            else results[outlook.now] + more
        )

    return told
