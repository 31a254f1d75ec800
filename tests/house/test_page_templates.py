"""The templates of the page: nothing inline, nothing from elsewhere, every text escaped."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "web"
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
ASSETS_BYTES_MAX = 60_000
FORBIDDEN = {
    "an inline style": r"(?i)\sstyle\s*=|<style",
    "an inline script": r"(?i)<script(?! src=\"\{\{ asset\()",
    "a handler": r"(?i)<[^>]*\son[a-z]+\s*=",
    "an address that runs": r"(?i)javascript:|data:text",
    "a text that is not escaped": r"\|\s*safe\b|autoescape|Markup",
    "an address elsewhere": r"(?i)(?:src|href|action|srcset|poster)\s*=\s*\"(?:[a-z+]+:)?//",
    "what frames or loads": r"(?i)<(?:iframe|object|embed|base|applet|frame|audio)\b",
    "an attribute without quotes": r"\s[a-z-]+=\{\{",
}
FORM = re.compile(r"<form\b[^>]*>.*?</form>", re.DOTALL)
TEXT = re.compile(r"""\b(?:_|ngettext)\(\s*("[^"]*"|'[^']*')""")


def parts(template: Path) -> str:
    """Return a template without its comments."""
    return re.sub(r"\{#.*?#\}", "", template.read_text("utf-8"), flags=re.DOTALL)


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_template_has(what: str) -> None:
    wrong = [
        str(path.relative_to(ROOT)) for path in TEMPLATES if re.search(FORBIDDEN[what], parts(path))
    ]
    assert len(TEMPLATES) > 20
    assert wrong == []


def test_every_form_that_acts_proves_that_it_is_ours() -> None:
    forms = [(path.name, form) for path in TEMPLATES for form in FORM.findall(parts(path))]
    acting = [
        (name, form) for name, form in forms if 'method="post"' in form and name != "enter.html"
    ]
    assert len(acting) > 20
    for name, form in acting:
        assert "form_start()" in form or "form_token" in form, (name, form[:80])
    for name, form in forms:
        assert 'method="post"' in form or 'method="get"' in form, (name, form[:80])


def test_no_text_of_a_template_is_markup() -> None:
    texts = [text for path in TEMPLATES for text in TEXT.findall(parts(path))]
    assert len(texts) > 200
    assert [text for text in texts if re.search(r"<[a-zA-Z/!]|&[a-z]+;", text)] == []


def test_the_pieces_of_the_page_are_small() -> None:
    files = sorted(
        path for path in (ROOT / "assets").iterdir() if path.suffix in (".css", ".js", ".svg")
    )
    assert len(files) == 4
    assert sum(len(gzip.compress(path.read_bytes())) for path in files) <= ASSETS_BYTES_MAX
