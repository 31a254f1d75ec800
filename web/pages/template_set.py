"""Templates: Jinja2 with our words, and with every text shown so that it commands nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from commonweal.client.language.quantity import shown_action, shown_unit
from commonweal.client.language.times import iso, shown, shown_when
from commonweal.client.language.visible_text import visible
from commonweal.client.language.words import Words
from commonweal.web.pages.assets import address

TEMPLATES = Path(__file__).parents[1] / "templates"
ID_DIGITS = 12
_CHINESE = re.compile("[\u3400-\u9fff]")
_ID = re.compile("[0-9a-f]{64}")
_LETTERS = re.compile("[A-Za-z\u3400-\u9fff]")


def seen(value: Any) -> Any:
    """Return a value as a template prints it: controls and directions in a text are written out."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return visible(value)
    if value is None:
        return ""
    return value


def kept(text: str | None) -> Markup:
    """Return a text for the value of a field: escaped, and else as it is, to be sent again."""
    return escape(text or "")


def said(text: str | None, language: str = "") -> Markup:
    """Return what a member wrote, on as many lines as they wrote, apart from the text around it.

    language: of the page; a text in another one is marked, so that it is read out rightly.
    """
    if not text:
        return Markup()
    lines = Markup("<br>").join(escape(visible(line)) for line in text.splitlines())
    own = language_of(text)
    mark = Markup(' lang="{}"').format(own) if own and own != language else ""
    return Markup("<bdi{}>{}</bdi>").format(mark, lines)


def language_of(text: str) -> str:
    """Return "zh" for a text with Chinese characters, "en" for one with Latin letters, else ""."""
    if _CHINESE.search(text):
        return "zh"
    return "en" if _LETTERS.search(text) else ""


def amount(value: Decimal | int | None) -> str:
    """Return a number as people read it: groups of three digits, all its decimals."""
    return "" if value is None else f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}"


@pass_context
def action(context: Context, name: str) -> str:
    """Return an action in the words of the page."""
    return shown_action(name, context["_"])


@pass_context
def unit(context: Context, name: str | None) -> str:
    """Return a unit in the words of the page."""
    return shown_unit(name or "", context["_"])


def is_id(text: str) -> bool:
    """Whether a text is a whole id, as a link needs it."""
    return _ID.fullmatch(text) is not None


def short_id(id: bytes | None) -> str:
    """Return the digits by which a page names a record."""
    return "" if id is None else id.hex()[:ID_DIGITS]


def instant(ms: int | None) -> Markup:
    """Return an instant as a `time` element: the reader's minute, and the exact time on hover."""
    if ms is None:
        return Markup()
    exact = iso(ms)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(exact, exact, shown(ms))


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Return the templates of all pages; an unknown name in one is an error, not nothing."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=seen,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    filters: dict[str, Callable[..., Any]] = {
        "kept": kept,
        "said": said,
        "amount": amount,
        "action": action,
        "unit": unit,
        "is_id": is_id,
        "id": short_id,
        "instant": instant,
        "when": shown_when,
        "shown": shown,
    }
    made.filters.update(filters)
    made.globals["asset"] = address
    return made


def rendered(template: str, words: Words, **values: Any) -> str:
    """Return a page. values: what its template names, beside the words."""
    language = "zh" if words.is_chinese else "en"
    return (
        environment()
        .get_template(template)
        .render(_=words, ngettext=words.plural, language=language, **values)
    )
