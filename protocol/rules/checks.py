"""Checks of a ruleset document: each fault with the path of its key.

An invalid document raises nothing here; a fault says what is wrong and what to do. Faults are
values beyond a limit, payments of more than there is, names that do not exist, and rules that
could never be changed again. Texts and line numbers belong to `document`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, assert_never

from commonweal.protocol.errors import RuleError
from commonweal.protocol.rules import portions, schema
from commonweal.protocol.rules.environment import ENVIRONMENT
from commonweal.protocol.rules.expression import BOOL, INT, check
from commonweal.protocol.rules.faults import RulesetFault, similar
from commonweal.protocol.rules.schema import CLASSES, LAZY, SECTIONS, TABLES, Field, Fields
from commonweal.protocol.rules.sections import campaigns, credit, data, match, projects, reports
from commonweal.protocol.rules.sections.promotion import faults as promotion_faults
from commonweal.protocol.rules.toml_positions import Path
from commonweal.protocol.vocabulary.actions import ACTIONS
from commonweal.protocol.vocabulary.identifiers import NAME_CHARACTERS_MAX, is_name
from commonweal.protocol.vocabulary.rule_params import ROLES

FAULTS_MAX = 100
"""Faults listed at once; others appear when these are corrected."""


def faults(document: Any) -> list[RulesetFault]:
    """Return the faults of a document, given as a plain map; empty when it is valid."""
    first_faults: list[RulesetFault] = []
    for fault in _all(document):
        first_faults.append(fault)
        if len(first_faults) == FAULTS_MAX:
            break
    return first_faults


def _all(document: Any) -> Iterator[RulesetFault]:
    if type(document) is not dict:
        yield RulesetFault((), "a ruleset is a table of sections")
        return
    shape = list(_shape(document))
    yield from shape
    # References between parts are checked once each part has the right form.
    if not shape:
        yield from _sentences(document)
        yield from _roles(document)
        yield from _pools(document)
        yield from _rounds(document)
        yield from credit.faults(document)
        yield from data.faults(document)
        yield from match.faults(document)
        yield from projects.faults(document)
        opener = document.get("projects", {}).get("opener")
        yield from _known_role(("projects", "opener"), document, opener)
        yield from reports.faults(document)
        yield from promotion_faults(document)
        yield from campaigns.faults(document)
        yield from _governance(document)


def _shape(document: dict[str, Any]) -> Iterator[RulesetFault]:
    yield from _unknown((), document, schema.TOP)
    if not is_name(document.get("name")):
        hint = f"one line, at most {NAME_CHARACTERS_MAX} characters"
        yield RulesetFault(("name",), "the community needs a name", hint)
    for section, fields in SECTIONS.items():
        if section in document:
            yield from _table((section,), document[section], fields)
    for section, (fields, most) in TABLES.items():
        tables = document.get(section, {})
        if type(tables) is not dict:
            yield RulesetFault(
                (section,), f"{section} is a section of tables", f"write [{section}.NAME]"
            )
            continue
        if len(tables) > most:
            yield RulesetFault(
                (section,), f"{section} has {len(tables)} tables, and {most} are the most"
            )
        for name, table in tables.items():
            yield from _named_table(section, name, table, fields)


def _named_table(section: str, name: Any, table: Any, fields: Fields) -> Iterator[RulesetFault]:
    path = (section, name)
    if not is_name(name):
        yield RulesetFault(path, f"{name!r:.80} is no name")
    if section == "value" and name not in ACTIONS:
        yield RulesetFault(path, f"Valueflows has no action {name!r}", similar(name, ACTIONS))
    if section == "governance":
        if name not in CLASSES:
            yield RulesetFault(
                path, f"there is no class of change {name!r}", similar(name, CLASSES)
            )
        elif name == "lazy":
            fields = LAZY
    if section != "pools" or type(table) is not dict:
        yield from _table(path, table, fields)
        return
    yield from _table(path, {key: table[key] for key in table if key != "buckets"}, fields)
    buckets = table.get("buckets", [])
    if type(buckets) is not list:
        yield RulesetFault(
            (*path, "buckets"), "buckets are a list", f"write [[pools.{name}.buckets]]"
        )
        return
    if len(buckets) > schema.BUCKETS_MAX:
        sentence = f"the pool has {len(buckets)} buckets, and {schema.BUCKETS_MAX} are the most"
        yield RulesetFault((*path, "buckets"), sentence)
    for number, bucket in enumerate(buckets):
        yield from _table((*path, "buckets", number), bucket, schema.BUCKET)


def _table(path: Path, table: Any, fields: Fields) -> Iterator[RulesetFault]:
    if type(table) is not dict:
        yield RulesetFault(path, f"{path[-1]} is a table", "write its keys under its [header]")
        return
    yield from _unknown(path, table, tuple(fields))
    for name, field in fields.items():
        if name in table:
            sentence, hint = _value(table[name], field)
            if sentence:
                yield RulesetFault((*path, name), f"{name} {sentence}", hint)
            elif field.sort == "rule":
                yield from _rule((*path, name), table[name])
        elif field.required:
            yield RulesetFault(path, f"{name} is missing", f"write {name} = ...")


def _unknown(path: Path, table: Mapping[str, Any], known: Iterable[str]) -> Iterator[RulesetFault]:
    names = tuple(known)
    for name in table:
        if name not in names:
            yield RulesetFault(
                (*path, name), f"there is no {name!r:.80} here", similar(name, names)
            )


_FINE = ("", "")


def _value(value: Any, field: Field) -> tuple[str, str]:
    """Return the fault of a value as a sentence and a hint; both empty for a valid value."""
    match field.sort:
        case "count":
            is_count = type(value) is int and field.low <= value <= field.high
            wanted = f"is a whole number from {field.low:,} to {field.high:,}"
            return _FINE if is_count else (wanted, "")
        case "flag":
            return _FINE if type(value) is bool else ("is true or false", "")
        case "text" | "rule":
            fits = type(value) is str and len(value) <= field.high
            return _FINE if fits else (f"is a text of at most {field.high:,} characters", "")
        case "name":
            fits = is_name(value, field.high) or value == ""
            wanted = f"is a name of at most {field.high} characters, in one line"
            return _FINE if fits else (wanted, "")
        case "choice":
            fits = type(value) is str and value in field.choices
            return _FINE if fits else ("is one of " + ", ".join(field.choices), "")
        case "portion":
            fits = type(value) is str and portions.read(value) is not None
            return _FINE if fits else ("is no portion of a whole", _PORTION_HINT)
        case "names" | "choices" | "portions":
            return _list(value, field)
        case _:
            assert_never(field.sort)


_PORTION_HINT = 'write "60%", "12.5%", "2/3" or ">1/2", from 0 to the whole'


def _list(value: Any, field: Field) -> tuple[str, str]:
    if type(value) is not list or len(value) > field.high:
        return f"is a list of at most {field.high}", ""
    for place, item in enumerate(value):
        if type(item) is not str or (field.sort != "portions" and item in value[:place]):
            return "lists texts, each once", ""
        if field.sort == "names" and not is_name(item):
            return f"holds {item!r:.80}, which is no name", ""
        if field.sort == "choices" and item not in field.choices:
            return f"holds {item!r:.80}", similar(item, field.choices)
        if field.sort == "portions" and portions.read(item) is None:
            return f"holds {item!r:.80}", _PORTION_HINT
    return _FINE


def _rule(path: Path, source: str) -> Iterator[RulesetFault]:
    if not source and path[-1] == "where":
        return
    try:
        check(source, ENVIRONMENT, INT if path[-1] == "points" else BOOL)
    except RuleError as error:
        place = f"in the rule, line {error.line}, column {error.column}"
        yield RulesetFault(path, f"{path[-1]}: {error.sentence} ({place})", error.hint)


def _sentences(document: dict[str, Any]) -> Iterator[RulesetFault]:
    """Check that each rule has a plain sentence in both languages."""
    tables: list[tuple[Path, dict[str, Any]]] = [
        ((section,), document[section]) for section in SECTIONS if section in document
    ]
    for section in TABLES:
        for name, table in document.get(section, {}).items():
            tables.append(((section, name), table))
            for number, bucket in enumerate(table.get("buckets", [])):
                tables.append(((section, name, "buckets", number), bucket))
    for path, table in tables:
        for language in ("en", "zh"):
            if not table.get(language, "").strip():
                sentence = f"the rule has no plain sentence in {language}"
                yield RulesetFault(path, sentence, f'write {language} = "..."')


def _roles(document: dict[str, Any]) -> Iterator[RulesetFault]:
    """Check that role paths name known roles and have no cycle; check the roles with power."""
    roles: dict[str, Any] = document.get("roles") or {name: {} for name in ROLES}
    for name, role in document.get("roles", {}).items():
        for before in role.get("after", []):
            if before not in roles:
                path = ("roles", name, "after")
                yield RulesetFault(path, f"there is no role {before!r}", similar(before, roles))
    held: dict[str, None] = {}
    reached = -1
    while len(held) != reached:
        reached = len(held)
        for name, role in roles.items():
            after = role.get("after", [])
            if not after or any(before in held for before in after):
                held[name] = None
    for name, role in roles.items():
        known = all(before in roles for before in role.get("after", []))
        if name not in held and known:
            sentence = f"nobody can ever hold {name!r}: its path comes back to itself"
            yield RulesetFault(
                ("roles", name, "after"), sentence, "begin the path with a free role"
            )
    authors = document.get("campaigns", {}).get("authors")
    yield from _known_role(("campaigns", "authors"), document, authors)
    for section, key, power in _TRUSTED_ROLES:
        yield from _trusted_role(document, section, key, power)


_TRUSTED_ROLES = (
    ("contributions", "keeper", "move what is the community's"),
    ("exchange", "speaks_for_community", "agree in the name of the community"),
)


def _trusted_role(
    document: dict[str, Any], section: str, key: str, power: str
) -> Iterator[RulesetFault]:
    """Check that a role with a power over the community is known, and needs endorsements."""
    role, where = document.get(section, {}).get(key), (section, key)
    yield from _known_role(where, document, role)
    named = document.get("roles") or {
        name: {"endorsements": known.endorsements} for name, known in ROLES.items()
    }
    if role in named and not named[role].get("endorsements"):
        sentence = f"anybody may take the role {role!r}, and {power}"
        yield RulesetFault(where, sentence, "let it need endorsements")


def _pools(document: dict[str, Any]) -> Iterator[RulesetFault]:
    units = document.get("contributions", {}).get("units", schema.CONTRIBUTIONS["units"].default)
    for name, pool in document.get("pools", {}).items():
        path: Path = ("pools", name)
        if pool["unit"] not in units:
            hint = similar(pool["unit"], units)
            yield RulesetFault((*path, "unit"), f"there is no unit {pool['unit']!r}", hint)
        yield from _known_role((*path, "commission_role"), document, pool.get("commission_role"))
        if portions.exceeds_whole(_read_all(pool.get("commission", []))):
            yield RulesetFault(
                (*path, "commission"), "the commissions are together more than the whole"
            )
        buckets = pool.get("buckets", [])
        if not buckets:
            yield RulesetFault(path, "the pool has no buckets", f"write [[pools.{name}.buckets]]")
        whole = [bucket["share"] for bucket in buckets if bucket.get("of", "whole") == "whole"]
        if portions.exceeds_whole(_read_all(whole)):
            sentence = "the shares of the whole are together more than 100 %"
            yield RulesetFault(
                (*path, "buckets"), sentence, "make one smaller, or `of` the remainder"
            )
        for number, bucket in enumerate(buckets):
            named = [bucket["name"] for bucket in buckets[:number]]
            yield from _bucket((*path, "buckets", number), document, bucket, named)


def _bucket(
    path: Path, document: dict[str, Any], bucket: dict[str, Any], named: list[str]
) -> Iterator[RulesetFault]:
    if bucket["name"] in named or not bucket["name"]:
        yield RulesetFault((*path, "name"), "each bucket of a pool has a name of its own")
    portion = portions.read(bucket["share"])
    if portion is not None and portion.more:
        yield RulesetFault(
            (*path, "share"), "a share is not 'more than' something", "leave out the >"
        )
    yield from _known_role((*path, "role"), document, bucket.get("role"))
    factors = document.get("contributions", {}).get(
        "factors", schema.CONTRIBUTIONS["factors"].default
    )
    if bucket.get("factor") and bucket["factor"] not in factors:
        hint = similar(bucket["factor"], factors)
        yield RulesetFault((*path, "factor"), f"there is no factor {bucket['factor']!r}", hint)
    to = bucket.get("to", "contributors")
    if to == "role" and not bucket.get("role"):
        yield RulesetFault(
            (*path, "to"), "the bucket goes to a role and names none", "write role = ..."
        )
    if bucket.get("claim") == "debt" and bucket.get("divide", "proportional") != "proportional":
        sentence = "what is owed is paid in proportion to what is owed"
        yield RulesetFault((*path, "divide"), sentence, "leave out divide, or choose another claim")
    if bucket.get("points_in") and bucket.get("claim") != "debt":
        sentence = "points are an amount only where they are owed"
        yield RulesetFault((*path, "points_in"), sentence, "leave it out, or write claim = 'debt'")
    yield from _bucket_round(path, document, bucket)
    if to != "contributors":
        for key in sorted({"claim", "divide", "where", "trace", "factor", "actions"} & {*bucket}):
            yield RulesetFault(
                (*path, key), f"{key} is for buckets of contributors", "leave it out"
            )


def _bucket_round(
    path: Path, document: dict[str, Any], bucket: dict[str, Any]
) -> Iterator[RulesetFault]:
    """Check that a bucket that goes to a round names one, and says nothing that the round says."""
    to, named = bucket.get("to"), bucket.get("round")
    rounds = document.get("rounds", {})
    if to == "round" and not named:
        sentence = "the bucket goes to a round and names none"
        yield RulesetFault((*path, "to"), sentence, "write round = ...")
    elif named and to != "round":
        sentence = "the bucket names a round and does not go to it"
        yield RulesetFault((*path, "round"), sentence, "write to = 'round', or leave it out")
    elif named and named not in rounds:
        hint = similar(named, rounds) if rounds else f"write [rounds.{named}]"
        yield RulesetFault((*path, "round"), f"there is no round {named!r}", hint)
    if to == "round" and bucket.get("role"):
        sentence = "the round says who receives"
        yield RulesetFault((*path, "role"), sentence, "write receivers = ... for the round")


def _rounds(document: dict[str, Any]) -> Iterator[RulesetFault]:
    defaults = schema.ROUND
    for name, giving in document.get("rounds", {}).items():
        path: Path = ("rounds", name)
        for key in ("givers", "receivers"):
            yield from _known_role((*path, key), document, giving.get(key))
        values = {key: giving.get(key, field.default) for key, field in defaults.items()}
        if values["open_hours"] > values["every_hours"]:
            sentence = "the next round would open before this one is over"
            hint = f"write {values['every_hours']:,} at most, or make every_hours longer"
            yield RulesetFault((*path, "open_hours"), sentence, hint)


def _known_role(path: Path, document: dict[str, Any], role: str | None) -> Iterator[RulesetFault]:
    roles = document.get("roles") or dict.fromkeys(ROLES)
    if role and role not in roles:
        yield RulesetFault(path, f"there is no role {role!r}", similar(role, roles))


def _governance(document: dict[str, Any]) -> Iterator[RulesetFault]:
    for name, process in document.get("governance", {}).items():
        path: Path = ("governance", name)
        yield from _known_role((*path, "voters"), document, process.get("voters"))
        threshold = portions.read(process.get("threshold", ">1/2"))
        if threshold is not None and threshold.above == 0:
            sentence = "nobody's yes would be enough"
            yield RulesetFault((*path, "threshold"), sentence, 'write ">1/2" or more')
        if process.get("period_hours", 1) == 0:
            sentence = "the vote would end as it begins"
            yield RulesetFault((*path, "period_hours"), sentence, "give members time")
        if name == "lazy" and process.get("early"):
            sentence = "silence is known only when the time is over"
            yield RulesetFault((*path, "early"), sentence, "leave it out")
    constitution = portions.read(
        document.get("governance", {}).get("constitution", {}).get("threshold", "2/3")
    )
    if constitution is not None and 2 * constitution.above < constitution.below:
        path = ("governance", "constitution", "threshold")
        yield RulesetFault(path, "a minority could change everything", 'write "1/2" or more')


def _read_all(texts: Iterable[str]) -> list[portions.Portion]:
    return [portion for portion in map(portions.read, texts) if portion is not None]
