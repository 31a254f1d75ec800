"""Other rules: numbers edited in their sentences, looked at with their backtest, and proposed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Response
from starlette.datastructures import UploadFile

from commonweal.client.governance.backtests import Replay
from commonweal.client.governance.rule_drafts import DraftTexts, RulesDraft, RuleSource
from commonweal.client.governance.rule_sentences import place_words, rank
from commonweal.client.governance.rule_templates import TEMPLATES
from commonweal.client.member import Member
from commonweal.protocol.errors import BadRuleset, CommonwealError, UnreadableTime
from commonweal.web.pages.decide.backtest_pictures import (
    LAST_CHOICES,
    last_of,
    pictures,
    replays_of,
)
from commonweal.web.pages.decide.text_difference import compared
from commonweal.web.pages.request import Page, PageRequest

router = APIRouter()

NUMBER, SENTENCE = "n:", "s:"
"""How the names of fields begin: of a number, and of a sentence."""
NOTHING_TYPED = DraftTexts()


@router.get("/rules/change")
def change(page: Page) -> Response:
    """Show the rules, or those of a template, with a field for each number in their sentences."""
    if page.typed:
        return _fields(page, *_typed(page))
    template = page.query("from")
    source = RuleSource(template=template if template in TEMPLATES else "")
    return _fields(page, source)


@router.post("/rules/file")
def bring(page: Page) -> Response:
    """Take a file of rules, and go on as with a template."""
    sent = page.form.get("file")
    data = b""
    if isinstance(sent, UploadFile):
        with sent.file as opened:
            data = opened.read()
    words = page.words
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        return _unusable(page, words("This is no text in UTF-8."))
    if not text.strip():
        return _unusable(page, words("Choose a file with rules first."))
    source = RuleSource(text=text)
    try:
        with page.member() as member:
            member.rule_parts(source)
    except BadRuleset as error:
        return _unusable(page, page.sentence(error))
    return page.show_typed("/rules/change", text=text)


@router.get("/rules/propose")
def back(page: Page) -> Response:
    """Lead from the address of an act to the fields, as after a change of the language."""
    return page.go("/rules/change")


@router.get("/rules/review")
@router.post("/rules/review")
def review(page: Page) -> Response:
    """Show what the numbers that were typed change, and what they would have paid."""
    if page.is_sent:
        return page.show_typed("/rules/review")
    if not page.typed:
        return page.go("/rules/change")
    source, texts = _typed(page)
    return _review(page, source, texts)


@router.post("/rules/propose")
def propose(page: Page) -> Response:
    """Propose rules that were looked at."""
    source, texts = _typed(page)
    sunset = page.field("sunset") or None
    draft, height = _drafted(page, source, texts)
    if draft.ruleset is None or not draft.changes:
        return _review(page, source, texts)
    replay = _replayed(page, draft, 0, height)[0]
    ruleset = draft.ruleset
    try:
        written = page.act(
            lambda me: me.propose_ruleset(
                ruleset,
                sunset=sunset,
                backtest=None if replay is None else replay.name,
                vote=page.field("vote") == "yes",
            )
        )
    except UnreadableTime as error:
        return _review(page, source, texts, bad_sunset=page.sentence(error))
    except CommonwealError as error:
        return _review(page, source, texts, page.sentence(error))
    notice = page.words("The rules are proposed. The vote opens with the next seal.")
    return page.go(f"/votes/{written.id.hex()}", notice)


def _typed(page: PageRequest) -> tuple[RuleSource, DraftTexts]:
    """Return what a form carries: where the draft begins, its numbers and its sentences."""
    names = [str(name) for name in page.form] if page.form is not None else []
    numbers = {name[len(NUMBER) :]: page.field(name) for name in names if name.startswith(NUMBER)}
    sentences = {}
    for name in names:
        language, _, place = name.removeprefix(SENTENCE).partition(":")
        if name.startswith(SENTENCE) and place:
            sentences[place, language] = page.field(name)
    template = page.field("from")
    source = RuleSource(template if template in TEMPLATES else "", page.field("text"))
    return source, DraftTexts(numbers, sentences)


def _drafted(page: PageRequest, source: RuleSource, texts: DraftTexts) -> tuple[RulesDraft, int]:
    with page.member() as member:
        return member.draft_rules(source, texts), member.sealed_height()


def _fields(
    page: PageRequest,
    source: RuleSource,
    texts: DraftTexts = NOTHING_TYPED,
    refused: Mapping[str, str] | None = None,
    problems: tuple[str, ...] = (),
) -> Response:
    """Show each rule with a field for each of its numbers."""
    with page.member() as member:
        parts = member.rule_parts(source)
    words = page.words
    return page.show(
        "decide/rule_fields.html",
        422 if refused or problems else 200,
        parts=sorted((part for part in parts if part.numbers), key=lambda part: rank(part.place)),
        source=source,
        typed=texts.numbers,
        refused=refused or {},
        problems=problems,
        what=TEMPLATES.get(source.template, ""),
        place=lambda text: place_words(text, words),
    )


def _review(
    page: PageRequest,
    source: RuleSource,
    texts: DraftTexts,
    error: str = "",
    bad_sunset: str = "",
) -> Response:
    """Show the change in words and its backtest; where a number cannot be, the fields again."""
    draft, height = _drafted(page, source, texts)
    if draft.ruleset is None:
        return _fields(page, source, texts, draft.refused, draft.problems)
    last = last_of(page.field("last"))
    replay, cannot = _replayed(page, draft, last, height) if draft.changes else (None, "")
    return page.show(
        "decide/rule_review.html",
        422 if error or bad_sunset else 200,
        draft=draft,
        bad_sunset=bad_sunset,
        source=source,
        numbers=texts.numbers,
        error=error,
        replay=replay,
        cannot=cannot,
        pictures=[] if replay is None else pictures(replay, page.words, last),
        last=last,
        lasts=LAST_CHOICES,
        height=height,
        sunset=page.field("sunset"),
        is_vote=page.field("vote") == "yes",
        compared=compared,
        place=lambda text: place_words(text, page.words),
    )


def _replayed(
    page: PageRequest, draft: RulesDraft, last: int, height: int
) -> tuple[Replay | None, str]:
    """Return what a draft would have paid, None while that runs; and why there is nothing."""
    home, language, ruleset = page.home, page.words.language, draft.ruleset
    assert ruleset is not None, "a draft without faults"

    def work() -> Any:
        with Member(home, language=language) as member:
            return member.replay_ruleset(ruleset, last=last)

    try:
        key = ("draft", ruleset.id, height, last, language)
        return replays_of(page).result(key, work), ""
    except CommonwealError as error:
        return None, page.sentence(error)


def _unusable(page: PageRequest, why: str) -> Response:
    return page.show("decide/rule_file.html", 422, why=why)
