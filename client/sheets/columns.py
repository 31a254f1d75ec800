"""Which column of a sheet says what: as it is given, or guessed from the headings where clear."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from commonweal.client.home.files import read_text
from commonweal.client.language.quantity import TIME_UNITS, UNITS, read_unit
from commonweal.client.language.visible_text import visible
from commonweal.client.language.words import ENGLISH, Words
from commonweal.client.sheets.headings import HEADINGS, TIMES
from commonweal.protocol.errors import UnreadableFile, UnusableText, UsageError

MAPPING_BYTES_MAX = 64 * 1024
HEADING_CHARS_MAX = 200
"""Of a longer heading no unit is read."""
REQUIRED = ("action", "quantity", "unit")
OPENING_REQUIRED = ("provider", "quantity", "unit")
FIELDS = (
    *REQUIRED,
    *("provider", "payer", "receiver", "scope", "factor", "resource", "note", "date"),
)
MONEY = frozenset(unit for unit in UNITS if len(unit) == 3 and unit.isupper())

_WITH_UNIT = re.compile(r"(.+?)\s*(?:\((.+)\)|\[(.+)\]|\bin (\S+))")


class Mapping(NamedTuple):
    """Which column says a field, and which fields say the same on every line."""

    columns: dict[str, str]
    values: dict[str, str]

    @property
    def text(self) -> str:
        """As `--map` takes it."""
        columns = [f"{field}={column}" for field, column in self.columns.items()]
        return ",".join([*columns, *(f"{field}=={value}" for field, value in self.values.items())])

    def missing(self, required: Sequence[str] = REQUIRED) -> list[str]:
        """Return the fields that every row needs and that nothing here says."""
        return [field for field in required if field not in self.columns | self.values]


def read_mapping(text: str, words: Words = ENGLISH, required: Sequence[str] = REQUIRED) -> Mapping:
    """Return the mapping in a TOML file, or in `field=column,field==value,...`.

    required: the fields that it must say. Raises UsageError, or UnreadableFile for a file that is
    not as it must be.
    """
    if "=" not in text:
        return _checked(_mapping_file(Path(text), words), words, required)
    columns: dict[str, str] = {}
    values: dict[str, str] = {}
    for part in text.split(","):
        field, _equals, what = part.partition("=")
        table = values if what.startswith("=") else columns
        table[field.strip()] = what.removeprefix("=").strip()
    return _checked(Mapping(columns, values), words, required)


def guessed_mapping(
    headings: Sequence[str], words: Words = ENGLISH, required: Sequence[str] = REQUIRED
) -> Mapping:
    """Return what the headings say clearly. Raises UsageError where that is not enough."""
    columns: dict[str, str] = {}
    values: dict[str, str] = {}
    plain = [_plain(heading) for heading in headings]
    for field, names in HEADINGS.items():
        for name in names:
            if plain.count(name) == 1:
                columns[field] = headings[plain.index(name)]
                break
    timed = [(unit, plain.index(name)) for name, unit in TIMES.items() if plain.count(name) == 1]
    if len(timed) == 1:
        unit, place = timed[0]
        columns["quantity"], values["unit"] = headings[place], unit
        columns.pop("unit", None)
    elif "quantity" in columns and "unit" not in columns:
        stated = _unit_in(columns["quantity"])
        if stated is not None:
            values["unit"] = stated
    if "action" not in columns and "action" in required:
        if values.get("unit") in TIME_UNITS:
            values["action"] = "work"
        elif "payer" in columns and "provider" not in columns:
            values["action"] = "transfer"
    mapping = Mapping(columns, values)
    if missing := mapping.missing(required):
        more = [f"{field}==…" for field in missing]
        raise UsageError(
            words(
                "the headings do not say {missing}; say it: --map '{mapping}';"
                " or in which line they stand: --heading LINE"
            ).format(
                missing=", ".join(missing),
                mapping=visible(",".join(filter(None, [mapping.text, *more]))),
            )
        )
    return mapping


def _plain(heading: str) -> str:
    """Return a heading as the table of headings has it: without a unit and in small letters."""
    plain = unicodedata.normalize("NFKC", heading).casefold().strip(" :.*")
    match = _with_unit(plain)
    return match[1] if match else plain


def _with_unit(heading: str) -> re.Match[str] | None:
    return _WITH_UNIT.fullmatch(heading) if len(heading) <= HEADING_CHARS_MAX else None


def _unit_in(heading: str) -> str | None:
    """Return the unit that stands in a heading, like Amount (EUR)."""
    match = _with_unit(unicodedata.normalize("NFKC", heading).strip(" :.*"))
    if match is None:
        return None
    try:
        unit = read_unit(match[2] or match[3] or match[4])
    except UnusableText:
        return None
    return unit if unit in UNITS else None


def _mapping_file(path: Path, words: Words) -> Mapping:
    try:
        document = tomllib.loads(read_text(path, MAPPING_BYTES_MAX, words))
    except (ValueError, RecursionError) as error:
        raise UnreadableFile(f"{path}: {error}") from error
    match document:
        case {"columns": dict(columns), **rest} if rest.keys() <= {"values"}:
            values = rest.get("values", {})
            texts = [*columns.values(), *values.values()] if isinstance(values, dict) else [None]
            if all(isinstance(text, str) for text in texts):
                return Mapping(columns, values)
    raise UnreadableFile(
        words("{path}: write a table [columns], and perhaps [values], of texts").format(path=path)
    )


def _checked(mapping: Mapping, words: Words, required: Sequence[str]) -> Mapping:
    named = [*mapping.columns, *mapping.values]
    for field in named:
        if field not in FIELDS or named.count(field) > 1:
            raise UsageError(
                words("the mapping has {field}; each of {fields} may stand there once").format(
                    field=visible(field), fields=", ".join(FIELDS)
                )
            )
    for field in mapping.missing(required):
        raise UsageError(
            words("the mapping lacks {field}; give it a column, or {field}==VALUE").format(
                field=field
            )
        )
    return mapping
