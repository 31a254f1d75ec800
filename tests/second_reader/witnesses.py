"""Certificates, and the next set of witnesses: witnesses.md and fold.md."""

from __future__ import annotations

from typing import Any

from tests.second_reader.context import Context
from tests.second_reader.members import candidates
from tests.second_reader.rules import Ruleset
from tests.second_reader.values import hash32, is_signed, pack

Seat = list[bytes]


def check_certificate(
    certificate: list[Any], community: bytes, height: int, seal: bytes, seats: list[Seat]
) -> None:
    """See that exactly a quorum of the set signed the seal."""
    at, round_, named, pairs = certificate
    devices = [device for device, _ in seats]
    count = len(devices)
    assert (at, named) == (height, seal)
    assert len(pairs) == (count + (count - 1) // 3) // 2 + 1
    assert [device for device, _ in pairs] == sorted({device for device, _ in pairs} & {*devices})
    array = ["commonweal/1/vote", community, height, round_, 2, seal]
    assert all(is_signed(device, pack(array), signature) for device, signature in pairs)


def renew(c: Context, rules: Ruleset) -> None:
    """Note who was present, and write the set of the next height."""
    for member, offer in candidates(c):
        if offer["device"] in c.present:
            c.state.put([offer["device"], c.height], "OFFER", member)
    seated = c.state.get("SEATED")
    offered = [
        ([offer["device"], member], offer["seen"])
        for member, offer in candidates(c)
        if not _waits(c, seated, member)
    ]
    seats = min(64, rules.number("finality", "witnesses", 7))
    c.state.put(next_set(c.prev, c.height, seated, offered, seats), "SEATED")


def _is_heard(seen: int | None, height: int) -> bool:
    return seen is not None and seen > height - 20


def _waits(c: Context, seated: list[Seat], member: bytes) -> bool:
    """Whether a candidate lacks the endorsement of somebody seated."""
    if len(seated) >= 4 or any(member == other for _, other in seated):
        return False
    claim = c.state.known("ROLE", member, b"witness")["claim"]
    for _, other in seated:
        offer = c.state.row("OFFER", other)
        is_asked = (
            offer is not None and _is_heard(offer["seen"], c.height) and c.holds(other, "witness")
        )
        if is_asked and c.state.get("ENDORSED", claim, other) is None:
            return True
    return False


def next_set(
    prev: bytes,
    height: int,
    seated: list[Seat],
    offered: list[tuple[Seat, int | None]],
    seats: int,
) -> list[Seat]:
    """Return the set after a seal."""

    def draw(seat: Seat) -> bytes:
        return hash32("seat", pack([prev, height, seat[0]]))

    named = [seat for seat, _ in offered]
    heard = [seat for seat, seen in offered if _is_heard(seen, height)]
    drawn = sorted(heard, key=draw)[:seats]
    coming = [seat for seat in drawn if seat not in seated][: max(2, 4 - len(seated))]
    leaving = [seat for seat in seated if seat not in named]
    remaining = len(seated) - len(leaving)
    silent = [seat for seat in seated if seat in named and seat not in heard]
    for seat in sorted(silent, key=draw, reverse=True):
        if remaining - 1 + len(coming) >= min(4, remaining):
            leaving.append(seat)
            remaining -= 1
    lost = [seat for seat in seated if seat in heard and seat not in drawn]
    leaving += sorted(lost, key=draw, reverse=True)
    staying = [seat for seat in seated if seat not in leaving[:2]]
    chosen = staying + coming[: max(0, seats - len(staying))]
    return sorted(chosen or seated[:1])
