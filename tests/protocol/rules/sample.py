"""A few names, types and values that rules in tests read."""

from __future__ import annotations

from commonweal.protocol.rules.expression import (
    BOOL,
    FUEL_MAX,
    INT,
    STRING,
    ListType,
    RecordType,
    Type,
    Value,
    check,
    evaluate,
)

EVENT = RecordType("event", {"action": STRING, "amount": INT, "attested": BOOL})
ENV: dict[str, Type] = {
    "a": INT,
    "b": INT,
    "p": BOOL,
    "k": STRING,
    "xs": ListType(INT),
    "event": EVENT,
    "events": ListType(EVENT),
    "agent": RecordType("agent", {"event": EVENT}),
}
WORK: Value = {"action": "work", "amount": 250, "attested": True}
GIFT: Value = {"action": "transfer", "amount": -40, "attested": False}
VALUES: dict[str, Value] = {
    "a": 7,
    "b": -2,
    "p": True,
    "k": "工作",
    "xs": [3, 1, 2],
    "event": WORK,
    "events": [WORK, GIFT],
    "agent": {"event": GIFT},
}


def given_by(source: str, values: dict[str, Value] = VALUES, fuel: int = FUEL_MAX) -> Value:
    """What a rule gives for VALUES, some of them replaced by `values`."""
    return evaluate(check(source, ENV), {**VALUES, **values}, fuel)
