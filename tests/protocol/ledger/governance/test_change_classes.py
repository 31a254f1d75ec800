"""What rides along: a change of several classes, or of how it is decided, asks for the strictest.

One row for each key of [governance]; a key without a row, or a field of a process that no row
looks at, is a failure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from itertools import permutations
from typing import Any, NamedTuple

import pytest

from commonweal.protocol.rules import schema
from commonweal.protocol.rules.changes import classes_of, decision_process, patched, process_of
from commonweal.protocol.rules.document import HOUR_MS, from_map
from commonweal.protocol.rules.process import Ballot, Process, enough_to_stop
from tests.protocol.ledger.council import SAID, Council, process, rules

CLASSES = ("ordinary", "constitution", "membership")
RIDERS: dict[str, dict[str, Any]] = {
    "ordinary": {"value": {"work": {"points": "event.effort", **SAID}}},
    "constitution": {"charter": {"en": "As agreed, and on time.", "zh": "如所约定。"}},
    "membership": {"membership": {"vouches": 1, **SAID}},
}
"""For each class a change of it."""
LOOSE = process(early=True, early_failure=True, indifferent=True, period_hours=1, blocks=3)
MANY = 100


class Row(NamedTuple):
    """A strict value of a key, and what shows that a process asks for it."""

    strict: Any
    fields: tuple[str, ...]
    is_asked: Callable[[Process], bool]


ROWS: dict[str, Row] = {
    "threshold": Row("3/4", ("thresholds",), lambda one: one.ballots[0].needed(MANY) == 75),
    "quorum": Row("60%", ("quorums",), lambda one: one.ballots[0].quorum(MANY) == 60),
    "period_hours": Row(240, ("period_ms",), lambda one: one.period_ms == 240 * HOUR_MS),
    "min_yes": Row(90, ("min_yes",), lambda one: one.ballots[0].needed(MANY) == 90),
    "indifferent": Row(
        False,
        ("indifferent",),
        lambda one: not any(ballot.indifferent for ballot in one.ballots),
    ),
    "early": Row(False, ("early",), lambda one: not one.early),
    "early_failure": Row(False, ("early_failure",), lambda one: not one.early_failure),
    "blocks": Row(1, ("blocks",), lambda one: one.ballots[0].blocks == 1),
    "voters": Row(
        "keeper",
        ("voters", "ballots"),
        lambda one: sorted(ballot.voters for ballot in one.ballots) == ["", "keeper"],
    ),
    "trial_hours": Row(48, ("trial_ms",), lambda one: one.trial_ms == 48 * HOUR_MS),
}
LAZY_ROWS: dict[str, Row] = {
    **ROWS,
    "objections": Row(2, ("objections", "silent"), lambda one: one.ballots[0].objections == 2),
}
DELETED = ("early",)
"""Lazy consensus has it, and it cannot be set: silence is known when the time is over."""
SHARED = ("covers", "decisions")
"""What silence passes: of these the last tests are."""


def document(**governance: dict[str, Any]) -> dict[str, Any]:
    """Return rules whose processes are loose, but for what is given."""
    found = rules(roles={"keeper": SAID})
    found["governance"] = {name: {**LOOSE, **governance.get(name, {})} for name in CLASSES}
    if "lazy" in governance:
        found["governance"]["lazy"] = {
            "period_hours": 1,
            "objections": 3,
            "covers": ["value"],
            **SAID,
            **governance["lazy"],
        }
    return found


def test_each_key_and_each_field_has_its_row() -> None:
    sentences = {"en", "zh"}
    assert set(ROWS) == set(schema.PROCESS) - sentences
    assert set(LAZY_ROWS) | set(SHARED) == set(schema.LAZY) - sentences
    looked_at = {name for row in LAZY_ROWS.values() for name in row.fields}
    assert looked_at == {one.name for kind in (Process, Ballot) for one in fields(kind)}


@pytest.mark.parametrize("key", ROWS)
@pytest.mark.parametrize(("strict", "loose"), list(permutations(CLASSES, 2)))
def test_a_rider_takes_away_nothing_that_a_class_asks(key: str, strict: str, loose: str) -> None:
    row = ROWS[key]
    old = from_map(document(**{strict: {key: row.strict}}))
    alone = process_of(old, patched(old, RIDERS[loose]))
    assert not row.is_asked(alone), "the row sees the difference"
    both = patched(old, RIDERS[strict] | RIDERS[loose])
    assert set(classes_of(old, both)) == {strict, loose}
    assert row.is_asked(process_of(old, both))


@pytest.mark.parametrize("key", ROWS)
@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("is_new", [True, False])
def test_a_change_of_a_key_asks_for_the_stricter_of_before_and_after(
    key: str, name: str, is_new: bool
) -> None:
    row = ROWS[key]
    loose, strict = from_map(document()), from_map(document(**{name: {key: row.strict}}))
    old, new = (loose, strict) if is_new else (strict, loose)
    assert row.is_asked(process_of(old, new))


@pytest.mark.parametrize("key", ROWS)
@pytest.mark.parametrize("name", CLASSES)
def test_what_comes_back_after_a_sunset_is_asked_for_too(key: str, name: str) -> None:
    row = ROWS[key]
    back = from_map(document(**{name: {key: row.strict}}))
    for_a_while = from_map(document())
    new = patched(for_a_while, RIDERS["ordinary"])
    assert row.is_asked(process_of(for_a_while, new, back=back))


@pytest.mark.parametrize("key", [one for one in LAZY_ROWS if one not in DELETED])
def test_what_silence_could_pass_keeps_what_that_asks_beside_a_rider(key: str) -> None:
    row = LAZY_ROWS[key]
    old = from_map(document(lazy={key: row.strict}))
    new = patched(old, RIDERS["ordinary"] | RIDERS["constitution"])
    assert classes_of(old, new) == ("constitution", "ordinary", "lazy")
    assert row.is_asked(process_of(old, new))
    asked = process_of(old, new, silently=False)
    assert row.is_asked(asked) is (key != "objections"), "a no is none where a vote is asked for"
    assert not any(ballot.silent for ballot in asked.ballots)
    # Silence of those who may object is no consent of those who vote.
    voted = process_of(old, new).ballots[0]
    assert not voted.silent and voted.needed(MANY) > MANY // 2


@pytest.mark.parametrize("key", [one for one in LAZY_ROWS if one not in (*DELETED, "objections")])
def test_asking_for_a_vote_takes_away_no_time_and_no_trial(key: str) -> None:
    row = LAZY_ROWS[key]
    old = from_map(document(lazy={key: row.strict, "decisions": True}))
    assert row.is_asked(process_of(old, patched(old, RIDERS["ordinary"]), silently=False))
    assert row.is_asked(decision_process(old, silently=False))
    plain = from_map(document(lazy={key: row.strict, "covers": []}))
    assert not row.is_asked(process_of(plain, patched(plain, RIDERS["ordinary"]), silently=False))
    assert not row.is_asked(decision_process(plain, silently=False))


def test_neither_asking_nor_riding_ends_the_time_to_object_early() -> None:
    old = from_map(document(lazy={"decisions": True}))
    value = patched(old, RIDERS["ordinary"])
    assert not process_of(old, value, silently=False).early
    assert not process_of(old, patched(value, RIDERS["constitution"])).early
    assert not decision_process(old, silently=False).early


@pytest.mark.parametrize("law", [{"covers": ["value"]}, {"covers": [], "decisions": True}])
@pytest.mark.parametrize("is_new", [True, False])
def test_what_silence_passes_is_changed_by_no_less_than_it_took_before(
    law: dict[str, Any], is_new: bool
) -> None:
    strict: dict[str, dict[str, Any]] = {"ordinary": {"trial_hours": 48}}
    none = from_map(document(**strict, lazy={"covers": []}))
    some = from_map(document(**strict, lazy=law))
    old, new = (none, some) if is_new else (some, none)
    assert ROWS["trial_hours"].is_asked(process_of(old, new))


FOUR = ("Jun", "Ana", "Bo", "Lin")
"""With Mei five members, and Bo and Lin are keepers."""


def decided(governance: dict[str, Any], said: dict[str, str], hours: int) -> str:
    """Return how a change of values with a comma in the charter stands, so long after it opened."""
    ruled = rules(roles={"keeper": SAID}, governance=governance)
    council = Council(ruled, *FOUR)
    for keeper in ("Bo", "Lin"):
        council.write(keeper, "role.claim", {"role": "keeper"})
    council.cut()
    proposal = council.patch("Jun", RIDERS["ordinary"] | RIDERS["constitution"])
    council.cut()
    for say, names in said.items():
        council.say(proposal, say, names)
    council.cut(hours)
    return council.status(proposal)


@pytest.mark.parametrize(
    ("strict", "said", "hours", "status"),
    [
        ({"threshold": "4/5"}, {"yes": "Mei Jun Ana"}, 25, "failed"),
        ({"quorum": "4/5"}, {"yes": "Mei Jun Ana"}, 25, "expired"),
        ({"period_hours": 72}, {"yes": "Mei Jun Ana"}, 25, "open"),
        ({"early": False}, {"yes": "Mei Jun Ana"}, 1, "open"),
        ({"blocks": 1}, {"yes": "Mei Jun Ana", "block": "Lin"}, 25, "failed"),
        ({"voters": "keeper"}, {"yes": "Mei Jun Ana"}, 25, "failed"),
        ({"voters": "keeper"}, {"yes": "Mei Jun Ana Bo Lin"}, 25, "in force"),
        ({"trial_hours": 48}, {"yes": "Mei Jun Ana"}, 25, "trial"),
    ],
)
@pytest.mark.parametrize("name", ["ordinary", "constitution"])
def test_a_comma_in_the_charter_takes_nothing_from_a_change_of_values(
    strict: dict[str, Any], said: dict[str, str], hours: int, status: str, name: str
) -> None:
    loose = {one: process(early=hours == 1) for one in CLASSES}
    assert decided(loose, said, hours) == "in force"
    assert decided(loose | {name: loose[name] | strict}, said, hours) == status


def test_each_electorate_is_satisfied_by_itself() -> None:
    ruled = {one: process() for one in CLASSES}
    ruled["ordinary"]["voters"] = "keeper"
    assert decided(ruled, {"yes": "Mei Jun Bo Lin"}, 25) == "in force"
    assert decided(ruled, {"yes": "Bo Lin"}, 25) == "failed", "enough keepers, too few members"
    assert decided(ruled, {"yes": "Mei Jun Ana Bo"}, 25) == "failed", "one keeper is half of them"


def test_an_objection_stops_what_silence_could_pass_beside_a_rider_unless_a_vote_is_asked_for() -> (
    None
):
    for asks, status in ((False, "failed"), (True, "in force")):
        ruled = document(lazy={"objections": 1})
        council = Council(ruled, *FOUR)
        rider = RIDERS["ordinary"] | RIDERS["constitution"]
        proposal = council.patch("Jun", rider, **({"vote": True} if asks else {}))
        council.cut()
        council.say(proposal, "yes", "Mei Jun Ana Bo")
        council.say(proposal, "no", "Lin")
        council.cut(25)
        assert council.status(proposal) == status


def lazily(objections: int, *names: str, **over: Any) -> Council:
    ruled = rules()
    ruled["governance"]["lazy"] = {
        "period_hours": 24,
        "objections": objections,
        "decisions": True,
        **SAID,
        **over,
    }
    return Council(ruled, *names)


@pytest.mark.parametrize(
    ("objections", "said", "status"),
    [
        (10, {"no": "Mei Jun Ana Bo"}, "failed"),
        (10, {"no": "Mei Jun Ana"}, "failed"),
        (10, {"no": "Mei Jun", "block": "Bo"}, "failed"),
        (10, {"no": "Mei Jun", "yes": "Ana Bo"}, "passed"),
        (3, {"no": "Mei Jun Ana"}, "failed"),
        (2, {"no": "Mei Jun"}, "failed"),
        (2, {"no": "Mei"}, "passed"),
    ],
)
def test_all_but_one_can_always_object(objections: int, said: dict[str, str], status: str) -> None:
    council = lazily(objections, "Jun", "Ana", "Bo")
    decision = council.decide("Mei")
    council.cut()
    for say, names in said.items():
        council.say(decision, say, names)
    council.cut(25)
    assert council.status(decision) == status


@pytest.mark.parametrize(
    ("leaving", "objecting", "status"),
    [
        ("", "Jun Ana", "passed"),
        ("", "Jun Ana Bo", "failed"),
        ("Lin", "Jun Ana", "passed"),
        ("Lin Bo", "Jun Ana", "failed"),
        ("Lin Bo", "Jun", "passed"),
        ("Lin Bo Ana", "Jun", "failed"),
        ("Lin Bo Ana Jun", "Mei", "failed"),
    ],
)
def test_who_is_left_can_object_when_a_community_shrinks(
    leaving: str, objecting: str, status: str
) -> None:
    council = lazily(3, *FOUR)
    decision = council.decide("Mei")
    council.cut()
    council.say(decision, "no", objecting)
    for name in leaving.split():
        council.write(name, "member.leave", {})
    council.cut(25)
    assert council.status(decision) == status


def test_silence_of_nobody_is_no_consent() -> None:
    council = lazily(1, "Jun")
    decision = council.decide("Jun")
    council.cut()
    council.pens["Bo"] = council.join("Bo")
    # The only witness hands the seat on before they leave.
    seated = [council.mei.key, *council.offer("Bo")]
    council.cut(present=seated)
    council.write("Mei", "role.resign", {"role": "witness"})
    council.cut(present=seated)
    council.write("Jun", "member.leave", {})
    council.write("Mei", "member.leave", {})
    council.cut(25)
    row = council.row(decision)
    assert (row.status, row.ballots[0].present) == ("expired", 0)


def test_all_but_one_can_always_block() -> None:
    ruled = rules()
    ruled["governance"]["ordinary"] = process(threshold="1/4", blocks=10)
    council = Council(ruled, "Jun", "Ana", "Bo")
    blocked, passed = council.decide("Mei"), council.decide("Jun")
    council.cut()
    for one in (blocked, passed):
        council.say(one, "yes", "Mei")
        council.say(one, "block", "Jun Ana")
    council.say(blocked, "block", "Bo")
    council.cut(25)
    assert [council.status(one) for one in (blocked, passed)] == ["failed", "passed"]


def test_how_many_stop_a_change_at_the_latest() -> None:
    assert [enough_to_stop(count) for count in (0, 1, 2, 3, 4, 100)] == [1, 1, 1, 2, 3, 99]
