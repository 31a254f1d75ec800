"""A join, frame by frame: written from a simulation once, then kept, and shown with its bytes.

`python -m tests.builders.join_trace` writes tests/vectors/join.json anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nacl.secret import SecretBox

from commonweal.protocol import codec, keys
from commonweal.protocol.keys import PeerKey
from tests.sim.world.network import Port
from tests.sim.world.world import World

FILE = Path(__file__).parents[1] / "vectors" / "join.json"
SEED = 11
DEPTH = 12
VALUES_MAX = 65_536
SHOWN_BYTES = 12
"""Of longer bytes the page shows so many, and how many there are."""

NAMES = {
    "hello": ("nonce", "box"),
    "runs": ("runs: [author, start, records, bodies]", "remaining", "asked"),
    "compare": ("digest", "base"),
    "have": ("[log, length]", "took"),
    "addresses": ("signed addresses",),
    "height": ("height", "seal", "held"),
    "want-seals": ("height",),
    "seals": ("[sealed height, delta]",),
    "entries": ("bucket numbers", "[author, length, head, frozen]", "reply"),
    "fetch": ("[author, start, stop]",),
    "same": ("digest",),
}
BOX = ("versions", "device", "credentials", "invite", "height", "seal", "ruleset", "digest")
RECORD = (
    *("context", "community", "author", "seq", "prev", "clock", "basis", "deps", "claimed_at"),
    *("kind", "data", "body"),
)


def simulated() -> dict[str, Any]:
    """Return a join as a simulation has it: the keys, and each frame with who sent it."""
    world = World(SEED, seals=True)
    (host,) = world.nodes
    invite = world.invited(host)
    world.run(5_000)
    frames: list[tuple[str, str]] = []
    send = world.network.send

    def noted(port: Port, peer: PeerKey, frame: bytes) -> None:
        frames.append(("host" if port is host else "newcomer", frame.hex()))
        send(port, peer, frame)

    world.network.send = noted  # type: ignore[method-assign]
    newcomer = world.join(invite, [host])
    world.run(3_000)
    return {
        "about": "every frame of a join, without its 4 bytes of length, in the order of sending",
        "community": world.community.hex(),
        "peers": {"host": host.key.hex(), "newcomer": newcomer.key.hex()},
        "invite": {"id": invite.id.hex(), "clock": invite.clock, "seed": invite.seed.hex()},
        "frames": [{"from": sender, "frame": frame} for sender, frame in frames],
    }


def kept() -> dict[str, Any]:
    """Return the join that is kept."""
    trace: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return trace


def names(trace: dict[str, Any]) -> list[tuple[str, str]]:
    """Return who sent which message, in order."""
    return [(one["from"], str(message(one)[0])) for one in trace["frames"]]


def message(frame: dict[str, Any]) -> list[Any]:
    """Return the message of a frame."""
    value: Any = codec.decode(bytes.fromhex(frame["frame"]), DEPTH, values_max=VALUES_MAX)
    assert isinstance(value, list)
    return value


def opened(trace: dict[str, Any], frame: dict[str, Any]) -> list[Any]:
    """Return what the box of a hello holds."""
    _, nonce, box = message(frame)
    other = "newcomer" if frame["from"] == "host" else "host"
    parts = (trace["community"], trace["peers"][frame["from"]], trace["peers"][other])
    key = keys.hash32(keys.HELLO, *map(bytes.fromhex, parts))
    value: Any = codec.decode(SecretBox(key).decrypt(box, nonce), DEPTH)
    assert isinstance(value, list)
    return value


def page() -> str:
    """Return the trace as the page shows it."""
    trace = kept()
    blocks = []
    for number, frame in enumerate(trace["frames"], 1):
        data = bytes.fromhex(frame["frame"])
        fields = message(frame)
        sign = ">" if frame["from"] == "newcomer" else "<"
        head = f"{sign} {number} {fields[0]}, from the {frame['from']}, 4 + {len(data)} bytes"
        lines = [_line(len(data).to_bytes(4, "big"), 0, "length")]
        lines += _value(fields, 0, ("", *NAMES[str(fields[0])]))
        if fields[0] == "hello":
            lines += ["", "the box holds"]
            lines += _value(opened(trace, frame), 0, (*BOX, "clock_ms"))
        blocks.append("\n".join([head, "", *lines]))
    return "```text\n" + "\n\n".join(blocks) + "\n```\n"


def _value(value: Any, depth: int, fields: tuple[str, ...] = (), name: str = "") -> list[str]:
    """Return the lines of a value: its bytes on the left, what they are on the right."""
    match value:
        case list():
            head = codec.encode([None] * len(value))[: -len(value) or None]
            lines = [_line(head, depth, _joined(name, f"array of {len(value)}"))]
            for place, part in enumerate(value):
                label = fields[place] if place < len(fields) else ""
                lines += _value(part, depth + 1, (), label)
            return lines
        case dict():
            lines = [_line(codec.encode({})[:0] + bytes([0x80 + len(value)]), depth, name)]
            for key in sorted(value, key=str.encode):
                lines.append(_line(codec.encode(key), depth + 1, f'"{key}"'))
                lines += _value(value[key], depth + 2)
            return lines
        case bytes() if _is_record(value):
            return _record(value, depth)
    what = f'"{value}"' if isinstance(value, str) else _plain(value)
    return [_line(codec.encode(value), depth, _joined(name, what))]


def _record(wire: bytes, depth: int) -> list[str]:
    header: Any = codec.decode(wire[:-64])
    size = codec.encode(wire)[: -len(wire)]
    lines = [_line(size, depth, f"a record of {len(wire)} bytes")]
    lines += _value(header, depth + 1, RECORD)
    return [*lines, _line(wire[-64:], depth + 1, "signature, 64 bytes")]


def _is_record(value: bytes) -> bool:
    return value.startswith(b"\x9c\xaccommonweal/1")


def _plain(value: Any) -> str:
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return "nil" if value is None else str(value).lower()


def _joined(name: str, what: str) -> str:
    return f"{name}: {what}" if name else what


def _line(data: bytes, depth: int, what: str) -> str:
    shown = data.hex() if len(data) <= SHOWN_BYTES else data[:SHOWN_BYTES].hex() + "…"
    return f"{'  ' * depth}{shown:<{40 - 2 * depth}} {what}".rstrip()


if __name__ == "__main__":
    FILE.write_text(json.dumps(simulated(), indent=1) + "\n", "utf-8")
