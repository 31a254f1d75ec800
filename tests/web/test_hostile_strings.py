"""Hostile texts through every field of every form: nothing runs, and nothing breaks."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import cycle
from urllib.parse import quote, urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commonweal.client import Member
from commonweal.client.exchange.deals.terms import ClauseTerms
from commonweal.web.pages.navigation import MENU
from commonweal.web.pages.template_set import TEMPLATES
from tests.builders.browser import SENT_BY_BROWSERS, URL, Browser, browser
from tests.builders.commons import Commons
from tests.web.pictures.drawings import ATTRIBUTES, ELEMENTS

PAGES_MAX = 90
ROUNDS = 1 + int(os.environ.get("COMMONWEAL_EXAMPLES", "100")) // 500
"""How many texts each field gets."""
EXAMPLES = max(60, int(os.environ.get("COMMONWEAL_EXAMPLES", "60")))
TEXTS = (
    "<script>hostile()</script>",
    "</textarea></title></select><script>hostile()</script>",
    '"><img src=x onerror=hostile()>',
    "'><svg/onload=hostile()>",
    '" autofocus onfocus="hostile()',
    "' style='position:fixed' x='",
    "<hostile-tag>",
    "--><hostile-tag><!--",
    "]]><hostile-tag>",
    "<iframe srcdoc='<script>hostile()</script>'>",
    "<base href=//evil.example><form action=//evil.example>",
    "<a href=javascript:hostile()>",
    "javascript:hostile()",
    "//evil.example/",
    "\\\\evil.example",
    "&lt;script&gt;hostile()&lt;/script&gt;",
    "&#60;hostile-tag&#62;",
    "\uff1chostile-tag\uff1e",
    "{{ 7919*7919 }}",
    "{% for x in ().__class__.__mro__ %}{{ x }}{% endfor %}",
    "${7919*7919}#{7919*7919}<%= 7919*7919 %>",
    "{0.__class__} {__init__.__globals__} %s %n %(x)s",
    "\u202egnp.exe\u2066 \u200f\u061c",
    "\x00",
    "a\x00<hostile-tag>",
    "\x1b[2J\x1b]0;x\x07\x7f\x85\u2028\u2029",
    "\ud800 \udfff",
    "a" + "\u0300\u0489\u033f" * 400,
    "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466\U0001f3fd\ufe0f",
    "\ufeff\ufffe\uffff\U0010ffff",
    "x" * 5000,
    "界" * 21_000,
    "'; DROP TABLE events; --",
    "../../../../etc/passwd",
    "\r\nset-cookie: a=b\r\n\r\n<hostile-tag>",
    "1e999999",
    "-0",
    "NaN",
    "9" * 400,
    "9" * 5_000,
    "0." + "0" * 300 + "1",
    "\u0661\u0662",
    "0000-00-00",
    "9999-99-99T99:99",
    "f" * 64,
)
LEFT_ALONE = {"/exit", "/settings/end-others", "/welcome/found", "/enter"}
LEFT_ALONE |= {"/node/start", "/welcome/node"}  # a node outlives its test
"""Forms that end the session or start processes."""


DEAL = (
    ClauseTerms("Bo", "Mei", "work", "2", "hours"),
    ClauseTerms("Mei", "Bo", "transfer", "9", "EUR", in_return=True),
)
WRITTEN = "<bdi lang><br><time datetime title><svg xmlns><path stroke transform>"
"""What the filters of templates write, and QR codes."""


@dataclass
class Form:
    """A form of a page, and what its fields hold."""

    page: str
    action: str
    method: str
    is_multipart: bool
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> tuple[str, ...]:
        """What forms that differ only in what they are about have in common."""
        return re.sub(r"[0-9a-f]{12,64}", "ID", self.action), self.method, *sorted(self.fields)


class _Forms(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.page, self.forms, self.links = page, list[Form](), list[str]()
        self.select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        at = {name: value or "" for name, value in attrs}
        if tag == "form":
            kind, action = at.get("enctype", ""), urlsplit(at["action"]).path
            self.forms.append(Form(self.page, action, at["method"], "multipart" in kind))
        elif tag == "a" and at.get("href", "").startswith("/"):
            self.links.append(at["href"].partition("#")[0])
        elif tag in ("input", "textarea", "select", "button") and at.get("name") and self.forms:
            self.forms[-1].fields.setdefault(at["name"], at.get("value", "") or "3")
            self.select = at["name"] if tag == "select" else ""
        elif tag == "option" and self.select and at.get("value"):
            self.forms[-1].fields[self.select], self.select = at["value"], ""


class _Answer(HTMLParser):
    """Collects what an answer has that no template has."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if tag not in TAGS or not NAMES.issuperset(names):
            self.wrong.append(str(self.get_starttag_text())[:200])
        for name, value in attrs:
            text = value or ""
            if name in ("src", "href", "action") and not text.startswith(
                ("/", "#", "?", "data:image/")
            ):
                self.wrong.append(f"{name}={text[:80]}")
            if name in ("src", "href", "action") and text.startswith(("//", "/\\")):
                self.wrong.append(f"{name}={text[:80]}")
        if tag == "script" and not (dict(attrs).get("src") or "").startswith("/assets/"):
            self.wrong.append("script")


class _Names(HTMLParser):
    """Collects the names of elements and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags, self.attributes = set(ELEMENTS), {name.lower() for name in ATTRIBUTES}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def _of_templates() -> tuple[set[str], set[str]]:
    names = _Names()
    names.feed(WRITTEN)
    for path in TEMPLATES.rglob("*.html"):
        names.feed(
            re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", path.read_text("utf-8"), flags=re.DOTALL)
        )
    return names.tags, names.attributes


TAGS, NAMES = _of_templates()


def forms_of(mei: Browser) -> list[Form]:
    """Return one form of each kind, of all pages that links lead to."""
    todo = [*(entry.path for entry in MENU), "/welcome"]
    seen: set[str] = set()
    kinds: dict[tuple[str, ...], Form] = {}
    while todo and len(seen) < PAGES_MAX:
        path = todo.pop(0)
        shape = re.sub(r"[0-9a-f]{12,64}", "ID", path)
        if shape in seen:
            continue
        seen.add(shape)
        page = mei.get(path)
        if "text/html" not in page.headers.get("content-type", ""):
            continue
        reader = _Forms(page.url.path)
        reader.feed(page.text)
        todo += reader.links
        for form in reader.forms:
            if form.action not in LEFT_ALONE:
                kinds.setdefault(form.kind, form)
    return list(kinds.values())


def send(mei: Browser, form: Form, name: str, text: str) -> None:
    """Send a form with a text in one field ("" for all), and look at the answer."""
    hidden = ("form_token", "once")
    sent = {
        key: text if key == name or (not name and key not in hidden) else value
        for key, value in form.fields.items()
    }
    body = urlencode(
        {key: value.encode("utf-8", "surrogatepass") for key, value in sent.items()},
        quote_via=quote,
    )
    if form.method == "get":
        answer = mei.client.get(f"{form.action}?{body}"[:60_000], headers=SENT_BY_BROWSERS)
    else:
        kind = {"content-type": "application/x-www-form-urlencoded", "origin": URL}
        answer = mei.client.post(form.action, content=body, headers=SENT_BY_BROWSERS | kind)
    where = (form.action, name, text[:60])
    assert answer.status_code < 500, where
    assert "Traceback" not in answer.text, where
    assert "62710561" not in answer.text, where
    assert "set-cookie: a=b" not in str(answer.headers), where
    if "text/html" in answer.headers.get("content-type", ""):
        reader = _Answer()
        reader.feed(answer.text)
        assert reader.wrong == [], where


@pytest.fixture(scope="module")
def mei(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Give the browser of a member whose community has something of each kind."""
    folder = tmp_path_factory.mktemp("hostile")
    lanxi = Commons(folder)
    with Member(lanxi.bo) as bo:
        work = bo.record("work", 3, "hours", scope="garden")
        income = bo.income(30, "EUR")
        bo.propose_decision("A bench?")
        bo.offer("repair", 2, "hours", tags=["bike"])
    lanxi.meet()
    lanxi.good(lanxi.mei, "attest", work.id.hex()[:12])
    lanxi.good(lanxi.mei, "attest", income.id.hex()[:12])
    lanxi.seal()
    with Member(lanxi.mei) as member:
        member.add_resource("saw", 1, "piece")
        member.offer("advice", 2, "hours")
        paused = member.offer("more advice", 2, "hours")
        member.pause_offer(paused.id)
        saw = next(row.id for row in member.resources() if row.name == "saw")
        member.set_terms(saw)
        member.block_thing(saw, 4_000_000_000_000, note="rust")
    lanxi.meet()
    with Member(lanxi.bo) as bo:
        bo.record("work", 2, "hours")
        bo.propose_deal(DEAL, note=TEXTS[0])
        bo.book(saw, "tomorrow 9:00-10:00")
    lanxi.meet()
    with browser(lanxi.mei.path) as entered:
        yield entered


@pytest.fixture(scope="module")
def fields(mei: Browser) -> list[tuple[Form, str]]:
    """Give every field of every form, by its name."""
    return [(form, name) for form in forms_of(mei) for name in form.fields]


def test_no_text_commands_the_page(mei: Browser, fields: list[tuple[Form, str]]) -> None:
    assert len({form.action for form, _ in fields}) > 15
    kinds = {form.kind[0] for form, _ in fields}
    assert {"/deals/new", "/deals/ID/accept", "/deals/ID/comment", "/deals/ID/counter"} <= kinds
    texts = cycle(TEXTS)
    for form, name in fields:
        for _ in range(ROUNDS):
            send(mei, form, name, next(texts))


def test_no_text_in_all_fields_at_once_commands_the_page(
    mei: Browser, fields: list[tuple[Form, str]]
) -> None:
    forms = {id(form): form for form, _ in fields}.values()
    for form, text in zip(cycle(forms), TEXTS * ROUNDS, strict=False):
        send(mei, form, "", text)


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_text_at_all_breaks_a_page(
    mei: Browser, fields: list[tuple[Form, str]], data: st.DataObject
) -> None:
    form, name = data.draw(st.sampled_from(fields))
    parts = st.lists(st.sampled_from(TEXTS) | st.text(st.characters()), min_size=1, max_size=3)
    send(mei, form, name, "".join(data.draw(parts)))
