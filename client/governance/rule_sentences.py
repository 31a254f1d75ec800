"""The sentences of rules, split where their numbers stand, and said again with other numbers.

A sentence is written by people, in English and in Chinese. Where a number of its rule stands in it
is found by how people spell that number; a number of which this is not certain is shown beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from commonweal.client.governance.number_words import NumberKind, spelled, spellings
from commonweal.client.governance.rule_numbers import RuleNumber, key_of, numbers_of, tables_of
from commonweal.client.language.quantity import shown_action
from commonweal.client.language.words import N_, Words

LANGUAGES = ("en", "zh")
Path: TypeAlias = "tuple[str | int, ...]"
Span: TypeAlias = "tuple[int, int]"

_CUES: Mapping[str, Mapping[str, str]] = {
    "delay_hours": {"en": r"For {} a newcomer", "zh": r"入社{}内"},
    "trial_hours": {"en": r"{} of trial", "zh": r"试行{}"},
    "growth_percent": {"en": r"or {} of the members", "zh": r"成员数的{}"},
}
"""What stands around a number whose spelling other numbers share, in the rules of the templates."""

_CHINESE_NUMBER = "零一二两三四五六七八九十百千万亿半\\d"
_TIMES = (NumberKind.HOURS, NumberKind.EVERY, NumberKind.MINUTES)
"""Their spellings end in a unit."""
_ENGLISH_EDGE = r"(?<![\w.,/])", r"(?![\w/]|[.,]\d)"


@dataclass(frozen=True, slots=True)
class SentencePiece:
    """A part of a sentence. text: as it stands there. number: which the text says, if it does."""

    text: str
    number: RuleNumber | None = None


@dataclass(frozen=True, slots=True)
class RulePart:
    """One rule: a table of the document, its sentence, and its numbers.

    place: as `rule_sentences` names it. pieces: the sentence, split around its numbers. beside:
    numbers of the rule that the sentence does not say.
    """

    place: str
    path: Path
    sentence: str
    pieces: tuple[SentencePiece, ...]
    beside: tuple[RuleNumber, ...]

    @property
    def numbers(self) -> tuple[RuleNumber, ...]:
        """All numbers of the rule, those in the sentence first."""
        said = (piece.number for piece in self.pieces if piece.number is not None)
        return (*said, *self.beside)


def rule_sentences(document: Mapping[str, Any], language: str) -> list[tuple[str, str]]:
    """Return every plain sentence of the rules with its place. language: "en" or "zh"."""
    return [
        (place_name(document, path), str(sentence))
        for path, table, _ in tables_of(document)
        if (sentence := table.get(language))
    ]


def rule_parts(document: Mapping[str, Any], language: str) -> list[RulePart]:
    """Return each rule that has a sentence or numbers. language: of the sentence, "en" or "zh"."""
    numbers = by_table(document)
    parts = []
    for path, table, _ in tables_of(document):
        sentence, own = str(table.get(language, "")), numbers.get(path, [])
        if not sentence and not own:
            continue
        spans = placed(sentence, own, language)
        beside = tuple(number for number in own if number.key not in spans)
        pieces = tuple(_pieces(sentence, own, spans))
        parts.append(RulePart(place_name(document, path), path, sentence, pieces, beside))
    return parts


def place_name(document: Mapping[str, Any], path: Path) -> str:
    """Return how a table is called: its path, with the name of a bucket in place of its number."""
    if len(path) < 4:
        return ".".join(map(str, path))
    section, pool, _, place = path
    bucket = document[str(section)][pool]["buckets"][place]
    return f"{section}.{pool}.buckets.{bucket.get('name', '')}"


def by_table(document: Mapping[str, Any]) -> dict[Path, list[RuleNumber]]:
    """Return the numbers of each table by its path."""
    paths = {path for path, _, _ in tables_of(document)}
    tables: dict[Path, list[RuleNumber]] = {}
    for number in numbers_of(document):
        path = next(
            number.path[:length]
            for length in range(len(number.path), 0, -1)
            if number.path[:length] in paths
        )
        tables.setdefault(path, []).append(number)
    return tables


def slot_of(number: RuleNumber, path: Path) -> str:
    """Return where a number stands in its table: a key, and which of several there."""
    return number.key.removeprefix(f"{key_of(path)}.")


SECTIONS = {
    "charter": N_("Charter"),
    "membership": N_("Who joins"),
    "contributions": N_("What counts"),
    "admit": N_("What is let in"),
    "value": N_("What it is worth"),
    "pools": N_("How income is shared"),
    "rounds": N_("Giving rounds"),
    "exchange": N_("Offers, needs and deals"),
    "data": N_("Data of members"),
    "credit": N_("Balances between members"),
    "match": N_("What is suggested"),
    "projects": N_("Projects"),
    "reviews": N_("How deals are reviewed"),
    "promotion": N_("Promotions of offers"),
    "campaigns": N_("Campaigns"),
    "roles": N_("Roles"),
    "governance": N_("How we decide"),
    "finality": N_("When it is final"),
    "reports": N_("What reports call distributed"),
    "budget": N_("How much everybody keeps"),
}
"""The sections of rules as members read them, in the order in which they read them."""
CLASSES = {
    "ordinary": N_("everyday changes"),
    "constitution": N_("the constitution"),
    "membership": N_("members and removals"),
    "lazy": N_("by silence"),
}


def rank(place: str) -> int:
    """Return where the section of a rule stands among those that members read."""
    section = place.partition(".")[0]
    return [*SECTIONS].index(section) if section in SECTIONS else len(SECTIONS)


def place_words(place: str, words: Words) -> str:
    """Return a rule's place as people read it: "How income is shared: surplus, reserve"."""
    section, *names = place.split(".")
    names = [name for n, name in enumerate(names) if (n, name) != (1, "buckets")]
    if section == "value":
        names = [shown_action(name, words) for name in names]
    if section == "governance":
        names = [words(CLASSES.get(name, name)) for name in names]
    title = words(SECTIONS.get(section, section))
    rest = words(", ").join(names)
    return words("{title}: {names}").format(title=title, names=rest) if names else title


def say_anew(document: dict[str, Any], old: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Let the sentences of a document say other numbers, in both languages.

    document: with the new numbers, and changed in place; old: with the old ones. values: the new
    values by the keys of numbers. A number that is not certain in a sentence is not said again.
    """
    numbers = by_table(old)
    for path, table, _ in tables_of(old):
        own = numbers.get(path, [])
        if not any(number.key in values for number in own):
            continue
        target: Any = document
        for step in path:
            target = target[step]
        for language in LANGUAGES:
            if sentence := table.get(language):
                target[language] = _said_anew(str(sentence), own, values, language)


def placed(sentence: str, numbers: Sequence[RuleNumber], language: str) -> dict[str, Span]:
    """Return where each number stands in a sentence, by its key; those that are certain."""
    spans: dict[str, Span] = {}
    for number in numbers:
        cue = _CUES.get(str(number.path[-1]), {}).get(language)
        span = cue and _at_cue(sentence, number, cue, language)
        if span:
            spans[number.key] = span
    alike: dict[tuple[str, ...], list[RuleNumber]] = {}
    for number in numbers:
        if number.key not in spans:
            names = tuple(sorted(spellings(number.kind, number.value, language)))
            alike.setdefault(names, []).append(number)
    longest = sorted(alike, key=lambda names: -max(map(len, names), default=0))
    for names in longest:
        same = alike[names]
        occurrences = _occurrences(sentence, names, same[0].kind, language, spans.values())
        if len(occurrences) <= len(same):  # more of them: which one is meant is not certain
            spans.update(zip((number.key for number in same), occurrences, strict=False))
    return spans


def _at_cue(sentence: str, number: RuleNumber, cue: str, language: str) -> Span | None:
    names = spellings(number.kind, number.value, language)
    choice = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    match = re.search(cue.format(f"({choice})"), sentence) if names else None
    return match.span(1) if match else None


def _occurrences(
    sentence: str, names: Sequence[str], kind: NumberKind, language: str, taken: Any
) -> list[Span]:
    """Return where one of some spellings stands, in order, apart from places that are taken."""
    choice = "|".join(map(re.escape, sorted(filter(None, names), key=len, reverse=True)))
    if not choice:
        return []
    if language == "zh":
        pattern = f"(?<![{_CHINESE_NUMBER}之第])(?:{choice}){_behind(kind)}"
    else:
        pattern = f"{_ENGLISH_EDGE[0]}(?:{choice}){_ENGLISH_EDGE[1]}"
    flags = 0 if language == "zh" else re.IGNORECASE
    spans = [match.span() for match in re.finditer(pattern, sentence, flags)]
    held = list(taken)
    return [
        (start, end)
        for start, end in spans
        if not any(start < other_end and other < end for other, other_end in held)
    ]


def _behind(kind: NumberKind) -> str:
    """Return what may not follow a number in Chinese: 一 in 一周 or 十分之一 is no count."""
    if kind in _TIMES:
        return ""
    times = "周日天月年成" if kind is NumberKind.COUNT else ""
    return f"(?![{_CHINESE_NUMBER}{times}]|分之|分钟|个月)"


def _pieces(
    sentence: str, numbers: Sequence[RuleNumber], spans: Mapping[str, Span]
) -> Iterator[SentencePiece]:
    end = 0
    known = {number.key: number for number in numbers}
    for key, (start, stop) in sorted(spans.items(), key=lambda entry: entry[1]):
        if sentence[end:start]:
            yield SentencePiece(sentence[end:start])
        yield SentencePiece(sentence[start:stop], known[key])
        end = stop
    if sentence[end:]:
        yield SentencePiece(sentence[end:])


def _said_anew(
    sentence: str, numbers: Sequence[RuleNumber], values: Mapping[str, Any], language: str
) -> str:
    said = []
    spans = placed(sentence, numbers, language)
    for piece in _pieces(sentence, numbers, spans):
        number = piece.number
        if number is None or number.key not in values:
            said.append(piece.text)
            continue
        text = spelled(number.kind, values[number.key], language)
        said.append(text[0].upper() + text[1:] if piece.text[0].isupper() else text)
    return "".join(said)
