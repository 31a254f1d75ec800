"""Keys: passphrase, sponsors, another key for this member or for one who named them, devices."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from fastapi import APIRouter, Response

from commonweal.client.community.key_recovery import key_of_words, new_key
from commonweal.client.language.digits import whole_number
from commonweal.client.member import Member
from commonweal.protocol.errors import CommonwealError
from commonweal.storage.home import keystore
from commonweal.web.pages.request import Page, PageRequest

router = APIRouter()

WORDS_ASKED = 3
PATH = "/settings/keys"


@router.get("/settings/keys")
def keys(page: Page) -> Response:
    """Show what opens this member's keystore, who can help them, and their devices."""
    return _show(page)


@router.get("/settings/keys/{act}")
def back(page: Page, act: str) -> Response:
    """Lead from the address of an act to the page, as after a change of the language."""
    return page.go(PATH, at=act)


@router.post("/settings/keys/passphrase")
def passphrase(page: Page) -> Response:
    """Protect the keystore by another passphrase, or by none."""
    new, again = page.secret("new"), page.secret("again")
    if new != again:
        return _show(page, "passphrase", page.words("The two are not the same."))
    if not new and page.field("sure") != "yes":
        return _show(page, "passphrase", page.words("Confirm that you want no passphrase."))
    try:
        with page.member() as member:
            member.change_passphrase(page.secret("passphrase") or None, new or None)
    except CommonwealError as error:
        return _show(page, "passphrase", page.sentence(error))
    return page.go(PATH, page.words("The new passphrase opens your keys now."))


@router.post("/settings/keys/sponsors")
def sponsors(page: Page) -> Response:
    """Name the members who together can give this one another key."""
    named, needed = page.fields("member"), page.field("needed")
    count = whole_number(needed)
    if needed and count is None:
        return _show(page, "sponsors", page.words("{text} is no whole number").format(text=needed))
    if not named and page.field("none") != "yes":
        return _show(page, "sponsors", page.words("Choose members, or confirm that nobody shall."))

    def name(me: Member) -> None:
        me.check_passphrase()
        me.name_sponsors(*named, needed=count)

    return _grave(page, name, "sponsors", page.words("Your sponsors are written down."))


@router.post("/settings/keys/new")
def begin_change(page: Page) -> Response:
    """Make a new key and show its words; nothing counts yet."""
    try:
        with Member(page.home, language=page.words.language, passphrase=_typed(page)) as member:
            member.check_key_change()
    except CommonwealError as error:
        return _show(page, "new", page.sentence(error))
    return _words(page, new_key("zh" if page.words.is_chinese else "en").words)


@router.post("/settings/keys/change")
def change(page: Page) -> Response:
    """Let the new key take the place of the old one, once its words are on paper."""
    words = page.field("words")
    phrase, asked = words.split(), [whole_number(place) or 0 for place in page.fields("place")]
    try:
        key = key_of_words(words)
    except CommonwealError as error:
        return _show(page, "new", page.sentence(error))
    is_known = len(set(asked)) == WORDS_ASKED and all(
        0 < place <= len(phrase) and page.field(f"word{place}") == phrase[place - 1]
        for place in asked
    )
    if not is_known:
        wrong = page.words("That is not what stands on this page. Look at your paper again.")
        return _words(page, words, wrong)
    typed = _typed(page)

    def take(me: Member) -> None:
        me.check_passphrase()
        me.change_key(key, passphrase=typed)

    return _grave(page, take, "new", page.words("Your new key counts. The old words open nothing."))


@router.post("/settings/keys/give")
def give(page: Page) -> Response:
    """Say, as a sponsor, that a member shall have another key."""
    member, code = page.field("member"), page.field("code")

    def say(me: Member) -> str:
        me.check_passphrase()
        made = me.give_key(member, code)
        if made.is_enough:
            return page.words("{name} has the new key now.").format(name=made.name)
        text = page.words("{given} of {needed} sponsors gave {name} the key.")
        return text.format(given=made.given, needed=made.needed, name=made.name)

    return _grave(page, say, "give", "")


@router.post("/settings/keys/revoke")
def revoke(page: Page) -> Response:
    """End a device of this member."""
    device = page.field("device")
    if page.field("sure") != "yes":
        return _show(page, "revoke", page.words("Confirm that this device shall write no more."))

    def end(me: Member) -> None:
        me.check_passphrase()
        me.revoke_device(device)

    return _grave(page, end, "revoke", page.words("The device writes for you no more."))


def _grave(
    page: PageRequest, do: Callable[[Member], str | None], field: str, notice: str
) -> Response:
    """Do what asks for the passphrase, or show the page again with why it was not done.

    A member without a passphrase says in another field that they are sure.
    """
    if not keystore.needs_passphrase(page.home.keystore) and page.field("sure") != "yes":
        return _show(page, field, page.words("Confirm that you are sure."))
    try:
        told = page.act(do, passphrase=page.secret("passphrase"))
    except CommonwealError as error:
        return _show(page, field, page.sentence(error))
    return page.go(PATH, told or notice)


def _typed(page: PageRequest) -> str | None:
    return page.secret("passphrase") or None


def _words(page: PageRequest, words: str, wrong: str = "") -> Response:
    """Show the words of a new key, and ask for three of them."""
    phrase = words.split()
    places = sorted(secrets.SystemRandom().sample(range(1, len(phrase) + 1), WORDS_ASKED))
    return page.show(
        "people/new_key.html",
        422 if wrong else 200,
        phrase=phrase,
        whole=words,
        places=places,
        wrong=wrong,
        is_protected=keystore.needs_passphrase(page.home.keystore),
    )


def _show(page: PageRequest, field: str = "", error: str = "") -> Response:
    with page.member() as member:
        me = member.view.me
        sponsors = problem = None
        try:
            sponsors = member.sponsors()
        except CommonwealError as refused:
            problem = page.sentence(refused)
        devices = member.devices(member=me.hex())
        others = [row for row in member.members() if row.status == "active" and not row.you]
    return page.show(
        "people/keys.html",
        422 if field else 200,
        wrong={field: error},
        sponsors=sponsors,
        problem=problem,
        devices=devices,
        others=others,
        named=page.fields("member"),
        code=page.field("code"),
        is_protected=keystore.needs_passphrase(page.home.keystore),
    )
