"""The numbers of rules that people change: where each stands, what it counts, and its bounds.

A number is a value of the document (a count, a portion, a time), or stands in an expression: how
many points an hour is worth, or how much of something is let in. To write the value that is there
changes nothing; another one changes this value of the document and nothing else.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from commonweal.client.governance.number_words import (
    DAY_HOURS,
    THOUSANDTHS,
    NumberKind,
)
from commonweal.client.language.digits import plain_digits
from commonweal.client.language.words import N_, Words
from commonweal.protocol.errors import UsageError
from commonweal.protocol.rules import portions, schema
from commonweal.protocol.rules.schema import Fields

TYPED_CHARS_MAX = 40
POINTS_MOST = 1_000_000
"""Points that one hour, or one of any other unit, is worth at most when it is typed here."""
AMOUNT_MOST = 1_000_000_000
"""The greatest amount in an expression, in thousandths."""

LABELS = {
    "vouches": N_("members who vouch"),
    "growth_per_week": N_("newcomers a week by one member's invites"),
    "growth_percent": N_("newcomers a week, as a part of all members"),
    "delay_hours": N_("how long a newcomer waits"),
    "founding_circle": N_("members who do not wait at the beginning"),
    "endorsements": N_("endorsements"),
    "attestations": N_("attestations"),
    "common_attestations": N_("attestations of what all get or pay"),
    "scale": N_("decimals of the unit"),
    "every_hours": N_("how often it is shared"),
    "late_hours": N_("after how long an attestation is late"),
    "late_attestations": N_("attestations when it is late"),
    "commission": N_("commission"),
    "commission_hours": N_("how long a commission lasts"),
    "rate_max": N_("highest commission of a promotion"),
    "window_hours_max": N_("longest time of a promotion"),
    "share": N_("part that goes there"),
    "within_hours": N_("how far back it goes"),
    "recent_hours": N_("how long something counts in full"),
    "half_life_hours": N_("after how long half is left"),
    "givers": N_("givers of what is distributed"),
    "largest": N_("most that one of them gives"),
    "points": N_("points"),
    "most": N_("most points to one member"),
    "open_hours": N_("how long a round is open"),
    "floor": N_("lowest balance"),
    "ceiling": N_("highest balance"),
    "soft_floor": N_("flagged below"),
    "soft_ceiling": N_("flagged above"),
    "grows_to": N_("lowest balance by what was received"),
    "longest_days": N_("days for which a consent lasts at most"),
    "kind": N_("weight of what fits"),
    "quantity": N_("weight of the amount"),
    "time": N_("weight of the time"),
    "urgency": N_("weight of what is due soon"),
    "coincidence": N_("weight of both having something for each other"),
    "fairness": N_("weight of having given more than received"),
    "kept": N_("weight of promises kept"),
    "place": N_("weight of the same place"),
    "ring_members": N_("members of a ring at most"),
    "open_per_member": N_("open projects that one member opened"),
    "settled_hours": N_("how long one must be in a project to share its rest"),
    "days_max": N_("days until a deadline at most"),
    "collect_days_max": N_("days to pay at most"),
    "threshold": N_("part that must say yes"),
    "min_yes": N_("yes at least"),
    "quorum": N_("part that must vote"),
    "period_hours": N_("how long a vote lasts"),
    "blocks": N_("blocks that stop it"),
    "trial_hours": N_("how long a trial lasts"),
    "objections": N_("objections that stop it"),
    "interval_minutes": N_("time between seals"),
    "witnesses": N_("witnesses at most"),
    "grace_hours": N_("how long a late record is waited for"),
    "records": N_("records a day"),
    "header_mib": N_("data of records a day"),
    "document_mib": N_("data of rules a day"),
    "text_mib": N_("data of texts a day"),
    "days": N_("days in all"),
    "when": N_("bound"),
    "where": N_("bound"),
    "income": N_("bound"),
}
"""What the number of a key is called, where no sentence says it."""

_TYPED = str.maketrans({" ": "", ",": "", "−": "-", "负": "-"})
"""How a typed number is read: without gaps, and with any minus sign."""
_RATE = re.compile(
    r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
    r"|muldiv\(\s*event\.(?:effort|quantity)\s*,\s*(?P<times>\d+)\s*,\s*(?P<by>\d+)\s*\)"
    r"|event\.(?:effort|quantity)\b(?!\s*(?:[<>=!]|\.))(?:\s*(?P<sign>[*/])\s*(?P<factor>\d+))?"
)
_BOUND = re.compile(
    r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
    r"|event\.(?:effort|quantity)\s*(?:<=|>=|<|>)\s*(?P<bound>\d+)"
)
_JOINED = re.compile(r"[*/%+-]\s*$"), re.compile(r"\s*(?:[*/%+-]|[<>=!])")
_NAME = re.compile(r"event\.(?:effort|quantity)")


@dataclass(frozen=True, slots=True)
class RuleNumber:
    """A number of the rules. key: names it, the same for the same rules.

    path: of the value of the document, an int for a place in a list. spans: where it stands in that
    value, if it is an expression. value: of POINTS and all counts; of an AMOUNT in thousandths; a
    PORTION as text. low, high: bounds of what is typed, in the unit of `value`.
    """

    key: str
    path: tuple[str | int, ...]
    kind: NumberKind
    value: int | str
    low: int
    high: int
    spans: tuple[tuple[int, int], ...] = ()

    @property
    def unit_hours(self) -> int:
        """By how many hours one of what is typed is counted."""
        is_time = self.kind in (NumberKind.HOURS, NumberKind.EVERY)
        is_days = is_time and isinstance(self.value, int) and not self.value % DAY_HOURS
        return DAY_HOURS if is_days else 1

    @property
    def typed(self) -> str:
        """The value as a member types it."""
        if isinstance(self.value, str):
            return self.value.removeprefix(">")
        if self.kind is NumberKind.AMOUNT:
            return f"{Decimal(self.value).scaleb(-3).normalize():,f}"
        return f"{self.value // self.unit_hours:,}"

    def lead(self, words: Words) -> str:
        """Return what stands before the number where it is typed into a sentence."""
        return words("every") if self.kind is NumberKind.EVERY else ""

    def unit(self, words: Words) -> str:
        """Return what stands behind the number where it is typed; "" where the sentence says it."""
        if self.kind in (NumberKind.HOURS, NumberKind.EVERY):
            return words("days") if self.unit_hours == DAY_HOURS else words("hours")
        if self.kind is NumberKind.MINUTES:
            return words("minutes")
        return {NumberKind.PERCENT: "%", NumberKind.MIB: "MiB"}.get(self.kind, "")

    def said(self, value: int | str, words: Words) -> str:
        """Return a value of this number with its unit, beside its label."""
        if isinstance(value, str):
            return value
        text = replace(self, value=value)
        return " ".join(filter(None, (text.lead(words), text.typed, text.unit(words))))

    def label(self, words: Words) -> str:
        """Return what the number is, in a few words."""
        names = [part for part in self.path if isinstance(part, str)]
        text = words(LABELS.get(names[-1], names[-1]))
        last = self.path[-1]
        return f"{text} {last + 1}" if isinstance(last, int) else text


def numbers_of(document: Mapping[str, Any]) -> list[RuleNumber]:
    """Return the numbers of a document, in the order in which its tables and keys are listed."""
    return list(_numbers(document))


def table_fields(section: str, is_bucket: bool = False, name: str = "") -> Fields:
    """Return the keys that a table of a section may have."""
    if is_bucket:
        return schema.BUCKET
    if section == "governance" and name == "lazy":
        return schema.LAZY
    return schema.SECTIONS[section] if section in schema.SECTIONS else schema.TABLES[section][0]


def tables_of(document: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], Any, Fields]]:
    """Yield each table of a document that may have sentences: its path, itself, and its keys."""
    for section in document:
        part = document[section]
        if section in schema.SECTIONS:
            yield (section,), part, table_fields(section)
        elif section in schema.TABLES:
            for name, table in part.items():
                yield (section, name), table, table_fields(section, name=name)
                for place, bucket in enumerate(table.get("buckets", ())):
                    yield (section, name, "buckets", place), bucket, table_fields(section, True)


def with_numbers(
    document: Mapping[str, Any], typed: Mapping[str, str], words: Words
) -> tuple[dict[str, Any], dict[str, int | str], dict[str, str]]:
    """Return a copy of a document with numbers as they were typed, the new values, and refusals.

    typed: texts by the keys of numbers. The second result has the values that differ, the third why
    a text was not taken, both by key; a number that is not taken stays.
    """
    edited = copy.deepcopy(dict(document))
    numbers = {number.key: number for number in numbers_of(document)}
    changed: dict[str, int | str] = {}
    refused: dict[str, str] = {}
    for key, text in typed.items():
        if key not in numbers:
            continue
        try:
            value = read_number(numbers[key], text, words)
        except UsageError as error:
            refused[key] = str(error)
            continue
        if value is not None:
            changed[key] = value
    for key, value in changed.items():
        if not numbers[key].spans:
            _put(edited, numbers[key].path, value)
    _rewrite(edited, {numbers[key]: value for key, value in changed.items()})
    return edited, changed, refused


def read_number(number: RuleNumber, text: str, words: Words) -> int | str | None:
    """Return the value of what was typed; None where it is what it was. Raises UsageError."""
    plain = plain_digits(text[: TYPED_CHARS_MAX + 1]).translate(_TYPED)
    if len(text) > TYPED_CHARS_MAX or not plain:
        raise UsageError(words("a number is missing"))
    if isinstance(number.value, str):
        return _read_portion(number, plain, words)
    percent = plain.removesuffix("%") if number.kind is NumberKind.PERCENT else plain
    size = THOUSANDTHS if number.kind is NumberKind.AMOUNT else number.unit_hours
    sign = "-?" if number.low < 0 else ""
    try:
        is_number = re.fullmatch(rf"{sign}\d+(\.\d+)?", percent)
        value = Decimal(percent) * size if is_number else None
    except InvalidOperation:
        value = None
    if value is None or value != value.to_integral_value():
        raise UsageError(words("{text} is no whole number").format(text=text))
    if not number.low <= value <= number.high:
        low, high = -(-number.low // size), number.high // size
        bounds = words("from {low:,} to {high:,}").format(low=low, high=high)
        raise UsageError(bounds)
    return None if int(value) == number.value else int(value)


def _read_portion(number: RuleNumber, plain: str, words: Words) -> str | None:
    assert isinstance(number.value, str)
    more = ">" if number.value.startswith(">") else ""
    old, new = portions.read(number.value), portions.read(more + plain.removeprefix(">"))
    if new is None:
        raise UsageError(words("write a part of the whole, as 20% or 1/5"))
    assert old is not None
    is_same = old.above * new.below == new.above * old.below
    return None if is_same else more + plain.removeprefix(">")


def _numbers(document: Mapping[str, Any]) -> Iterator[RuleNumber]:
    for path, table, fields in tables_of(document):
        for name, field in fields.items():
            value = table.get(name)
            place = (*path, name)
            if value is None:
                continue
            if field.sort == "count":
                yield RuleNumber(key_of(place), place, _kind(name), value, field.low, field.high)
            elif field.sort == "portion":
                yield RuleNumber(key_of(place), place, NumberKind.PORTION, value, 0, 1)
            elif field.sort == "portions":
                for step, part in enumerate(value):
                    step_place = (*place, step)
                    key = key_of(step_place)
                    yield RuleNumber(key, step_place, NumberKind.PORTION, part, 0, 1)
            elif field.sort == "rule":
                yield from _in_expression(place, value, is_value=path[0] == "value")


def _kind(name: str) -> NumberKind:
    if name.endswith("_hours"):
        return NumberKind.EVERY if name == "every_hours" else NumberKind.HOURS
    if name.endswith("_mib"):
        return NumberKind.MIB
    if name == "interval_minutes":
        return NumberKind.MINUTES
    if name == "growth_percent":
        return NumberKind.PERCENT
    return NumberKind.POINTS if name in ("points", "most", "records") else NumberKind.COUNT


def _in_expression(
    path: tuple[str | int, ...], source: str, *, is_value: bool
) -> Iterator[RuleNumber]:
    """Yield the points for one of something in a value, and the bounds in any expression."""
    count = 0
    for match in _RATE.finditer(source) if is_value else ():
        points = _points(source, match)
        if points is not None:
            span = (match.span(),)
            key = f"{key_of(path)}~{count}"
            yield RuleNumber(key, path, NumberKind.POINTS, points, 0, POINTS_MOST, span)
            count += 1
    bounds: dict[int, list[tuple[int, int]]] = {}
    for match in _BOUND.finditer(source):
        if match["bound"] and int(match["bound"]) <= AMOUNT_MOST:
            bounds.setdefault(int(match["bound"]), []).append(match.span("bound"))
    for value, spans in bounds.items():
        key = f"{key_of(path)}~{count}"
        yield RuleNumber(key, path, NumberKind.AMOUNT, value, 0, AMOUNT_MOST, tuple(spans))
        count += 1


def _points(source: str, match: re.Match[str]) -> int | None:
    """Return the points for one unit, of which an event has a thousand thousandths."""
    if not _NAME.search(match[0]) or match[0][0] in "'\"":
        return None
    before, behind = _JOINED
    if before.search(source[: match.start()]) or behind.match(source[match.end() :]):
        return None
    times, by = int(match["times"] or 1), int(match["by"] or 1)
    if match["sign"]:
        times, by = (int(match["factor"]), 1) if match["sign"] == "*" else (1, int(match["factor"]))
    if not by:
        return None
    points = Fraction(THOUSANDTHS * times, by)
    return int(points) if points.denominator == 1 and points <= POINTS_MOST else None


def _rewrite(document: dict[str, Any], values: Mapping[RuleNumber, int | str]) -> None:
    """Write other values into the expressions in which numbers stand."""
    pieces: dict[tuple[str | int, ...], list[tuple[int, int, str]]] = {}
    for number, value in values.items():
        source = _at(document, number.path) if number.spans else ""
        for start, end in number.spans:
            text = str(value)
            if number.kind is NumberKind.POINTS:
                name = _NAME.search(source[start:end])
                assert name is not None and isinstance(value, int), "points are of something"
                text = _worth(name[0], value)
            pieces.setdefault(number.path, []).append((start, end, text))
    for path, replaced in pieces.items():
        source = _at(document, path)
        # From the end to the beginning, so that places before it stay right.
        for start, end, text in sorted(replaced, reverse=True):
            source = source[:start] + text + source[end:]
        _put(document, path, source)


def _at(document: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        document = document[step]
    return document


def _put(document: dict[str, Any], path: tuple[str | int, ...], value: int | str) -> None:
    _at(document, path[:-1])[path[-1]] = value


def _worth(name: str, points: int) -> str:
    """Return the expression by which one unit of something is worth so many points."""
    part = Fraction(points, THOUSANDTHS)
    if part == 1:
        return name
    if part.denominator == 1:
        return f"{name} * {part.numerator}"
    if part.numerator == 1:
        return f"{name} / {part.denominator}"
    return f"muldiv({name}, {part.numerator}, {part.denominator})"


def key_of(path: Iterable[str | int]) -> str:
    """Return the name of a number: its path, which no two numbers share."""
    escaped = (str(step).replace("%", "%25") for step in path)
    return ".".join(step.replace(".", "%2E").replace("~", "%7E") for step in escaped)
