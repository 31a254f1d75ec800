"""The ruleset document: what is wrong is said with its line; what is sound has one form."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator
from importlib import resources
from typing import Any

import pytest

from commonweal.protocol import codec
from commonweal.protocol.errors import BadRuleset, Malformed
from commonweal.protocol.ledger.governance.active_ruleset import rules_of
from commonweal.protocol.matching.market import Weights
from commonweal.protocol.rules.document import (
    DOCUMENT_BYTES_MAX,
    TEXT_CHARACTERS_MAX,
    check,
    from_bytes,
    from_map,
    read_toml,
)
from commonweal.protocol.rules.faults import Problem
from commonweal.protocol.rules.schema import REVIEW_HOURS_MAX
from commonweal.protocol.rules.sections.reviews import WithheldRule
from commonweal.protocol.rules.toml_positions import Path, places
from commonweal.protocol.vocabulary.currencies import DECIMALS
from commonweal.protocol.vocabulary.rule_params import (
    DEFAULT_PARAMS,
    DEFAULT_REVIEWS,
    HOUR_MS,
    MATCH_WEIGHTS,
    CreditRule,
)
from tests.second_reader.rules import scale_of

TEMPLATES = {
    one.name.removesuffix(".toml"): one.read_text("utf-8")
    for one in sorted(
        (resources.files("commonweal.protocol.rules") / "templates").iterdir(),
        key=lambda one: one.name,
    )
    if one.name.endswith(".toml")
}


BOTH = 'en = "So."\nzh = "如此。"\n'


def test_the_founding_document_is_a_whole_ruleset() -> None:
    ruleset = from_bytes(codec.encode({"name": "Lanxi"}))
    assert ruleset.name == "Lanxi"
    assert rules_of(ruleset) == DEFAULT_PARAMS
    assert list(ruleset.processes) == ["ordinary", "constitution", "membership"]
    assert ruleset.processes["constitution"].ballots[0].needed(6) == 4
    assert ruleset.pools == ()


def test_a_pool_has_the_decimals_of_its_currency_unless_the_rules_say_others() -> None:
    codes = {"EUR": 2, "CNY": 2, "hour": 2, "JPY": 0, "ISK": 0, "KWD": 3, "TND": 3, "CLF": 4}
    units = sorted({*codes, *DECIMALS})
    for unit in units:
        bucket = {"name": "a", "share": "100%", "en": "So.", "zh": "如此。"}
        table = {"unit": unit, "buckets": [bucket], "en": "So.", "zh": "如此。"}
        named = {"units": units, "en": "So.", "zh": "如此。"}
        document = {"name": "Lanxi", "contributions": named, "pools": {"income": table}}
        (pool,) = from_map(document).pools
        assert pool.scale == codes.get(unit, DECIMALS.get(unit)), unit
        assert scale_of(table) == pool.scale, "the second reader knows the same table"
        (pool,) = from_map({**document, "pools": {"income": {**table, "scale": 5}}}).pools
        assert pool.scale == scale_of({**table, "scale": 5}) == 5


def test_a_balance_has_the_limits_that_its_table_says_and_soft_ones_by_default() -> None:
    text = one_line("credit.hour", LIMITS)
    rule = CreditRule(2, -2, 5, -2, 5, -2)
    assert rules_of(read_toml(text)).credits == {"hour": rule}
    more = f"{LIMITS}{GROWS}grows_to = -9\nsoft_floor = -1\nsoft_ceiling = 4\nscale = 0"
    rule = CreditRule(0, -2, 5, -1, 4, -9)
    assert rules_of(read_toml(one_line("credit.hour", more))).credits == {"hour": rule}
    assert read_toml(one_line("credit.JPY", LIMITS)).credits["JPY"].scale == 0


def test_what_suggestions_count_is_said_key_by_key() -> None:
    rules = read_toml(one_line("match", "fairness = 0\nkept = 1000\nring_members = 4")).match
    assert rules.weights == {**MATCH_WEIGHTS, "fairness": 0, "kept": 1000}
    assert rules.ring_members == 4
    assert read_toml('name = "Lanxi"').match == (MATCH_WEIGHTS, 3)
    assert tuple(MATCH_WEIGHTS) == Weights._fields


def test_reviews_are_said_key_by_key() -> None:
    lines = "window_hours = 1\ngrace_hours = 8784\nwithheld_promise = 'nothing'"
    rules = read_toml(one_line("reviews", f"{lines}\nwithheld_stars = 'one'"))
    assert rules_of(rules).reviews == (HOUR_MS, REVIEW_HOURS_MAX * HOUR_MS)
    assert rules.withheld == WithheldRule(is_broken_promise=False, is_one_star=True)
    usual = read_toml('name = "Lanxi"')
    assert usual.reviews == DEFAULT_REVIEWS == (360 * HOUR_MS, 72 * HOUR_MS)
    assert usual.withheld == WithheldRule(is_broken_promise=True, is_one_star=False)


def test_equal_documents_have_one_id_however_they_are_written() -> None:
    one = read_toml(f'name = "Lanxi"\n[membership]\nvouches = 2\n{BOTH}')
    other = read_toml(
        'membership = { zh = "如此。", vouches = 2, en = "So." } # in one line\nname = "Lanxi"'
    )
    assert one.id == other.id
    assert one.to_bytes() == other.to_bytes()
    assert from_bytes(one.to_bytes()) == one
    assert one.id != read_toml('name = "Lanxi"').id


def test_the_bytes_that_name_a_ruleset_never_change() -> None:
    ruleset = read_toml('name = "Lanxi"')
    assert ruleset.to_bytes() == b"\x81\xa4name\xa5Lanxi"
    assert ruleset.id.hex() == "38a56ae4c5e35dec1f0e09f4b6230b3ec054312a717349b8ef635267ba2e005d"


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_is_sound_and_short(name: str) -> None:
    assert check(TEMPLATES[name]) == []
    ruleset = read_toml(TEMPLATES[name])
    assert from_bytes(ruleset.to_bytes()) == ruleset
    assert len(ruleset.to_bytes()) < 8_000
    assert "witness" in rules_of(ruleset).roles


def test_there_are_four_templates() -> None:
    assert list(TEMPLATES) == ["cooperative", "open-source", "time-bank", "value-network"]


HEAD = 'name = "x"\n'


def one_line(section: str, keys: str) -> str:
    return f"{HEAD}[{section}]\n{keys}\n{BOTH}"


LIMITS = "floor = -2\nceiling = 5\n"
GROWS = "grows = 'by_received'\n"
POOL = f'[pools.p]\nunit = "EUR"\n{BOTH}'


def bucket(keys: str, name: str = "b") -> str:
    return f'[[pools.p.buckets]]\nname = "{name}"\n{keys}\n{BOTH}'


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "needs a name"),
        ("name = 7", 1, "needs a name"),
        ("name = 'two\\nlines'\nx", 2, "no valid TOML"),
        ('name = "x"\nname = "y"', 2, "no valid TOML"),
        ("name = ", 1, "no valid TOML"),
        (HEAD + "[memberships]\n", 2, "'memberships'"),
        (one_line("membership", "vouchs = 2"), 3, "'vouchs'"),
        (one_line("membership", "vouches = -1"), 3, "whole number from 0"),
        (one_line("membership", "vouches = 1.5"), 3, "whole number"),
        (one_line("membership", "vouches = true"), 3, "whole number"),
        (one_line("membership", "vouches = 1979-05-27"), 3, "whole number"),
        (HEAD + "[membership]\nvouches = 2\n", 2, "no plain sentence in en"),
        (HEAD + "[membership]\nvouches = 2\nen = 'So.'\n", 2, "no plain sentence in zh"),
        (HEAD + "membership = 3", 2, "membership is a table"),
        (HEAD + "roles = 3", 2, "section of tables"),
        (one_line("roles.a", 'after = ["b"]'), 3, "no role 'b'"),
        (one_line("rounds.r", "points = 0"), 3, "from 1 to 1,000,000"),
        (one_line("rounds.r", "points = 1000001"), 3, "from 1 to 1,000,000"),
        (one_line("rounds.r", "open_hours = 721"), 3, "before this one is over"),
        (one_line("rounds.r", "every_hours = 100"), 2, "before this one is over"),
        (one_line("rounds.r", "givers = 'king'"), 3, "no role 'king'"),
        (one_line("rounds.r", "receivers = 'king'"), 3, "no role 'king'"),
        (one_line("exchange", "speaks_for_community = 'king'"), 3, "no role 'king'"),
        (one_line("exchange", "speaks_for_community = 'witness'"), 3, "agree in the name of"),
        (one_line("contributions", "keeper = 'consumer'"), 3, "move what is the community's"),
        (one_line("credit.hour", "floor = -1"), 2, "ceiling is missing"),
        (one_line("credit.hour", "floor = 1\nceiling = 2"), 3, "from -1,000,000,000 to 0"),
        (one_line("credit.hour", "floor = 0\nceiling = -1"), 4, "from 0 to 1,000,000,000"),
        (one_line("credit.hour", "floor = -1000000001\nceiling = 0"), 3, "to 0"),
        (one_line("credit.hour", "floor = 0\nceiling = 1000000001"), 4, "to 1,000,000,000"),
        (one_line("credit.hour", f"{LIMITS}soft_floor = -3"), 5, "floor is -2 and soft_floor"),
        (one_line("credit.hour", f"{LIMITS}soft_ceiling = 6"), 4, "and ceiling is 5"),
        (one_line("credit.hour", f"{LIMITS}grows = 'by_received'"), 5, "nothing says how far"),
        (one_line("credit.hour", f"{LIMITS}grows_to = -3"), 5, "it does not grow"),
        (one_line("credit.hour", f"{LIMITS}{GROWS}grows_to = -1"), 6, "which is less"),
        (one_line("credit.hour", f"{LIMITS}scale = 10"), 5, "from 0 to 9"),
        (one_line("credit.hours", LIMITS), 2, "no unit 'hours'"),
        (one_line("match", "kind = 1001"), 3, "from 0 to 1,000"),
        (one_line("match", "ring_members = 5"), 3, "from 2 to 4"),
        (one_line("match", "ring_members = 1"), 3, "from 2 to 4"),
        (one_line("match", "luck = 5"), 3, "luck"),
        (one_line("reviews", "window_hours = 0"), 3, "from 1 to 8,784"),
        (one_line("reviews", "grace_hours = 8785"), 3, "from 1 to 8,784"),
        (one_line("reviews", "withheld_stars = 'five'"), 3, "one of nothing, one"),
        (
            one_line("match", "\n".join(f"{name} = 0" for name in MATCH_WEIGHTS)),
            2,
            "nothing counts in suggestions",
        ),
        (HEAD + "".join(f"[credit.u{n}]\n{LIMITS}{BOTH}" for n in range(9)), 2, "8 are the most"),
        (HEAD + "".join(f"[rounds.r{n}]\n{BOTH}" for n in range(9)), 2, "8 are the most"),
        (HEAD + POOL + bucket("share = '1%'\nto = 'round'"), 9, "names none"),
        (HEAD + POOL + bucket("share = '1%'\nto = 'round'\nround = 'r'"), 10, "no round 'r'"),
        (HEAD + POOL + bucket("share = '1%'\nround = 'r'"), 9, "does not go to it"),
        (
            HEAD + POOL + bucket("share = '1%'\nto = 'round'\nround = 'r'\nrole = 'witness'"),
            11,
            "says who receives",
        ),
        (
            HEAD + POOL + bucket("share = '1%'\nto = 'round'\nround = 'r'\ndivide = 'equal'"),
            11,
            "for buckets of contributors",
        ),
        (one_line("roles.a", 'after = ["a"]'), 3, "comes back to itself"),
        (
            one_line("roles.a", 'after = ["b"]') + f'[roles.b]\nafter = ["a"]\n{BOTH}',
            3,
            "'a': its path comes back",
        ),
        (one_line("roles.a", "endorsements = 1001"), 3, "to 1,000"),
        (one_line('roles."a  b"', ""), 2, "no name"),
        (one_line("contributions", 'factors = ["labour", "labour"]'), 3, "each once"),
        (one_line("contributions", "factors = [1]"), 3, "lists texts"),
        (one_line("admit.a", ""), 2, "when is missing"),
        (one_line("admit.a", "when = 'event.effort'"), 3, "bool"),
        (one_line("admit.a", "when = 'event.efort > 1'"), 3, "efort"),
        (one_line("admit.a", "when = 'true'\nactions = ['wrk']"), 4, "'wrk'"),
        (one_line("value.wrk", "points = '1'"), 2, "no action 'wrk'"),
        (one_line("value.work", "points = 'true'"), 3, "int"),
        (one_line("value.work", "points = '1 +'"), 3, "points: the rule ends"),
        (one_line("value.work", "points = '" + "-" * 4097 + "1'"), 3, "4,096"),
        (one_line("value.work", f"points = '{'(' * 40}1{')' * 40}'"), 3, "points"),
        (HEAD + POOL, 2, "has no buckets"),
        (HEAD + "[pools.p]\n" + BOTH + bucket("share = '1%'"), 2, "unit is missing"),
        (HEAD + POOL.replace("EUR", "EURO") + bucket("share = '1%'"), 3, "no unit 'EURO'"),
        (HEAD + POOL + "buckets = 3\n", 6, "buckets are a list"),
        (HEAD + POOL + bucket(""), 6, "share is missing"),
        (HEAD + POOL + bucket("share = 50"), 8, "no portion"),
        (HEAD + POOL + bucket("share = 0.5"), 8, "no portion"),
        (HEAD + POOL + bucket("share = '101%'"), 8, "no portion"),
        (HEAD + POOL + bucket("share = '-1%'"), 8, "no portion"),
        (HEAD + POOL + bucket("share = '>1/2'"), 8, "'more than'"),
        (HEAD + POOL + bucket("share = '60%'") + bucket("share = '41%'", "c"), 6, "more than 100"),
        (HEAD + POOL + bucket("share = '1%'") + bucket("share = '1%'"), 12, "name of its own"),
        (HEAD + POOL + bucket("share = '1%'\nfactor = 'luck'"), 9, "no factor 'luck'"),
        (HEAD + POOL + bucket("share = '1%'\nrole = 'king'"), 9, "no role 'king'"),
        (HEAD + POOL + bucket("share = '1%'\nto = 'role'"), 9, "names none"),
        (
            HEAD + POOL + bucket("share = '1%'\nto = 'community'\nclaim = 'debt'"),
            10,
            "claim is for",
        ),
        (HEAD + POOL + bucket("share = '1%'\nclaim = 'debt'\ndivide = 'equal'"), 10, "is owed"),
        (HEAD + POOL + bucket("share = '1%'\npoints_in = 'whole'"), 9, "only where they are owed"),
        (HEAD + POOL + bucket("share = '1%'\nclaim = 'gift'"), 9, "one of once, debt, equity"),
        (HEAD + POOL + bucket("share = '1%'\nwhere = 'hours > 1'"), 9, "'hours'"),
        (HEAD + POOL + "commission = ['60%', '41%']\n" + bucket("share = '1%'"), 6, "the whole"),
        (HEAD + POOL + "commission = ['1%', '1%', '1%', '1%']\n", 6, "at most 3"),
        (HEAD + POOL + "commission_role = 'king'\n" + bucket("share = '1%'"), 6, "no role 'king'"),
        (HEAD + POOL + "scale = 10\n", 6, "from 0 to 9"),
        (one_line("governance.usual", ""), 2, "no class of change 'usual'"),
        (one_line("governance.ordinary", "threshold = '0%'"), 3, "nobody's yes"),
        (one_line("governance.ordinary", "threshold = '>100%'"), 3, "no portion"),
        (one_line("governance.constitution", "threshold = '49%'"), 3, "a minority"),
        (one_line("governance.ordinary", "voters = 'king'"), 3, "no role 'king'"),
        (one_line("governance.ordinary", "period_hours = 0\nearly = false"), 3, "as it begins"),
        (one_line("governance.ordinary", "objections = 1"), 3, "'objections'"),
        (one_line("governance.lazy", "covers = ['governance']"), 3, "'governance'"),
        (one_line("governance.lazy", "early = true"), 3, "silence"),
        (one_line("finality", "witnesses = 0"), 3, "from 1"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, line: int, words: str) -> None:
    problems = check(text)
    assert any(one.line == line and words in one.sentence for one in problems), problems
    with pytest.raises(BadRuleset) as raised:
        read_toml(text)
    assert (raised.value.line, raised.value.sentence) == (problems[0].line, problems[0].sentence)


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "#" * TEXT_CHARACTERS_MAX,
        "name = " + "[" * 100_000,
        "name = " + "9" * 10_000,
        HEAD + "a." * 20_000 + "b = 1",
        HEAD + "".join(f"[roles.r{number}]\n{BOTH}" for number in range(65)),
        HEAD + "".join(f"x{number} = 1\n" for number in range(9_000)),
        "[[" * 9_000,
        HEAD + "w" * 200_000,
        HEAD + '"a" . ' * 20_000 + "b = 1",
        HEAD + r'"\"".' * 20_000 + "b = 1",
        HEAD + "x = {" + "a ." * 20_000 + "b = 1}",
        HEAD + '"' * 200_000,
    ],
)
def test_a_hostile_text_is_refused_at_once(text: str) -> None:
    problems = check(text)
    assert 1 <= len(problems) <= 100


def test_a_document_of_too_many_bytes_is_refused() -> None:
    many = {f"r{number}": {"en": "x" * 2000, "zh": "象" * 2000} for number in range(64)}
    with pytest.raises(BadRuleset, match="more than"):
        from_map({"name": "x", "roles": many})
    with pytest.raises(Malformed, match="the most"):
        from_bytes(bytes(DOCUMENT_BYTES_MAX + 1))


@pytest.mark.parametrize("data", [b"", b"\x01", b"\x80", b"\x81\xa4name\xc0", b"\x93\x01\x02\x03"])
def test_bytes_that_are_no_ruleset_are_refused(data: bytes) -> None:
    with pytest.raises((Malformed, BadRuleset)):
        from_bytes(data)


def test_junk_in_place_of_any_value_is_a_fault_and_never_a_crash() -> None:
    rng = random.Random(5)
    junk: list[Any] = [None, -1, 2**63 - 1, "", "x" * 5000, [], [[]], {}, {"a": 1}, True, b"x"]
    for text in TEMPLATES.values():
        base = tomllib.loads(text)
        for path in leaves(base):
            broken = tomllib.loads(text)
            put(broken, path, rng.choice(junk))
            try:
                from_map(broken)
            except BadRuleset as error:
                assert error.sentence


def leaves(table: Any, path: Path = ()) -> Iterator[Path]:
    steps: Any = table.items() if isinstance(table, dict) else enumerate(table)
    for step, value in steps:
        yield (*path, step)
        if isinstance(value, dict | list):
            yield from leaves(value, (*path, step))


def put(table: Any, path: Path, value: Any) -> None:
    for step in path[:-1]:
        table = table[step]
    table[path[-1]] = value


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_key_of_a_template_has_a_place(name: str) -> None:
    text = TEMPLATES[name]
    known, lines = places(text), text.split("\n")
    for path in leaves(tomllib.loads(text)):
        if isinstance(path[-1], str):
            assert path[-1] in lines[known[path].line - 1]


def test_a_problem_reads_as_one_sentence() -> None:
    (problem,) = check(one_line("membership", "vouchs = 2"))
    assert problem == Problem(3, 1, "there is no 'vouchs' here", "did you mean 'vouches'?")
    assert str(problem) == "line 3, column 1: there is no 'vouchs' here; did you mean 'vouches'?"


def test_what_the_fold_asks_is_what_the_document_says() -> None:
    ruleset = read_toml(TEMPLATES["cooperative"])
    asked = rules_of(ruleset)
    assert (asked.membership.vouches, asked.attestations) == (2, 1)
    assert asked.roles["co-owner"].endorsements == 3
    assert asked.roles["co-owner"].after == ("promoter", "producer")
    assert [one.name for one in asked.admissions] == ["reasonable-hours"]
    assert ruleset.sentence("zh", "pools", "surplus", "buckets", 0) == "五分之一留给社群。"
