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

    def process(self, name: str) -> dict[str, Any]:
        """Return the process of a class, complete."""
        assert "lazy" not in self.section("governance"), "silent consent is left out"
        threshold = ">1/2" if name == "ordinary" else "2/3"
        table = {"threshold": threshold, "quorum": "0%", "period_hours": 168, "early": True}
        table |= {"blocks": 0, "voters": "", "trial_hours": 0}
        said = self.section("governance").get(name, {})
        return {key: said.get(key, default) for key, default in table.items()}

    def patched(self, patch: dict[str, Any]) -> Ruleset:
        """Return the ruleset with a patch laid over it."""
        return Ruleset(_laid(self.document, patch))


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


def classes(rules: list[Ruleset], new: Ruleset) -> list[str]:
    """Return the classes of a change. rules: in force, and those that come back if any."""
    keys = {*new.document, *(key for old in rules for key in old.document)}
    changed = {
        key for key in keys if any(old.document.get(key) != new.document.get(key) for old in rules)
    }
    grave = [*GRAVE]
    if any(rules[0].process(name)["voters"] for name in ("ordinary", "constitution", "membership")):
        grave.append("roles")
    found = ["constitution"] if changed & {*grave} else []
    found += ["membership"] if "membership" in changed else []
    return found + (["ordinary"] if changed - {*grave, "membership"} or not found else [])
