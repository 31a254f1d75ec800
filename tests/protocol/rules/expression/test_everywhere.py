"""One corpus of rules gives one digest: in every process and on every supported Python."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from random import Random

from commonweal.protocol.errors import (
    DivisionByZero,
    OutOfFuel,
    RuleError,
    RuleOverflow,
    RuleSyntaxError,
    RuleTypeError,
)
from commonweal.protocol.rules.expression import Value, check, evaluate
from tests.protocol.rules.expression.expressions import ENV, as_rule, generated

RULES = 1_000
PROCESSES = 8
DIGEST = "aad8589459a6282b054905eb96f40e8f"
"""Over `answers()`; it changes only with the language or the corpus, never with a machine."""

SCRAPS = (
    *("a", "b", "p", "k", "xs", "ks", "c", "-", "!", "!!", "+", "*", "/", "%", "<", "==", "&&"),
    *("||", "?", ":", "(", ")", "[", "]", ",", ".map(x,", ".sum(x,", "x", "min(", "muldiv(", "in"),
    *("0", "12", "1.5", "'工'", '"', "=", "now()", ".amount", "\n", "true", "null", "// why\n"),
)


def answers() -> str:
    """Each rule of a generated corpus with its value, or with its error in full.

    Of three rules one is well typed over small numbers, one over numbers near the end of
    128 bits, and one is scraps.
    """
    chance = Random(3)
    lines = []
    for index in range(RULES):
        source = as_rule(generated(chance, ("int", "bool", "ints")[chance.randrange(3)], 3))
        if index % 3 == 2:
            source = " ".join(chance.choice(SCRAPS) for _ in range(chance.randrange(1, 9)))
        wide = 2**127 if index % 3 == 1 else 9
        values: dict[str, Value] = {
            "a": chance.randrange(-wide, wide),
            "b": chance.randrange(-wide, wide),
            "p": chance.randrange(2) == 0,
            "k": chance.choice(["work", "工作", ""]),
            "xs": [chance.randrange(-9, 9) for _ in range(chance.randrange(30))],
            "ks": ["work", "x"],
        }
        lines.append(f"{source!a}: {_answer(source, values)!a}")
    return "\n".join(lines)


def _answer(source: str, values: dict[str, Value]) -> object:
    try:
        return evaluate(check(source, ENV), values, fuel=200)
    except RuleError as error:
        return f"{type(error).__name__}: {error}"


def digest() -> str:
    """The digest of all answers."""
    return hashlib.blake2b(answers().encode(), digest_size=16).hexdigest()


def test_every_process_and_every_python_gives_the_same_answers() -> None:
    """The digest covers values, errors, places and hints alike."""
    root = Path(__file__).parents[4]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", f"from {__name__} import digest; print(digest())"],
            cwd=root,
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in range(PROCESSES)
    ]
    found = [process.communicate(timeout=60)[0].strip() for process in running]
    assert found == [DIGEST] * PROCESSES


def test_the_corpus_meets_every_outcome() -> None:
    lines = answers().split("\n")
    errors = (DivisionByZero, OutOfFuel, RuleOverflow, RuleSyntaxError, RuleTypeError)
    for error in errors:
        assert sum(f"{error.__name__}: line " in line for line in lines) >= 5, error
    assert sum(": line " not in line for line in lines) >= RULES // 3
