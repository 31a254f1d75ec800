"""What a page and its translation must share: text goes in, differences come out.

The words differ; headings, examples, tables and links do not. Whether a translation is good, a
machine cannot tell.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from itertools import zip_longest

from conftest import commands

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s#:]+)(?:#[^)\s]*)?\)")
_WORD = re.compile(r'"[^"\n]*"|\'[^\']*\'|\S+')
_COMMENT = re.compile(r"(^|\s+)# .*$")
_SPAN = re.compile(r"`([^`]+)`")
_NUMBER = re.compile(r"\d[\d,.]*(?<=\d)")
_HAN = re.compile(r"[\u3400-\u9fff]")
_EDGE = re.compile(r"(?<!\\)\|")
_CAPITALS = re.compile(r"\b[A-Z]+\b")


def translated(place: str) -> str:
    """The place of the Chinese page of `place`."""
    return "README.zh-CN.md" if place == "README.md" else place.removesuffix(".md") + ".zh.md"


def differences(page: str, other: str) -> Iterator[str]:
    """What `other`, in Chinese, does not share with `page`.

    A word of a command that is written in Chinese stands for any word, as a name or a note does.
    """
    yield from _unlike("heading", _levels(page), _levels(other))
    yield from _unlike("example", _typed(page), _typed(other))
    yield from _unlike("table row", _rows(page), _rows(other))
    for here, there in ((_spans(page), _spans(other)), (_numbers(page), _numbers(other))):
        for said in sorted(here ^ there):
            yield f"{said} stands on {'the page' if said in here else 'the translation'} alone"


def strange_links(place: str, page: str, other: str, pages: frozenset[str]) -> Iterator[str]:
    """The links of `other` that lead elsewhere than those of `page`, or to a translated page.

    place: where `page` is; pages: the places that have a translation.
    """
    wanted = {translated(link) if link in pages else link for link in linked(place, page)}
    wanted = wanted - {translated(place)} | {place}
    for link in sorted(wanted ^ linked(place, other)):
        yield f"{link} is linked by {'the page' if link in wanted else 'the translation'} alone"


def linked(place: str, page: str) -> set[str]:
    """The places to which the page at `place` links; a picture is the same in both languages."""
    folder = posixpath.dirname(place)
    links = (re.sub(r"\.zh\.(png|svg)$", r".\1", link) for link in _LINK.findall(page))
    return {posixpath.normpath(posixpath.join(folder, link)) for link in links}


def _unlike(what: str, here: list[str], there: list[str]) -> Iterator[str]:
    for number, (mine, theirs) in enumerate(zip_longest(here, there, fillvalue=""), 1):
        if not _alike(mine, theirs):
            yield f"{what} {number}: {mine!r} is {theirs!r} in the translation"
            return


def _alike(mine: str, theirs: str) -> bool:
    ours, others = _WORD.findall(mine), _WORD.findall(theirs)
    return len(ours) == len(others) and all(
        word == other or (_HAN.search(other) and not word.startswith("-"))
        for word, other in zip(ours, others, strict=True)
    )


def _levels(page: str) -> list[str]:
    return [level for level, _title in _HEADING.findall(_FENCE.sub("", page))]


def _typed(page: str) -> list[str]:
    """The lines of the examples that are neither output nor comment.

    A line that a console command writes into a file is one word.
    """
    lines = []
    for language, block in _FENCE.findall(page):
        if language == "console":
            for command, _printed, code in commands(block):
                first, *rest = command.split("\n")
                lines += [f"{first} {code}", *(f"'{line}'" for line in rest)]
        else:
            lines += [language, *(_COMMENT.sub("", line) for line in block.splitlines())]
    return lines


def _rows(page: str) -> list[str]:
    """Of each row of a table: how many cells it has, and the code and the numbers in it."""
    told = []
    for row in _FENCE.sub("", page).splitlines():
        if row.startswith("|"):
            numbers = _NUMBER.findall(_SPAN.sub("", row))
            told.append(f"{len(_EDGE.findall(row)) - 1} {sorted(_fixed(row) + numbers)}")
    return told


def _spans(page: str) -> set[str]:
    """Code of one word in the text."""
    return {span for span in _fixed(_FENCE.sub("", page)) if " " not in span}


def _numbers(page: str) -> set[str]:
    """Numbers of two digits and more in the text; small ones may be words."""
    text = _SPAN.sub("", _FENCE.sub("", page))
    return {number for number in _NUMBER.findall(text) if len(number) > 1}


def _fixed(text: str) -> list[str]:
    """Code that a translation keeps: what stands for something else is translated."""
    spans = _SPAN.findall(text)
    return [span for span in spans if not (_HAN.search(span) or _CAPITALS.search(span))]
