"""A community of any size, made in one store without a network: the data of all benches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Any, TypeAlias

from commonweal.protocol import keys
from commonweal.protocol.codec import Value
from commonweal.protocol.identity import founding
from commonweal.protocol.identity.identity import Inception, inception_from_entropy, member_signer
from commonweal.protocol.identity.invite import Invite
from commonweal.protocol.keys import DeviceKey, PeerKey, Signer
from commonweal.protocol.records import log, record
from commonweal.protocol.records.record import CommunityId, Record, RecordDraft, RecordId
from commonweal.protocol.vocabulary.budget import BUDGET_MAX, MIB
from commonweal.storage.records.logs.log_store import Store

NOW_MS = 1_700_000_000_000
RECORDS_PER_APPEND = 1_000
USES = 1_000

Data: TypeAlias = dict[str, Value]

LARGE_BUDGET: Mapping[str, int] = MappingProxyType(
    {
        "records": BUDGET_MAX.daily.records,
        "header_mib": BUDGET_MAX.daily.bytes // MIB,
        "text_mib": BUDGET_MAX.daily.texts // MIB,
    }
)
"""Fields of the budget in the rules with which one member may write the most in a day."""

NO_RULES: Mapping[str, Any] = MappingProxyType({})


@dataclass(slots=True)
class Person:
    """A member with one device, and where its log ends."""

    entropy: bytes
    device_seed: bytes
    member: Signer
    inception: Inception
    device: Signer
    host: Signer
    tip: log.Tip

    @property
    def peer(self) -> PeerKey:
        """The key of the device's host."""
        return PeerKey(self.host.key)

    @property
    def key(self) -> DeviceKey:
        """The device, as author of its log."""
        return DeviceKey(self.device.key)


@dataclass(slots=True)
class Community:
    """Its id, its people (the founder first), and the store that holds everything."""

    id: CommunityId
    people: list[Person]
    store: Store


def make(
    store: Store, members: int, seed: int = 1, rules: Mapping[str, Any] = NO_RULES
) -> Community:
    """Return a community of `members` people, all admitted, with its records in `store`.

    rules: beside those that let it begin with so many.
    """
    rng = Random(seed)
    people = [_person(rng) for _ in range(members)]
    founder = people[0]
    own = (founder.member, founder.inception, founder.device, founder.host)
    written = founding.found(*own, rng.randbytes(32), "Bench", NOW_MS, {**rules, **_rules(members)})
    first = written.record
    assert first.body is not None
    store.append(founder.key, [first], {first.body.hash: written.body})
    founder.tip = log.Tip(1, first.id, first.clock)
    community = Community(CommunityId(first.id), people, store)
    seed_of_invite = rng.randbytes(32)
    data: Data = {"key": Signer(seed_of_invite).key, "uses": USES}
    (made,) = write(community, founder, [("invite.create", data, ())])
    for person in people[1:]:
        _admit(community, person, Invite(made.id, made.clock, seed_of_invite))
    store.commit()
    return community


def work(community: Community, records: int, run: int = RECORDS_PER_APPEND) -> None:
    """Let everybody record hours in turn, `run` records at a time, `records` in all."""
    left = records
    while left > 0:
        for person in community.people:
            data: Data = {
                "action": "work",
                "provider": bytes(person.inception.member),
                "effortQuantity": {"n": 250, "scale": 2, "unit": "hour"},
            }
            count = min(run, left)
            write(community, person, [("event", data, ())] * count)
            left -= count
        community.store.commit()


def write(
    community: Community,
    person: Person,
    wishes: list[tuple[str, Data, tuple[RecordId, ...]]],
) -> list[Record]:
    """Append records to a person's log; return them."""
    written = []
    for kind, data, deps in wishes:
        clocks = [community.store.clock_of(id) or 0 for id in deps]
        place = log.next_position(community.id, person.tip, RecordId(community.id), clocks, 1)
        signed = record.sign(person.device, place, RecordDraft(kind, data, NOW_MS, deps))
        person.tip = log.Tip(signed.seq + 1, signed.id, signed.clock)
        written.append(signed)
    community.store.append(person.key, written)
    return written


def _rules(members: int) -> Data:
    """Return rules by which one member brings in all others at once."""
    said: Data = {"en": "All may begin at once.", "zh": "所有人都可以一起开始。"}
    return {"membership": {**said, "growth_per_week": members, "founding_circle": members}}


def _admit(community: Community, person: Person, invite: Invite) -> None:
    founder = community.people[0]
    own = (person.member, person.inception, person.device, person.host)
    first = founding.enrol(*own, community.id, NOW_MS)
    tip = log.Tip(1, first.id, first.clock)
    asked = founding.request(person.device, person.inception, community.id, tip, invite, NOW_MS)
    community.store.append(person.key, [first, asked])
    person.tip = log.Tip(2, asked.id, asked.clock)
    data: Data = {"member": bytes(person.inception.member), "request": asked.id}
    write(community, founder, [("member.vouch", data, (asked.id,))])


def _person(rng: Random) -> Person:
    entropy, device_seed = rng.randbytes(32), rng.randbytes(32)
    device = keys.device_signer(device_seed)
    host = keys.peer_signer(device_seed)
    inception = inception_from_entropy(entropy)
    return Person(entropy, device_seed, member_signer(entropy), inception, device, host, log.Tip())
