"""Recipes: by which steps something is made, written as a text and kept in the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonweal.client.access import HomeAccess, prefix, wish_of
from commonweal.client.home.files import read_text
from commonweal.client.language.quantity import exact
from commonweal.client.ledger.names.directory import begins
from commonweal.client.ledger.rows.contribution_rows import spec_name
from commonweal.client.plans.recipe_text import (
    TEXT_CHARACTERS_MAX,
    FlowText,
    Places,
    RecipeText,
    StepText,
    read_recipe,
)
from commonweal.client.plans.schedule import makers_of, span_ms
from commonweal.protocol.errors import BadRecipe
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.plans.flows import RecipeFlow
from commonweal.protocol.ledger.plans.recipes import (
    RECIPE,
    RECIPE_LOOK,
    RecipeProcessRow,
    RecipeRow,
    flows_of,
    recipe_process,
    recipe_row,
)
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.things import units_and_specs
from commonweal.protocol.ledger.things.quantities import UNIT
from commonweal.protocol.ledger.things.units_and_specs import SpecRow
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.rules.faults import Problem
from commonweal.protocol.vocabulary.identifiers import skeleton

if TYPE_CHECKING:
    from commonweal.client.ledger.drafts import Drafts
    from commonweal.client.ledger.ledger_view import LedgerView

RECIPE_BYTES_MAX = 4 * TEXT_CHARACTERS_MAX


@dataclass(frozen=True, slots=True)
class ListedRecipe:
    """A recipe: what it makes of the quantities of its steps, and how long that takes at least."""

    id: RecordId
    name: str
    makes: str
    quantity: Decimal
    unit: str
    steps: int
    takes_hours: Decimal
    member: MemberId
    member_name: str


@dataclass(frozen=True, slots=True)
class RecipeFlowState:
    """A flow of a step. side: "input" or "output". what: the name of a specification, if any."""

    side: str
    action: str
    what: str | None
    quantity: Decimal
    unit: str
    factor: str | None


@dataclass(frozen=True, slots=True)
class RecipeStep:
    """A step of a recipe. after: numbers, from 1, of the steps whose outputs it takes."""

    number: int
    name: str
    takes_hours: Decimal
    after: tuple[int, ...]
    flows: tuple[RecipeFlowState, ...]


@dataclass(frozen=True, slots=True)
class RecipeDetails(ListedRecipe):
    """A recipe, step by step. is_newest: no later recipe took its place."""

    is_newest: bool
    in_order: tuple[RecipeStep, ...]


@dataclass(frozen=True, slots=True)
class NewRecipe:
    """A recipe that was added. specified: names of things and steps that were new with it."""

    id: RecordId
    seq: int
    name: str
    specified: tuple[str, ...]


class Recipes(HomeAccess):
    """Recipes, and how they are added."""

    def recipes(self) -> list[ListedRecipe]:
        """Return the recipes that hold, by name."""
        view = self.view
        ids = [RecordId(id) for _key, id in view.state.items(RECIPE_LOOK)]
        return sorted((_listed(view, id) for id in ids), key=lambda row: (row.name, row.id))

    def recipe(self, recipe: str | bytes) -> RecipeDetails:
        """Return a recipe by its name, its id, or how that begins. Raises UnknownId, AmbiguousId.

        A name is that of the recipe that holds by it; an id may also be of an earlier one.
        """
        view, id = self.view, recipe_id(self.view, recipe)
        row = _known(view, id)
        steps = steps_of(view, row)
        makers = makers_of(steps)
        in_order = tuple(
            RecipeStep(
                number=number + 1,
                name=spec_name(view, step.spec) or "",
                takes_hours=_hours(step.duration_ms),
                after=tuple(maker + 1 for maker in makers[number]),
                flows=(
                    *(_flow(view, "input", flow) for flow in flows_of(step.inputs)),
                    *(_flow(view, "output", flow) for flow in flows_of(step.outputs)),
                ),
            )
            for number, step in enumerate(steps)
        )
        listed = _listed(view, id)
        newest = view.state.get(RECIPE_LOOK + skeleton(row.name).encode())
        fields = {name: getattr(listed, name) for name in ListedRecipe.__slots__}
        return RecipeDetails(**fields, is_newest=newest == id, in_order=in_order)

    def check_recipe(self, text: str) -> list[Problem]:
        """Return what is wrong with the text of a recipe, by line; none when it can be added."""
        return self._read(text)[1]

    def add_recipe(self, text: str) -> NewRecipe:
        """Add a recipe, with the specifications that it names and that are not there yet.

        All of it is written, or nothing. Raises BadRecipe for the first of `check_recipe`,
        WouldNotCount.
        """
        recipe, problems = self._read(text)
        if problems or recipe is None:
            raise BadRecipe(str(problems[0]))
        view, drafts = self.view, self.view.drafts()
        specs = _Specifications(view, drafts, recipe)
        steps = [drafts.add(wish_of("recipe.process", specs.step(step))) for step in recipe.steps]
        data = {
            "name": recipe.name,
            "resourceConformsTo": bytes(specs.things[skeleton(recipe.makes)]),
            "resourceQuantity": recipe.quantity,
            "processes": [bytes(step) for step in steps],
        }
        drafts.add(wish_of("recipe", data))
        *_, written = self._write_drafts(drafts)
        return NewRecipe(written.id, written.seq, recipe.name, tuple(specs.added))

    def recipe_file(self, path: Path) -> str:
        """Return the text of a file that may hold a recipe. Raises UnreadableFile."""
        return read_text(path, RECIPE_BYTES_MAX, self.words).replace("\r\n", "\n")

    def _read(self, text: str) -> tuple[RecipeText | None, list[Problem]]:
        recipe, problems, known = read_recipe(text, self.words)
        if recipe is not None and known is not None:
            problems = _problems(self.view, recipe, known)
        return recipe, problems


class _Specifications:
    """The specifications that a recipe names: those that are here, and those that it adds.

    things, steps: the id of each, or its stand-in, by skeleton. added: the names of the new ones.
    """

    def __init__(self, view: LedgerView, drafts: Drafts, recipe: RecipeText) -> None:
        self.things: dict[str, RecordId] = {}
        self.steps: dict[str, RecordId] = {}
        self.added: list[str] = []
        units = _units(recipe)
        for name, more in units.items():
            self.things[skeleton(name)] = self._of(view, drafts, "spec.resource", name, more)
        for step in recipe.steps:
            if skeleton(step.name) not in self.steps:
                self.steps[skeleton(step.name)] = self._of(
                    view, drafts, "spec.process", step.name, {}
                )

    def step(self, step: StepText) -> dict[str, Any]:
        """Return the data of a step of recipes."""
        return {
            "basedOn": bytes(self.steps[skeleton(step.name)]),
            "hasDuration": step.duration_ms,
            "inputs": [self._flow(flow) for flow in step.inputs],
            "outputs": [self._flow(flow) for flow in step.outputs],
        }

    def _flow(self, flow: FlowText) -> dict[str, Any]:
        data: dict[str, Any] = {"action": flow.action, flow.key: flow.quantity}
        if flow.what is not None:
            data["resourceConformsTo"] = bytes(self.things[skeleton(flow.what)])
        if flow.factor is not None:
            data["factor"] = flow.factor
        return data

    def _of(
        self, view: LedgerView, drafts: Drafts, kind: str, name: str, more: dict[str, str]
    ) -> RecordId:
        known = spec_id(view, kind, name)
        if known is not None:
            return known
        self.added.append(name)
        return drafts.add(wish_of(kind, {"name": name, **more}))


def spec_id(view: LedgerView, kind: str, name: str) -> RecordId | None:
    """Return the specification whose name is, or looks like, `name`; None when there is none.

    kind: spec.resource or spec.process.
    """
    sort = b"r" if kind == "spec.resource" else b"p"
    id = view.state.get(units_and_specs.SPEC_LOOK + sort + skeleton(name).encode())
    return None if id is None else RecordId(id)


def recipe_id(view: LedgerView, recipe: str | bytes) -> RecordId:
    """Return the recipe of a name, an id, or how that begins. Raises UnknownId, AmbiguousId."""
    if isinstance(recipe, str):
        named = view.state.get(RECIPE_LOOK + skeleton(recipe.strip()).encode())
        if named is not None:
            return RecordId(named)
    ids = (RecordId(key[len(RECIPE) :]) for key, _ in view.state.items(RECIPE))
    return begins(ids, prefix(recipe))


def steps_of(view: LedgerView, row: RecipeRow) -> list[RecipeProcessRow]:
    """Return the steps of a recipe, in order."""
    steps = [recipe_process(view.state, id) for id in row.processes]
    return [step for step in steps if step is not None]


def _known(view: LedgerView, id: RecordId) -> RecipeRow:
    row = recipe_row(view.state, id)
    assert row is not None, "it is a recipe"
    return row


def _listed(view: LedgerView, id: RecordId) -> ListedRecipe:
    row = _known(view, id)
    n, scale, unit = row.quantity
    steps = steps_of(view, row)
    return ListedRecipe(
        id=id,
        name=row.name,
        makes=spec_name(view, row.spec) or "",
        quantity=exact(n, scale),
        unit=unit,
        steps=len(steps),
        takes_hours=_hours(span_ms(steps)),
        member=MemberId(row.member),
        member_name=view.name(row.member),
    )


def _flow(view: LedgerView, side: str, flow: RecipeFlow) -> RecipeFlowState:
    n, scale, unit = flow.quantity
    what = spec_name(view, flow.spec)
    return RecipeFlowState(side, flow.action, what, exact(n, scale), unit, flow.factor)


def _hours(duration_ms: int) -> Decimal:
    """Return a duration in hours; a minute is the shortest that is written."""
    hours = Decimal(duration_ms // 60_000) / 60
    return hours.quantize(Decimal("0.01")).normalize() + 0


def _units(recipe: RecipeText) -> dict[str, dict[str, str]]:
    """Return the units in which a recipe counts each thing, as a specification has them."""
    units: dict[str, dict[str, str]] = {}
    looks: dict[str, str] = {}
    counted = [(recipe.makes, "unit", recipe.quantity["unit"])]
    for flow in recipe.flows:
        if flow.what is not None:
            key = "effortUnit" if flow.key == "effortQuantity" else "unit"
            counted.append((flow.what, key, flow.quantity["unit"]))
    for name, key, unit in counted:
        known = looks.setdefault(skeleton(name), name)
        units.setdefault(known, {}).setdefault(key, unit)
    return units


def _problems(view: LedgerView, recipe: RecipeText, known: Places) -> list[Problem]:
    """Return what of a recipe does not fit the ledger, or its other parts, by line."""
    problems = [*_unit_problems(view, recipe, known), *_order_problems(view, recipe, known)]
    look = view.state.get(RECIPE_LOOK + skeleton(recipe.name).encode())
    if look is not None and _known(view, RecordId(look)).member != view.me:
        other = view.words("{name} has a recipe of this name; choose another")
        name = view.name(_known(view, RecordId(look)).member)
        problems.append(known.problem(("name",), other.format(name=name)))
    return sorted(problems, key=lambda problem: (problem.line, problem.column))


def _unit_problems(view: LedgerView, recipe: RecipeText, known: Places) -> list[Problem]:
    words, rules = view.words, view.kept.rules
    problems: list[Problem] = []
    counted = [((), recipe.makes, "resourceQuantity", recipe.quantity)]
    counted += [(flow.path, flow.what, flow.key, flow.quantity) for flow in recipe.flows]  # type: ignore[misc]
    units = _units(recipe)
    by_look = {skeleton(name): more for name, more in units.items()}
    for path, what, key, quantity in counted:
        unit = quantity["unit"]
        if unit not in rules.units and view.state.get(UNIT + unit.encode()) is None:
            sentence = words("nothing is counted in {unit} here").format(unit=unit)
            hint = words("add it with: weal unit new {unit}").format(unit=unit)
            problems.append(known.problem((*path, "quantity"), sentence, hint))
            continue
        if what is None:
            continue
        field = "effortUnit" if key == "effortQuantity" else "unit"
        wanted = _counted_in(view, what, field) or by_look[skeleton(what)][field]
        if unit != wanted:
            sentence = words("{what} is counted in {unit}").format(what=what, unit=wanted)
            problems.append(known.problem((*path, "quantity"), sentence))
    for flow in recipe.flows:
        if flow.factor is not None and flow.factor not in rules.factors:
            sentence = words(Reason.UNKNOWN_FACTOR.value)
            listed = ", ".join(rules.factors)
            problems.append(known.problem((*flow.path, "factor"), sentence, listed))
    return problems


def _counted_in(view: LedgerView, what: str, field: str) -> str | None:
    """Return the unit that a specification asks for; None where there is none, or it asks none."""
    id = spec_id(view, "spec.resource", what)
    if id is None:
        return None
    row = SpecRow(*view.state.get(units_and_specs.SPEC + id))
    return row.effort_unit if field == "effortUnit" else row.unit


def _order_problems(view: LedgerView, recipe: RecipeText, known: Places) -> list[Problem]:
    """Return what only a later step makes, and whether any makes what the recipe is for."""
    words, problems = view.words, []
    made_at: dict[str, list[int]] = {}
    for number, step in enumerate(recipe.steps):
        for flow in step.outputs:
            if flow.what is not None:
                made_at.setdefault(skeleton(flow.what), []).append(number)
    for number, step in enumerate(recipe.steps):
        for flow in step.inputs:
            makers = made_at.get(skeleton(flow.what), []) if flow.what is not None else []
            if makers and min(makers) > number:
                later = recipe.steps[min(makers)].name
                sentence = words("{what} is made by a later step, {step}")
                hint = words("write the steps in the order in which they are done")
                sentence = sentence.format(what=flow.what, step=later)
                problems.append(known.problem((*flow.path, "what"), sentence, hint))
    if skeleton(recipe.makes) not in made_at:
        sentence = words("no step makes {what}").format(what=recipe.makes)
        problems.append(known.problem(("makes",), sentence))
    return problems
