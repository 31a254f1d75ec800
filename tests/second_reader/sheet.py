"""The lines that one seal writes, and how amounts are divided: shares.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.second_reader.claims import MOST, Pool
from tests.second_reader.context import Context
from tests.second_reader.values import hash32, pack

Row = dict[str, Any]
LINE = [
    "bucket",
    "sort",
    "member",
    "amount",
    "of",
    "weight",
    "weights",
    "inputs",
    "source",
    "income",
    "commissions",
    "corrects",
]


def divide(amount: int, weights: Sequence[int], ties: Sequence[bytes]) -> list[int]:
    """Divide an amount by weights, by largest remainder."""
    total = sum(weights)
    parts = [amount * weight // total for weight in weights]
    order = sorted(range(len(weights)), key=lambda n: (-(amount * weights[n] % total), ties[n]))
    for place in order[: amount - sum(parts)]:
        parts[place] += 1
    return parts


def tie(c: Context, *names: Any) -> bytes:
    """Return what decides between equal remainders."""
    return hash32("tie", pack([c.prev, c.height, *names]))


class Sheet:
    """The lines of one seal."""

    def __init__(self, c: Context) -> None:
        self.c = c
        self.sums: dict[tuple[Pool, bytes], list[int]] = {}
        self.unpaid: dict[tuple[Pool, str], dict[bytes, int]] = {}
        self.undone: dict[tuple[Pool, str], list[int]] = {}
        self.numbers: dict[str, int] = {}

    def write(self, pool: Pool, ruleset: bytes, line: Row, givers: int = 0) -> None:
        """Put a line behind those that the pool has. givers: how many gave points for it."""
        number = self.numbers.get(pool[0], 0)
        self.numbers[pool[0]] = number + 1
        place = (place_of(self.c.height, pool[0]), number.to_bytes(4, "big"))
        kept = {**line, "inputs": line["inputs"][:64]}
        if line["weights"] > MOST:
            by = line["weights"] // MOST + 1
            kept |= {"weight": line["weight"] // by, "weights": line["weights"] // by}
        fields = [kept[name] for name in LINE]
        if kept.get("parts"):
            fields.append(kept["parts"][:64])
        self.c.state.put(
            [*pool[1:], ruleset, givers or len(line["inputs"]), fields], "LINE", *place
        )
        sums = self.sums.setdefault((pool, line["member"]), [0, 0])
        sums[line["sort"] == "correction"] += line["amount"]

    def lines(self, height: int, pool: Pool) -> list[tuple[bytes, bytes, Row]]:
        """Return (place, ruleset, line) of an earlier split, without corrections.

        Each line has its number of inputs as "count" too.
        """
        found = []
        for key, value in self.c.state.all("LINE", place_of(height, pool[0])):
            line = {**dict(zip(LINE, value[4], strict=False)), "count": value[3]}
            if value[:2] == [*pool[1:]] and line["sort"] != "correction":
                found.append((key, value[2], line))
        return found


def place_of(height: int, name: str) -> bytes:
    """Return what the places of a pool's lines at a height begin with."""
    return height.to_bytes(8, "big") + name.encode() + b"\0"
