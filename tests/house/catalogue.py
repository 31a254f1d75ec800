"""The words that members read, gathered from the code and kept in Chinese beside it.

`python -m tests.house.catalogue` (`make i18n`) brings `commonweal.po` up to date with the code and
 compiles it; test_catalogue.py says what is still untranslated. The compiled file is committed,
so that a checkout, an editable install and a wheel speak Chinese without a build step.

Gathered are: what stands in `_()`, `N_()`, `gettext()` and `ngettext()`, in templates too; the
docstrings of errors; the docstrings of commands and the `help=` of their options, with indentation
cleaned away.
"""

from __future__ import annotations

import ast
import inspect
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

ROOT = Path(__file__).parents[2]
LOCALE = ROOT / "client" / "locale"
DOMAIN = "commonweal"
KEYWORDS = {
    "_": 1,
    "N_": 1,
    "gettext": 1,
    "words": 1,
    "_words": 1,
    "ngettext": 2,
    "Nn_": 2,
    "plural": 2,
}
"""What is called with a sentence, and in how many forms."""
HALF_WIDTH = re.compile(r"[\u4e00-\u9fff][,;:!?]")  # Chinese sentences have their own marks
OTHER_WORDS = {"你(?!们)": "您", "封印": "封账", "家目录": "主目录", "暂定": "暂估", "录入": "导入"}
"""Chinese words for which docs/glossary.md, or politeness, has another."""
PLACEHOLDER = re.compile(r"\{[^{}]*\}|%\(\w+\)[sd]|%[sd]")


def sources() -> list[Path]:
    """The files whose words members read."""
    folders = [ROOT / name for name in ("client", "commands", "node", "protocol", "storage", "web")]
    templates = sorted((ROOT / "web" / "templates").rglob("*.html"))
    return [
        ROOT / "cli.py",
        *sorted(path for one in folders for path in one.rglob("*.py")),
        *templates,
    ]


def gather() -> Catalog:
    """Everything in the code that is to be translated."""
    found = Catalog(domain=DOMAIN, project="Commonweal", charset="utf-8")
    for path in sources():
        if path.is_file():
            place = path.relative_to(ROOT).as_posix()
            for words in gathered(place, path.read_text("utf-8")):
                found.add(words, locations=[(place, 0)])
    return found


def gathered(place: str, text: str) -> Iterator[str | tuple[str, ...]]:
    """What members read in one file: a sentence, or its singular and plural."""
    if place.endswith(".html"):
        for _, _, wanted, _ in babel_extract(io.BytesIO(text.encode()), list(KEYWORDS), (), {}):
            if isinstance(wanted, str):
                yield wanted
            elif wanted:
                yield tuple(text for text in wanted if text)
        return
    for found in ast.walk(ast.parse(text)):
        match found:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in KEYWORDS:
                yield from _called(found, KEYWORDS[name])
            case ast.ClassDef(bases=bases) if _is_error(bases, place):
                yield inspect.cleandoc(ast.get_docstring(found) or "")
            case ast.FunctionDef() | ast.AsyncFunctionDef() if _is_command(found):
                if words := ast.get_docstring(found):
                    yield words.split("\f")[0].strip()
            case ast.keyword(arg="help" | "short_help", value=ast.Constant(value=str() as words)):
                yield words


def _called(call: ast.Call, forms: int) -> Iterator[str | tuple[str, ...]]:
    """The sentence of a call, or its singular and plural, where they stand there."""
    words = [word.value for word in call.args[:forms] if isinstance(word, ast.Constant)]
    texts = tuple(word for word in words if isinstance(word, str) and word)
    if len(texts) == forms:
        yield texts if forms > 1 else texts[0]


def _is_error(bases: list[ast.expr], place: str) -> bool:
    if not place.startswith("protocol/errors/"):
        return bool(bases) and ast.unparse(bases[0]) in {"CommonwealError", "UsageError"}
    return bool(bases) and ast.unparse(bases[0]) not in {"NamedTuple", "Enum", "IntEnum", "StrEnum"}


def _is_command(found: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    marks = [mark.func if isinstance(mark, ast.Call) else mark for mark in found.decorator_list]
    return any(
        isinstance(mark, ast.Attribute) and mark.attr in {"command", "group"} for mark in marks
    )


def po_files() -> list[Path]:
    """The catalogues that exist, one per language."""
    return sorted(LOCALE.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))


def read(path: Path) -> Catalog:
    """The catalogue of a .po file, its language taken from its folder."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parent.parent.name, domain=DOMAIN)


def faults(template: Catalog, kept: Catalog) -> list[str]:
    """What a member would read in the wrong language, or with a hole in it."""
    complaints = []
    for message in template:
        if not message.id:
            continue
        here = kept.get(message.id)
        if here is None:
            complaints.append(f"not in the catalogue: {message.id!r}")
        elif not all(_each(here.string)) or here.fuzzy:
            complaints.append(f"not translated: {message.id!r}")
        elif not _same_holes(here):
            complaints.append(f"other placeholders than the original: {message.id!r}")
        elif any(HALF_WIDTH.search(words) for words in _each(here.string)):
            complaints.append(f"half-width punctuation after a Chinese word: {message.id!r}")
        else:
            complaints += [
                f"say {better}, not {word}: {message.id!r}"
                for word, better in OTHER_WORDS.items()
                if any(re.search(word, words) for words in _each(here.string))
            ]
    asked = {_key(message) for message in template}
    complaints += [f"no longer in the code: {one.id!r}" for one in kept if _key(one) not in asked]
    return complaints


def _each(words: str | list[str] | tuple[str, ...] | None) -> tuple[str, ...]:
    return (words or "",) if isinstance(words, str | None) else tuple(words)


def _key(message: Message) -> str:
    return _each(message.id)[0]


def _same_holes(message: Message) -> bool:
    wanted = [set(PLACEHOLDER.findall(words)) for words in _each(message.id)]
    return all(set(PLACEHOLDER.findall(words)) in wanted for words in _each(message.string))


def compiled_equal(kept: Catalog, mo: bytes) -> bool:
    """Whether compiled bytes say what the catalogue says."""
    compiled = read_mo(io.BytesIO(mo))
    return _pairs(kept) == _pairs(compiled)


def _pairs(catalogue: Catalog) -> dict[str, tuple[str, ...]]:
    return {_key(one): _each(one.string) for one in catalogue if one.id and any(_each(one.string))}


def update() -> None:
    """Bring every catalogue up to date with the code, and compile it."""
    template = gather()
    for path in po_files():
        kept = read(path)
        template.creation_date = kept.creation_date
        kept.last_translator = kept.language_team = "The Commonweal contributors"
        kept.msgid_bugs_address = ""
        kept.revision_date = kept.creation_date
        kept.update(template, no_fuzzy_matching=True)
        kept.obsolete.clear()
        written, compiled = io.BytesIO(), io.BytesIO()
        write_po(written, kept, width=100, sort_output=True, no_location=True)
        write_mo(compiled, kept)
        _put(path, written.getvalue())
        _put(path.with_suffix(".mo"), compiled.getvalue())
        for complaint in faults(template, kept):
            print(f"{path.relative_to(ROOT)}: {complaint}")


def _put(path: Path, data: bytes) -> None:
    """Write a file at once: whoever reads it meanwhile finds the old one whole."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_bytes(data)
    draft.replace(path)


if __name__ == "__main__":
    update()
