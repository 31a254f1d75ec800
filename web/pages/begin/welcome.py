"""Welcome: make a home, write the words down, found a community or join one, start the node."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

from fastapi import APIRouter, Response

from commonweal.client.community import join_codes
from commonweal.client.community.homes import confirm_words, make_home
from commonweal.client.community.standing import coming_words
from commonweal.client.governance.rule_templates import TEMPLATES, TITLES, parts_of_income
from commonweal.client.language.digits import whole_number
from commonweal.client.language.words import N_
from commonweal.client.member import Member
from commonweal.protocol.errors import CommonwealError, UnusableText
from commonweal.web.pages.begin.newcomer import BeginStep, Newcomer
from commonweal.web.pages.request import Page, PageRequest
from commonweal.web.pictures.picture import Legend, Picture
from commonweal.web.pictures.share_bar import BarPart, share_bar

router = APIRouter()

WELCOME = "/welcome"
WORDS_ASKED = 3
WITHOUT_RULES = N_("it keeps the ledger, and shares nothing until rules are voted")
DIFFERENT = N_("The two passphrases differ.")
WRONG_WORDS = N_("These are not the words of these places. Look at your paper once more.")


@router.get(WELCOME)
def welcome(page: Page) -> Response:
    """Show the step that comes next."""
    newcomer = _newcomer(page)
    step = newcomer.step()
    match step:
        case BeginStep.WORDS:
            words = newcomer.words() or []
            if not page.query("check"):
                return page.show("begin/words.html", phrase=words)
            return _ask_words(page, len(words))
        case BeginStep.COMMUNITY:
            return _community(page)
        case BeginStep.WAITING:
            with page.member() as member:
                standing = member.status()
                height = standing.coming
                coming = "" if height is None else coming_words(height, page.words)
                return page.show("begin/waiting.html", standing=standing, coming=coming)
        case BeginStep.DONE:
            newcomer.forget()
            return page.go("/")
    return page.show(f"begin/{step}.html", error="", typed={})


@router.post("/welcome/home")
def new_home(page: Page) -> Response:
    """Make the home; nothing is made where the name or the passphrase cannot be used."""
    newcomer = _newcomer(page)
    if newcomer.step() is not BeginStep.HOME:
        return page.go(WELCOME)
    name, passphrase = page.field("name"), page.secret("passphrase")
    wrong = ""
    if passphrase != page.secret("again"):
        wrong = page.words(DIFFERENT)
    else:
        try:
            language = "zh" if page.words.is_chinese else "en"
            make_home(newcomer.home, name, passphrase or None, language, page.words, is_guided=True)
        except CommonwealError as error:
            wrong = page.sentence(error)
    if wrong:
        return page.show("begin/home.html", 422, error=wrong, typed={"name": name})
    newcomer.keep_passphrase(passphrase or None)
    return page.go(WELCOME)


@router.post("/welcome/passphrase")
def unlock(page: Page) -> Response:
    """Take the passphrase of a home that was made before."""
    try:
        _newcomer(page).keep_passphrase(page.secret("passphrase"))
    except CommonwealError as error:
        return page.show("begin/locked.html", 422, error=page.sentence(error), typed={})
    return page.go(WELCOME)


@router.post("/welcome/words")
def check_words(page: Page) -> Response:
    """Compare three of the words that are on paper with those of the key."""
    newcomer = _newcomer(page)
    if newcomer.step() is not BeginStep.WORDS:
        return page.go(WELCOME)
    words = newcomer.words() or []
    asked = [whole_number(place) or 0 for place in page.fields("place")]
    is_whole = len(set(asked)) == WORDS_ASKED and all(0 < place <= len(words) for place in asked)
    if not is_whole or any(
        _plain(page.field(f"word{place}")) != _plain(words[place - 1]) for place in asked
    ):
        return _ask_words(page, len(words), page.words(WRONG_WORDS))
    confirm_words(newcomer.home)
    return page.go(WELCOME)


@router.post("/welcome/found")
def found(page: Page) -> Response:
    """Found a community by the rules of a template, and start the node."""
    return _enter(page, lambda member: member.found(page.field("name"), rules=page.field("rules")))


@router.post("/welcome/join")
def join(page: Page) -> Response:
    """Ask to join, by a link or a code, and start the node."""
    link = page.field("link")

    def ask(member: Member) -> object:
        if not link:
            raise UnusableText(page.words("paste the link or type the code that you were given"))
        join_codes.check(link)
        return member.join(link)

    return _enter(page, ask, is_join=True)


@router.post("/welcome/node")
def start_node(page: Page) -> Response:
    """Start the node of a home that is in a community."""
    newcomer = _newcomer(page)
    if newcomer.step() is BeginStep.NODE:
        page.act(lambda member: member.start_node(), passphrase=newcomer.passphrase)
    return page.go(WELCOME)


def _enter(
    page: PageRequest, enter: Callable[[Member], object], *, is_join: bool = False
) -> Response:
    """Let the member found or join, then start their node; show the form again where it fails."""
    newcomer = _newcomer(page)
    if newcomer.step() is not BeginStep.COMMUNITY:
        return page.go(WELCOME)
    try:
        page.act(enter, passphrase=newcomer.passphrase)
    except CommonwealError as error:
        return _community(page, error, is_join=is_join)
    page.act(lambda member: member.start_node(), passphrase=newcomer.passphrase)
    return page.go(WELCOME)


def _community(
    page: PageRequest, error: CommonwealError | None = None, *, is_join: bool = False
) -> Response:
    """Show the choice between founding and joining, with what is wrong beside its form."""
    wrong = "" if error is None else page.sentence(error)
    return page.show(
        "begin/community.html",
        422 if wrong else 200,
        templates=[
            (name, page.words(title), page.words(TEMPLATES.get(name, WITHOUT_RULES)), drawn)
            for name, title in TITLES.items()
            for drawn in (_picture(page, name),)
        ],
        found_error="" if is_join else wrong,
        join_error=wrong if is_join else "",
        typed={name: page.field(name) for name in ("name", "rules", "link")},
    )


def _picture(page: PageRequest, rules: str) -> Picture | None:
    """Return what becomes of an income by the rules of a template."""
    parts = [
        BarPart(part.zh if page.words.is_chinese else part.en, _decimal(part.percent))
        for part in parts_of_income(rules)
    ]
    if not parts:
        return None
    words = page.words
    caption = words("What becomes of 100 that come in, by {rules}").format(
        rules=words(TITLES[rules])
    )
    legend = Legend(caption, words("of 100"), words("part"), (words("amount"),))
    return share_bar(legend, parts, words)


def _decimal(percent: Fraction) -> Decimal:
    return Decimal(percent.numerator) / percent.denominator


def _ask_words(page: PageRequest, count: int, error: str = "") -> Response:
    places = sorted(secrets.SystemRandom().sample(range(1, count + 1), WORDS_ASKED))
    return page.show("begin/check.html", 422 if error else 200, places=places, error=error)


def _plain(word: str) -> str:
    return unicodedata.normalize("NFKD", word).casefold()


def _newcomer(page: PageRequest) -> Newcomer:
    newcomer = page.request.app.state.newcomer
    assert isinstance(newcomer, Newcomer)
    return newcomer
