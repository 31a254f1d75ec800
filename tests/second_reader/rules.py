"""A ruleset: what its document says, with the defaults of rules.md."""

from __future__ import annotations

from typing import Any

from tests.second_reader.values import hash32, pack

HOUR = 3_600_000
UNITS = [
    "one",
    "hour",
    "minute",
    "day",
    "month",
    "commit",
    "page",
    "kilometre",
    "kilogram",
    "gram",
    "litre",
    "metre",
    "square-metre",
    "cubic-metre",
    "kilowatt-hour",
    "gigabyte",
    "CNY",
    "EUR",
    "USD",
    "GBP",
    "JPY",
]
DECIMALS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF"), 0),
    **dict.fromkeys(("UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
FACTORS = ["labour", "capital", "space", "knowledge", "management", "data", "technology"]
ROLES: dict[str, dict[str, Any]] = {
    "consumer": {},
    "promoter": {"endorsements": 1},
    "producer": {"endorsements": 1},
    "co-owner": {"endorsements": 2, "after": ["promoter", "producer"]},
    "witness": {},
}
GRAVE = ("name", "charter", "governance", "finality", "budget")


class Ruleset:
    """A document, and what is asked of it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.bytes = pack(document)
        self.id = hash32("ruleset", self.bytes)

    def section(self, name: str) -> dict[str, Any]:
        """Return a section; empty when it is missing."""
        found: dict[str, Any] = self.document.get(name, {})
        return found

    def number(self, section: str, key: str, default: int) -> int:
        """Return a number of a section."""
        return int(self.section(section).get(key, default))

    @property
    def attestations(self) -> int:
        """How many must attest."""
        return self.number("contributions", "attestations", 1)

    @property
    def units(self) -> list[str]:
        """The units that need no definition."""
        return [*self.section("contributions").get("units", UNITS)]

    @property
    def factors(self) -> list[str]:
        """The factors of production."""
        return [*self.section("contributions").get("factors", FACTORS)]

    @property
    def roles(self) -> dict[str, dict[str, Any]]:
        """The roles that may be claimed."""
        named = self.section("roles")
        return {"witness": {}, **named} if named else ROLES

    @property
    def pools(self) -> list[tuple[str, dict[str, Any]]]:
        """The pools, by name."""
        return sorted(self.section("pools").items())

    @property
    def lazy(self) -> dict[str, Any]:
        """The process of silent consent; empty where there is none."""
        found: dict[str, Any] = self.section("governance").get("lazy", {})
        return found

    @property
    def classes(self) -> list[str]:
        """The classes of changes that have a process."""
        usual = ["ordinary", "constitution", "membership"]
        return [*usual, "lazy"] if "lazy" in self.section("governance") else usual

    def process(self, name: str) -> dict[str, Any]:
        """Return the process of a class, complete."""
        is_lazy = name == "lazy"
        threshold = {"ordinary": ">1/2", "lazy": "0%"}.get(name, "2/3")
        table = {"threshold": threshold, "quorum": "0%", "period_hours": 168, "early": True}
        table |= {"early_failure": False, "min_yes": 0, "indifferent": False}
        table |= {"blocks": 0, "voters": "", "trial_hours": 0, "objections": int(is_lazy)}
        said = self.section("governance").get(name, {})
        found = {key: said.get(key, default) for key, default in table.items()}
        return {**found, "early": found["early"] and not is_lazy, "silent": is_lazy}

    def patched(self, patch: dict[str, Any]) -> Ruleset:
        """Return the ruleset with a patch laid over it."""
        return Ruleset(_laid(self.document, patch))


def scale_of(pool: dict[str, Any]) -> int:
    """Return how many decimals a pool pays."""
    return int(pool.get("scale", DECIMALS.get(pool["unit"], 2)))


def _laid(base: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    merged = dict(base) if isinstance(base, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _laid(merged.get(key), value)
    return merged


def portion(text: str) -> tuple[int, int, bool]:
    """Return the two numbers of a portion, and whether more than it is meant."""
    more, text = text.startswith(">"), text.removeprefix(">")
    if text.endswith("%"):
        whole, _, after = text[:-1].partition(".")
        return int(whole + after), 100 * 10 ** len(after), more
    above, below = text.split("/")
    return int(above), int(below), more


def reached(text: str, count: int) -> int:
    """Return how many of `count` reach a portion."""
    above, below, more = portion(text)
    return count * above // below + 1 if more else max(1, -(-count * above // below))


def put_to_vote(process: dict[str, Any]) -> dict[str, Any]:
    """Return a process where silence is no consent, and a no no objection."""
    return {**process, "objections": 0, "silent": False}


def changed(rules: list[Ruleset], new: Ruleset) -> set[str]:
    """Return the sections that differ. rules: in force, and those that come back if any."""
    keys = {*new.document, *(key for old in rules for key in old.document)}
    return {
        key for key in keys if any(old.document.get(key) != new.document.get(key) for old in rules)
    }


def classes(rules: list[Ruleset], new: Ruleset, silently: bool) -> list[str]:
    """Return the classes of a change. silently: whether silence may be consent."""
    now, differing = rules[0], changed(rules, new)
    grave = [*GRAVE]
    if any(now.process(name)["voters"] for name in now.classes):
        grave.append("roles")
    covered = differing & {*now.lazy.get("covers", ())} if silently else set()
    if differing and covered == differing:
        return ["lazy"]
    found = ["constitution"] if differing & {*grave} else []
    found += ["membership"] if "membership" in differing else []
    found += ["ordinary"] if differing - {*grave, "membership"} or not found else []
    return found + (["lazy"] if covered else [])


def processes(rules: list[Ruleset], new: Ruleset, silently: bool) -> list[dict[str, Any]]:
    """Return the processes whose strictest parts a change of the rules asks."""
    now, versions = rules[0], [rules[0], new, *rules[1:]]
    asked = [now.process(name) for name in classes(rules, new, silently)]
    if not silently and changed(rules, new) & {*now.lazy.get("covers", ())}:
        asked.append(put_to_vote(now.process("lazy")))
    silence = [(old.lazy.get("covers", []), old.lazy.get("decisions", False)) for old in versions]
    is_moved = any(said != silence[0] for said in silence)
    for name in ("ordinary", "constitution", "membership", "lazy"):
        found = [old.process(name) if name in old.classes else None for old in versions]
        is_other = any(process != found[0] for process in found)
        if is_other or (is_moved and name in ("ordinary", "lazy")):
            asked += [put_to_vote(process) for process in found if process is not None]
    return asked
