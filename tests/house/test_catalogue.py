"""Members read every sentence in Chinese too, and what is compiled is what is written."""

from __future__ import annotations

import gettext
import io
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from tests.house import catalogue

FILES = catalogue.po_files()


def of(language: str, **pairs: str) -> Catalog:
    made = Catalog(locale=language)
    for words, translated in pairs.items():
        made.add(words.replace("_", " "), translated)
    return made


def test_there_is_a_chinese_catalogue() -> None:
    assert [path.parent.parent.name for path in FILES] == ["zh"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.parent.name)
def test_a_catalogue_is_complete(path: Path) -> None:
    complaints = catalogue.faults(catalogue.gather(), catalogue.read(path))
    assert not complaints, "make i18n, then translate:\n" + "\n".join(complaints)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.parent.name)
def test_a_catalogue_is_compiled(path: Path) -> None:
    compiled = path.with_suffix(".mo").read_bytes()
    assert catalogue.compiled_equal(catalogue.read(path), compiled), "make i18n"


def test_gettext_finds_chinese_for_every_chinese_locale() -> None:
    for language in ("zh", "zh_CN.UTF-8", "zh_TW"):
        assert gettext.find("commonweal", str(catalogue.LOCALE), [language])


@pytest.mark.parametrize(
    ("kept", "complaint"),
    [
        (of("zh"), "not in the catalogue"),
        (of("zh", hello_world=""), "not translated"),
        (of("zh", hello_world="您好 {name}"), "other placeholders"),
        (of("zh", hello_world="您好,世界"), "half-width"),
        (of("zh", hello_world="你好"), "say 您, not 你"),
        (of("zh", hello_world="您好", gone="走了"), "no longer in the code"),
    ],
    ids=["absent", "empty", "a hole too many", "comma", "other word", "surplus"],
)
def test_a_fault_in_a_catalogue_is_seen(kept: Catalog, complaint: str) -> None:
    found = catalogue.faults(of("en", hello_world=""), kept)
    assert len(found) == 1
    assert complaint in found[0]


def test_a_guess_is_not_a_translation() -> None:
    kept = Catalog(locale="zh")
    kept.add("hello", "你好", flags=["fuzzy"])
    assert catalogue.faults(of("en", hello=""), kept) == ["not translated: 'hello'"]


@pytest.mark.parametrize(
    ("words", "is_whole"),
    [("{n} 个节点", True), ("一个节点", True), ("{m} 个节点", False), ("{n} 个 {m}", False)],
)
def test_a_plural_keeps_the_placeholders_of_one_of_its_forms(words: str, is_whole: bool) -> None:
    wanted, kept = Catalog(locale="en"), Catalog(locale="zh")
    wanted.add(("a node", "{n} nodes"))
    kept.add(("a node", "{n} nodes"), (words,))
    assert (catalogue.faults(wanted, kept) == []) is is_whole


def test_a_stale_compiled_file_is_seen() -> None:
    compiled = io.BytesIO()
    write_mo(compiled, of("zh", hello="你好"))
    assert catalogue.compiled_equal(of("zh", hello="你好"), compiled.getvalue())
    assert not catalogue.compiled_equal(of("zh", hello="您好"), compiled.getvalue())


def test_everything_that_members_read_is_gathered() -> None:
    errors = 'class Lost(Exception):\n    """It is lost;\n    look for it."""\n'
    command = (
        '@cli.command("up")\n@click.option("--far", help="How far.")\ndef up():\n'
        '    """Start the node."""\n    say(_("started"), ngettext("{n} peer", "{n} peers", n))\n'
    )
    assert list(catalogue.gathered("protocol/errors/caller.py", errors)) == [
        "It is lost;\nlook for it."
    ]
    assert set(catalogue.gathered("commands/node/up.py", command)) == {
        "Start the node.",
        "How far.",
        "started",
        ("{n} peer", "{n} peers"),
    }


def test_a_sentence_is_gathered_wherever_it_is_called() -> None:
    source = (
        'words = {}\nsay(words["a"])\nsay()\nreturn_ = say(\n    _("lost")\n)\n'
        'f"{_(\'hidden\')}"\nme.words("me")\nself._words("mine")\n'
        '_(said)\n_("")\nplural("{n} a", many)\n'
    )
    assert list(catalogue.gathered("commands/share/shares.py", source)) == [
        "me",
        "mine",
        "lost",
        "hidden",
    ]
