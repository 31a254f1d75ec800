"""Recipes as people write them: a TOML text, with what is wrong in it by line and column.

Only the text is read here. Whether its units, factors and names fit the ledger is `recipes`'.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from commonweal.client.language.quantity import (
    ACTIONS,
    quantity_field,
    read_action,
    read_quantity,
)
from commonweal.client.language.times import read_duration_ms
from commonweal.client.language.words import Words
from commonweal.protocol.errors import CommonwealError
from commonweal.protocol.ledger.plans.flows import is_on_side
from commonweal.protocol.ledger.plans.recipes import DURATION_MS_MAX, FLOWS_MAX, STEPS_MAX
from commonweal.protocol.rules.document import LONG_KEY
from commonweal.protocol.rules.expression.position import Position
from commonweal.protocol.rules.faults import Problem
from commonweal.protocol.rules.toml_positions import Path, nearest, places
from commonweal.protocol.vocabulary import actions
from commonweal.protocol.vocabulary.identifiers import displayed_name, is_name

TEXT_CHARACTERS_MAX = 64 * 1024
PROBLEMS_MAX = 100

_EXAMPLE = """\
# A recipe: what goes in, who does what, and what comes out.
# Change it, and add it to the ledger with:  weal recipe new bread.toml

name = "Bread"
makes = "bread"
quantity = "9 kg"       # for the quantities below; others follow from it

[[steps]]
name = "knead"
duration = "2h"         # 30m, 2h, 3d, 1w; without it the step takes no time
inputs = [
    { action = "consume", what = "flour", quantity = "6 kg" },
    { action = "work", quantity = "1 hour" },
]
outputs = [
    { action = "produce", what = "dough", quantity = "10 kg" },
]

[[steps]]
name = "bake"
duration = "3h"
inputs = [
    { action = "consume", what = "dough", quantity = "10 kg" },
    { action = "use", what = "oven", quantity = "2 hours" },
    { action = "work", quantity = "2 hours", factor = "knowledge" },
]
outputs = [
    { action = "produce", what = "bread", quantity = "9 kg" },
]
"""
_EXAMPLE_ZH = """\
# 配方：投入什么，谁来做，产出什么。
# 改成您自己的，再用这条命令入账：weal recipe new bread.toml

name = "面包"
makes = "面包"
quantity = "9 公斤"     # 以下各数量所对应的产出；要做更多时按比例放大

[[steps]]
name = "揉面"
duration = "2h"         # 30m、2h、3d、1w；不写则不占时间
inputs = [
    { action = "消耗", what = "面粉", quantity = "6 公斤" },
    { action = "工作", quantity = "1 小时" },
]
outputs = [
    { action = "生产", what = "面团", quantity = "10 公斤" },
]

[[steps]]
name = "烘烤"
duration = "3h"
inputs = [
    { action = "消耗", what = "面团", quantity = "10 公斤" },
    { action = "使用", what = "烤炉", quantity = "2 小时" },
    { action = "工作", quantity = "2 小时", factor = "knowledge" },
]
outputs = [
    { action = "生产", what = "面包", quantity = "9 公斤" },
]
"""
EXAMPLES = {"en": _EXAMPLE, "zh": _EXAMPLE_ZH}
"""What `weal recipe new --example` prints, by language."""

_TOP = ("name", "makes", "quantity", "steps")
_STEP = ("name", "duration", "inputs", "outputs")
_FLOW = ("action", "what", "quantity", "factor")
_SIDES = {"inputs": "input", "outputs": "output"}
_QUANTITY = re.compile(r"\s*(\S+)\s+(\S.*?)\s*")


@dataclass(frozen=True, slots=True)
class FlowText:
    """A flow of a step. quantity: {"n", "scale", "unit"}. what: the name of a specification."""

    path: Path
    action: str
    what: str | None
    quantity: dict[str, Any]
    factor: str | None

    @property
    def key(self) -> str:
        """The field of a record that holds the quantity."""
        return quantity_field(self.action, self.quantity["unit"])


@dataclass(frozen=True, slots=True)
class StepText:
    """A step: the name of its process specification, how long it takes, its flows."""

    path: Path
    name: str
    duration_ms: int
    inputs: tuple[FlowText, ...]
    outputs: tuple[FlowText, ...]


@dataclass(frozen=True, slots=True)
class RecipeText:
    """A recipe that can be read. makes: the name of a specification, and how much of it."""

    name: str
    makes: str
    quantity: dict[str, Any]
    steps: tuple[StepText, ...]

    @property
    def flows(self) -> list[FlowText]:
        """Return the flows of all steps."""
        return [flow for step in self.steps for flow in (*step.inputs, *step.outputs)]


class Places:
    """Where each key of a text stands, so that a problem can name its line."""

    def __init__(self, text: str, words: Words) -> None:
        self.words, self._known = words, places(text)

    def problem(self, path: Path, sentence: str, hint: str = "") -> Problem:
        """Return what is wrong at a path; a step or flow of it is named in the sentence."""
        position = nearest(self._known, path)
        match path:
            case ("steps", int(step), ("inputs" | "outputs") as side, int(number), *_):
                side_words = self.words("input") if side == "inputs" else self.words("output")
                where = self.words("step {step}, {side} {number}: ").format(
                    step=step + 1, side=side_words, number=number + 1
                )
            case ("steps", int(step), *_):
                where = self.words("step {step}: ").format(step=step + 1)
            case _:
                where = ""
        return Problem(*position, where + sentence, hint)


class Reading(NamedTuple):
    """A text that was read: the recipe, or what is wrong; and where everything stands."""

    recipe: RecipeText | None
    problems: list[Problem]
    places: Places | None


def read_recipe(text: str, words: Words) -> Reading:
    """Return the recipe in a text, or what is wrong with it."""
    broken = _broken(text, words)
    if isinstance(broken, Problem):
        return Reading(None, [broken], None)
    reader = _Reader(Places(text, words))
    recipe = reader.recipe(broken)
    return Reading(recipe, reader.sorted(), reader.places)


def _broken(text: str, words: Words) -> dict[str, Any] | Problem:
    """Return the document of a text, or why it is no TOML."""
    if len(text) > TEXT_CHARACTERS_MAX:
        sentence = words("a recipe has at most {most} characters")
        return Problem(1, 1, sentence.format(most=TEXT_CHARACTERS_MAX), "")
    if long := LONG_KEY.search(text):
        line = text.count("\n", 0, long.start()) + 1
        return Problem(line, 1, words("a key with too many dots"), "")
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        place = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        position = Position(int(place[1]), int(place[2])) if place else Position(1, 1)
        sentence = words("this is no TOML")
        return Problem(*position, sentence, str(error).split(" (at ")[0])


class _Reader:
    """Reads a document, and keeps what is wrong."""

    def __init__(self, places: Places) -> None:
        self.places, self.words = places, places.words
        self.problems: list[Problem] = []

    def recipe(self, document: dict[str, Any]) -> RecipeText | None:
        self._check_keys((), document, _TOP)
        name = self._name((), document, "name")
        makes = self._name((), document, "makes")
        quantity = self._quantity((), document)
        steps = self._list(("steps",), document.get("steps"), STEPS_MAX, least=1)
        read = tuple(self._step(("steps", number), step) for number, step in enumerate(steps))
        if self.problems or name is None or makes is None or quantity is None:
            return None
        return RecipeText(name, makes, quantity, read)

    def sorted(self) -> list[Problem]:
        """Return what is wrong, by line."""
        listed = self.problems[:PROBLEMS_MAX]
        return sorted(listed, key=lambda problem: (problem.line, problem.column))

    def _step(self, path: Path, step: dict[str, Any]) -> StepText:
        self._check_keys(path, step, _STEP)
        name = self._name(path, step, "name")
        sides = [
            tuple(
                self._flow((*path, key, number), flow, side)
                for number, flow in enumerate(
                    self._list((*path, key), step.get(key, []), FLOWS_MAX)
                )
            )
            for key, side in _SIDES.items()
        ]
        if not 1 <= sum(map(len, sides)) <= FLOWS_MAX:
            text = self.words("a step has 1 to {most} inputs and outputs together")
            self._add(path, text.format(most=FLOWS_MAX))
        return StepText(path, name or "", self._duration(path, step), *sides)

    def _flow(self, path: Path, flow: dict[str, Any], side: str) -> FlowText:
        self._check_keys(path, flow, _FLOW)
        action = self._action(path, flow, side)
        what = self._name(path, flow, "what") if "what" in flow else None
        factor = self._name(path, flow, "factor") if "factor" in flow else None
        quantity = self._quantity(path, flow) or {"n": 1, "scale": 0, "unit": "one"}
        read = FlowText(path, action, what, quantity, factor)
        is_work = actions.ACTIONS[action].quantity == "effort"
        if is_work and read.key != "effortQuantity" and "quantity" in flow:
            text = self.words("{action} is counted in time, not in {unit}")
            text = text.format(action=action, unit=quantity["unit"])
            self._add((*path, "quantity"), text, self.words('write quantity = "2 hours"'))
        return read

    def _action(self, path: Path, flow: dict[str, Any], side: str) -> str:
        fitting = [name for name in ACTIONS if is_on_side(actions.ACTIONS[name], side)]
        hint = ", ".join(fitting)
        text = self._text(path, flow, "action", hint)
        if text is None:
            return fitting[0]
        try:
            action = read_action(text, self.words)
        except CommonwealError as error:
            self._add((*path, "action"), self._sentence(error), hint)
            return fitting[0]
        if action not in fitting:
            side_words = self.words("input") if side == "input" else self.words("output")
            wrong = self.words("{action} is no {side} of a step")
            self._add((*path, "action"), wrong.format(action=action, side=side_words), hint)
            return fitting[0]
        return action

    def _quantity(self, path: Path, table: dict[str, Any]) -> dict[str, Any] | None:
        hint = self.words('write quantity = "2.5 kg"')
        text = self._text(path, table, "quantity", hint)
        if text is None:
            return None
        parts = _QUANTITY.fullmatch(text)
        if parts is None:
            sentence = self.words("{text}: a quantity is a number and a unit")
            self._add((*path, "quantity"), sentence.format(text=text), hint)
            return None
        try:
            quantity: dict[str, Any] = dict(read_quantity(parts[1], parts[2], self.words))
        except CommonwealError as error:
            self._add((*path, "quantity"), self._sentence(error), hint)
            return None
        if not quantity["n"]:
            self._add((*path, "quantity"), self.words("a quantity is more than nothing"), hint)
            return None
        return quantity

    def _duration(self, path: Path, step: dict[str, Any]) -> int:
        if "duration" not in step:
            return 0
        hint = self.words("write 30m, 2h, 3d or 1w")
        text = self._text(path, step, "duration", hint)
        if text is None:
            return 0
        try:
            duration_ms = read_duration_ms(text)
        except CommonwealError as error:
            self._add((*path, "duration"), self._sentence(error), hint)
            return 0
        if duration_ms > DURATION_MS_MAX:
            self._add((*path, "duration"), self.words("a step takes ten years at most"))
        return duration_ms

    def _name(self, path: Path, table: dict[str, Any], key: str) -> str | None:
        text = self._text(path, table, key, f'{key} = "..."')
        if text is None:
            return None
        name = displayed_name(text)
        if is_name(name):
            return name
        self._add((*path, key), self.words("a name has 1 to 64 characters, all visible"))
        return None

    def _text(self, path: Path, table: dict[str, Any], key: str, hint: str) -> str | None:
        if key not in table:
            self._add(path, self.words("{key} is missing").format(key=key), hint)
            return None
        value = table[key]
        if type(value) is str:
            return value
        self._add((*path, key), self.words("{key} is a text in quotes").format(key=key), hint)
        return None

    def _list(self, path: Path, value: Any, most: int, least: int = 0) -> list[dict[str, Any]]:
        is_tables = type(value) is list and all(type(part) is dict for part in value)
        if is_tables and least <= len(value) <= most:
            return list(value)
        key = str(path[-1])
        sentence = self.words("{key} is a list of {least} to {most} tables")
        sentence = sentence.format(key=key, least=least, most=most)
        self._add(path, sentence, "[[steps]]" if key == "steps" else f"{key} = [ {{ ... }} ]")
        return []

    def _check_keys(self, path: Path, table: dict[str, Any], known: Iterable[str]) -> None:
        for key in table:
            if key in known:
                continue
            near = difflib.get_close_matches(key, known, n=1)
            listed = ", ".join(known)
            nearest_words = self.words("did you mean {key}?").format(key=near[0]) if near else ""
            sentence = self.words("{key} is not known here").format(key=key[:80])
            self._add((*path, key), sentence, nearest_words or listed)

    def _sentence(self, error: CommonwealError) -> str:
        return str(error) or self.words.error(error)

    def _add(self, path: Path, sentence: str, hint: str = "") -> None:
        self.problems.append(self.places.problem(path, sentence, hint))
