"""What a node writes in its life, in small, as steps: one step is one commit.

The steps of one seed are always the same, so what the store holds after each is known from
a store in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from random import Random

from commonweal.protocol import codec
from commonweal.protocol.keys import PeerKey
from commonweal.protocol.records import fork_proof, record
from commonweal.protocol.records.record import Record
from commonweal.storage.records.address_book import Address
from commonweal.storage.records.logs.log_store import Store
from tests.protocol.authors import BO, EVE, FIRST, FOUNDING, MEI, Author, write

STEP = "step"
Step = Callable[[Store], object]


class Log:
    """A log that grows."""

    def __init__(self, author: Author, last: Record | None) -> None:
        self.author, self.last = author, last

    def grow(self, chance: Random, count: int) -> tuple[list[Record], dict[bytes, bytes]]:
        """Write `count` records, some with bodies, permanent ones among them."""
        run: list[Record] = []
        bodies: dict[bytes, bytes] = {}
        for _ in range(count):
            body = None
            if chance.random() < 0.3:
                content = chance.randbytes(chance.choice((40, 900, 6_000)))
                if chance.random() < 0.3:
                    data, body = content, record.permanent_body(content)
                else:
                    data, body = record.erasable_body(chance.randbytes(16), "text/plain", content)
                if body.permanent or chance.random() < 0.7:
                    bodies[body.hash] = data
            kind = chance.choice(("event", "event", "attest", "member.profile"))
            kind = "rules.propose" if body is not None and body.permanent else kind
            one = write(self.author, self.last, kind=kind, data=_event(chance), body=body)
            run.append(one)
            self.last = one
        return run, bodies


def steps(seed: int, count: int) -> list[Step]:
    """Return the steps of a life; the first takes an empty store."""
    chance = Random(seed)
    logs = [Log(MEI, FIRST), Log(BO, None), Log(EVE, None)]
    assert FIRST.body is not None
    made: list[Step] = [_append(MEI, [FIRST], {FIRST.body.hash: FOUNDING.body})]
    hashes: list[bytes] = []
    forked = False
    for number in range(1, count):
        act = chance.random()
        log = chance.choice(logs[:2] if forked else logs)
        if act < 0.7 or not hashes:
            run, bodies = log.grow(chance, chance.choice((1, 1, 2, 5, 20)))
            hashes += bodies
            made.append(_append(log.author, run, bodies))
        elif act < 0.8:
            made.append(_erase(chance.choice(hashes)))
        elif act < 0.9:
            made.append(_address(chance, number))
        elif not forked and logs[2].last is not None and logs[2].last.seq > 2:
            forked = True
            made.append(_fork(logs[2], chance))
        else:
            made.append(_tidy)
    return [_numbered(number, step) for number, step in enumerate(made)]


def contents(store: Store) -> bytes:
    """Return a digest of every row of every table."""
    digest = blake2b(digest_size=16)
    names = store.rows("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    for (name,) in names:
        rows = store.rows(f"SELECT * FROM {name}")
        digest.update(repr((name, sorted(map(repr, rows)))).encode())
    return digest.digest()


def lives(seed: int, count: int) -> list[bytes]:
    """Return what the store contains after each step of a life."""
    found = []
    with_memory = Store()
    for step in steps(seed, count):
        step(with_memory)
        with_memory.commit()
        found.append(contents(with_memory))
    with_memory.close()
    return found


def step_of(store: Store) -> int:
    """Return the number of the last step that the store knows; -1 before the first."""
    value = store.setting(STEP)
    return -1 if value is None else int(value)


def _numbered(number: int, step: Step) -> Step:
    def both(store: Store) -> None:
        step(store)
        store.put_setting(STEP, str(number).encode())

    return both


def _append(author: Author, run: list[Record], bodies: dict[bytes, bytes]) -> Step:
    return lambda store: store.append(author.device, run, bodies)


def _erase(digest: bytes) -> Step:
    return lambda store: store.erase_body(digest)


def _address(chance: Random, number: int) -> Step:
    place = Address(PeerKey(chance.randbytes(32)), None, ("/ip4/10.0.0.1/tcp/1",), b"", number, "x")
    return lambda store: store.put_address(place)


def _fork(log: Log, chance: Random) -> Step:
    assert log.last is not None
    before = log.last
    one = write(log.author, before, data={"n": chance.random() < 2, "of": "one"})
    two = write(log.author, before, data={"of": "two"})
    proof = fork_proof.check(one, two, record.community_of(FIRST))

    def act(store: Store) -> None:
        store.append(log.author.device, [one])
        store.freeze(proof)
        store.append_branch([two])

    return act


def _tidy(store: Store) -> None:
    store.tidy()


def _event(chance: Random) -> dict[str, codec.Value]:
    return {
        "action": chance.choice(("work", "use", "raise")),
        "resourceQuantity": {"n": chance.randrange(10**6), "scale": 2, "unit": "hour"},
        "tag": "x" * chance.choice((5, 60, 300)),
    }
