"""The keys of a table in order, while it is written to between one reader and the next."""

from __future__ import annotations

from random import Random

from commonweal.protocol.ledger.state.state import LOCAL, State

KEYS = 2_000


class Compared(bytes):
    """A key that counts how often keys are compared."""

    times = 0

    def __lt__(self, other: bytes) -> bool:
        Compared.times += 1
        return bytes(self) < bytes(other)


def test_one_key_more_costs_one_pass_and_not_another_sort() -> None:
    state, rng = State(), Random(7)
    for _ in range(KEYS):
        state.put(Compared(LOCAL + rng.randbytes(32)), 1)
    assert len([*state.items(LOCAL)]) == KEYS
    before = Compared.times
    state.put(Compared(LOCAL + rng.randbytes(32)), 1)
    assert len([*state.items(LOCAL)]) == KEYS + 1
    assert Compared.times - before <= 2 * KEYS


def test_the_keys_are_in_order_whatever_was_written_and_taken_back() -> None:
    state, rng = State(), Random(8)
    known: dict[bytes, int] = {}
    for number in range(300):
        mark, before = state.mark(), dict(known)
        for _ in range(rng.randint(1, 3)):
            key = LOCAL + rng.randbytes(1)
            if rng.random() < 0.3:
                state.delete(key)
                known.pop(key, None)
            else:
                state.put(key, number)
                known[key] = number
            if rng.random() < 0.5:
                assert [*state.items(LOCAL)] == sorted(known.items())
        if rng.random() < 0.3:
            state.rollback(mark)
            known = before
    assert [*state.items(LOCAL)] == sorted(known.items())


def test_who_reads_keys_reads_on_while_others_are_written_and_read() -> None:
    base = State()
    for number in range(0, 200, 2):
        base.put(LOCAL + bytes([number]), number)
    state = base.above()
    state.put(LOCAL + b"\x01", 1)
    state.put(LOCAL + b"\xff", 255)
    seen = []
    for key, value in state.items(LOCAL):
        seen.append(value)
        if key[1] % 2 == 0:
            state.delete(key)
            assert next(state.items(LOCAL))[1] == 1 or value == 0
    assert seen == [0, 1, *range(2, 200, 2), 255]
    assert [value for _, value in state.items(LOCAL)] == [1, 255]
