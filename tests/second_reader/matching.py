"""Suggestions and rings of a small market, from docs/protocol/matching.md alone.

Everything is tried: no index, no prices, no search that leaves something out.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from itertools import combinations, permutations
from typing import Any

PART = 10**9
DAY_MS = 86_400_000
SIDE_MAX, OF_ONE_MAX, OF_KEY_MAX = 4_096, 64, 8
OF_MATCH, OF_RING, WAYS = 200, 24, 12


def match_hash(seal: bytes, *ids: bytes) -> bytes:
    """Return the hash of ids that orders what scores alike."""
    return blake2b(seal + b"".join(ids), digest_size=32, person=b"cw1/match").digest()


def tie(seal: bytes, *ids: bytes) -> int:
    """Return the first 8 bytes of that hash as a number."""
    return int.from_bytes(match_hash(seal, *ids)[:8], "big")


class SmallMarket:
    """A market given as maps. Intents have the keys of the page; times in ms, None for open."""

    def __init__(self, market: dict[str, Any]) -> None:
        self.seal, self.now = market["seal"], market["now"]
        self.known, self.weights = market["members"], market["weights"]
        self.disputes = market["disputes"]
        self.offers = _taking_part(market["offers"])
        self.needs = _taking_part(market["needs"])

    def amount(self, need: dict[str, Any], offer: dict[str, Any]) -> int:
        """Return how much two could agree on; 0 when they may not meet."""
        if not _of_what(need, offer) or not self._may_deal(need, offer):
            return 0
        amount: int = min(need["left"], offer["left"])
        room = self.known.get(need["member"], {}).get("headroom", {})
        for unit, price, per_unit in offer["prices"] or need["prices"]:
            if unit not in room or price <= 0:
                continue
            if per_unit:
                amount = min(amount, max(0, room[unit]) * PART // price)
            elif price > room[unit]:
                return 0
        return amount if amount >= max(need["minimum"], offer["minimum"]) else 0

    def _may_deal(self, need: dict[str, Any], offer: dict[str, Any]) -> bool:
        taker, giver = need["member"], offer["member"]
        if taker == giver or {taker, giver} in self.disputes:
            return False
        for intent, other in ((need, giver), (offer, taker)):
            if intent["to"] is not None and other not in intent["to"]:
                return False
        begin, end = self._together(need, offer)
        return end is None or begin < end

    def _together(self, need: dict[str, Any], offer: dict[str, Any]) -> tuple[int, int | None]:
        begin = max([self.now, *(side["begin"] for side in (need, offer) if side["begin"])])
        ends = [side["end"] for side in (need, offer) if side["end"] is not None]
        return begin, min(ends, default=None)

    def of_need(self, need: dict[str, Any], most: int) -> Iterator[dict[str, Any]]:
        """Yield the offers that are candidates of a need, newest first."""
        looked_at = _looked_at(self.offers, _sought(need))
        fitting = (offer for offer in looked_at if self.amount(need, offer))
        yield from (offer for _, offer in zip(range(most), fitting, strict=False))

    def of_offer(self, offer: dict[str, Any], most: int) -> Iterator[dict[str, Any]]:
        """Yield the needs that are candidates of an offer, newest first."""
        looked_at = _looked_at(self.needs, _found_under(offer), _sought)
        fitting = (need for need in looked_at if self.amount(need, offer))
        yield from (need for _, need in zip(range(most), fitting, strict=False))

    def features(self, need: dict[str, Any], offer: dict[str, Any]) -> list[int]:
        """Return the eight features of a pair, 0..1,000."""
        giver, taker = self.known.get(offer["member"], {}), self.known.get(need["member"], {})
        given, received = taker.get("given", 0), taker.get("received", 0)
        promised = giver.get("promised", 0)
        few = promised < 3
        ratios = [
            self._kind(need, offer),
            (min(need["left"], offer["left"]), max(need["left"], offer["left"])),
            self._time(need, offer),
            self._urgency(need),
            (int(self._coincide(offer["member"], need["member"])), 1),
            (given, received) if given < received else (1, 1),
            (1, 2) if few else (giver["kept"], promised),
            (int(any(need[key] and need[key] == offer[key] for key in ("place", "scope"))), 1),
        ]
        return [1000 * part // whole if whole else 0 for part, whole in ratios]

    def score(self, need: dict[str, Any], offer: dict[str, Any]) -> int:
        """Return the weighted mean of the features."""
        pairs = zip(self.weights, self.features(need, offer), strict=True)
        whole: int = sum(self.weights)
        total: int = sum(weight * feature for weight, feature in pairs)
        return total // whole

    def suggestions(self, member: bytes) -> list[tuple[int, bytes, bytes]]:
        """Return (score, need, offer) of what suits a member, in order."""
        pairs = [
            (need, offer)
            for need in self.needs
            if need["member"] == member
            for offer in self.of_need(need, OF_MATCH)
        ]
        pairs += [
            (need, offer)
            for offer in self.offers
            if offer["member"] == member
            for need in self.of_offer(offer, OF_MATCH)
        ]
        listed = [(self.score(*pair), pair[0]["id"], pair[1]["id"]) for pair in pairs]
        listed.sort(key=lambda row: (-row[0], match_hash(self.seal, *row[1:])))
        return listed[:200]

    def rings(self, members_max: int) -> list[tuple[tuple[bytes, bytes], ...]]:
        """Return the disjoint rings of greatest weight, each as (need, offer) from its first."""
        ways = self._ways()
        rings = []
        for size in range(2, members_max + 1):
            for members in permutations(sorted(ways), size):
                around = [*zip(members, (*members[1:], members[0]), strict=True)]
                if members[0] == min(members) and all(b in ways[a] for a, b in around):
                    rings.append(self._ring(members, [ways[a][b] for a, b in around]))
        best: tuple[int, tuple[Any, ...]] = (0, ())
        for count in range(len({member for ring in rings for member in ring[1]}) // 2 + 1):
            for picked in combinations(rings, count):
                used = [member for _, own, _ in picked for member in own]
                if len(used) == len({*used}):
                    best = max(best, (sum(weight for weight, _, _ in picked), picked), key=_first)
        return [pairs for _, _, pairs in sorted(best[1], key=lambda ring: ring[1])]

    def _ring(self, members: tuple[bytes, ...], own: list[Any]) -> tuple[int, Any, Any]:
        points = sum(score for score, _, _ in own)
        pairs = tuple((need, offer) for _, need, offer in own)
        weight = (points << 80) + tie(self.seal, *(id for pair in pairs for id in pair))
        return weight, members, pairs

    def _ways(self) -> dict[bytes, dict[bytes, tuple[int, bytes, bytes]]]:
        heaviest: dict[bytes, dict[bytes, tuple[int, Any]]] = {}
        for need in self.needs:
            for offer in self.of_need(need, OF_RING):
                points = self.score(need, offer)
                weight = (points << 80) + tie(self.seal, need["id"], offer["id"])
                known = heaviest.setdefault(offer["member"], {})
                if known.get(need["member"], (-1,))[0] < weight:
                    known[need["member"]] = weight, (points, need["id"], offer["id"])
        return {
            giver: {
                taker: pair
                for taker, (_, pair) in sorted(
                    takers.items(), key=lambda entry: entry[1][0], reverse=True
                )[:WAYS]
            }
            for giver, takers in heaviest.items()
        }

    def _coincide(self, giver: bytes, taker: bytes) -> bool:
        """Return whether the giver needs something of the taker: the newest under each key."""
        needs = [need for need in self.needs if need["member"] == giver]
        offers = [offer for offer in self.offers if offer["member"] == taker]
        keys = {key for need in needs for key in _sought(need)}
        return any(
            self.amount(need, offer)
            for key in keys
            for need in [need for need in needs if key in _sought(need)][:OF_KEY_MAX]
            for offer in [one for one in offers if key in _found_under(one)][:OF_KEY_MAX]
        )

    def _kind(self, need: dict[str, Any], offer: dict[str, Any]) -> tuple[int, int]:
        if need["resource"] or need["spec"]:
            return 1, 1
        return len(need["tags"] & offer["tags"]), len(need["tags"] | offer["tags"])

    def _time(self, need: dict[str, Any], offer: dict[str, Any]) -> tuple[int, int]:
        if need["end"] is None:
            return 1, 1
        begin, end = self._together(need, offer)
        assert end is not None
        return end - begin, need["end"] - max(self.now, need["begin"] or 0)

    def _urgency(self, need: dict[str, Any]) -> tuple[int, int]:
        if need["due"] is None:
            return 0, 0
        since = need["due"] - 30 * DAY_MS if need["begin"] is None else need["begin"]
        whole = max(1, need["due"] - since)
        return min(whole, max(0, self.now - since)), whole


def _first(entry: tuple[int, Any]) -> int:
    return entry[0]


def _taking_part(intents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    newest = sorted(intents, key=lambda intent: (-intent["clock"], intent["id"]))
    counts: dict[bytes, int] = {}
    kept = []
    for intent in newest:
        counts[intent["member"]] = counts.get(intent["member"], 0) + 1
        if counts[intent["member"]] <= OF_ONE_MAX:
            kept.append(intent)
    return kept[:SIDE_MAX]


def _of_what(need: dict[str, Any], offer: dict[str, Any]) -> bool:
    if (need["action"], need["unit"]) != (offer["action"], offer["unit"]):
        return False
    for key in ("resource", "spec"):
        if need[key]:
            return bool(need[key] == offer[key])
    return bool(need["tags"] & offer["tags"])


def _sought(need: dict[str, Any]) -> list[Any]:
    what = [need["resource"] or need["spec"]] if need["resource"] or need["spec"] else need["tags"]
    return [(need["action"], need["unit"], name) for name in what]


def _found_under(offer: dict[str, Any]) -> list[Any]:
    what = [offer["resource"], offer["spec"], *offer["tags"]]
    return [(offer["action"], offer["unit"], name) for name in what if name]


def _looked_at(
    intents: list[dict[str, Any]], sought: list[Any], under: Any = _found_under
) -> Iterator[dict[str, Any]]:
    """Yield what stands under a key, newest first, at most 8 of one member under each."""
    counts: dict[Any, int] = {}
    for intent in intents:
        is_seen = False
        for key in under(intent):
            counts[intent["member"], key] = counts.get((intent["member"], key), 0) + 1
            is_seen |= key in sought and counts[intent["member"], key] <= OF_KEY_MAX
        if is_seen:
            yield intent
