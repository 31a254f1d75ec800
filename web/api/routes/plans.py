"""Recipes, and plans of what is to be done by when."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from commonweal.client.member import Member
from commonweal.web.api.calls import Body, Reader, SubjectRouter, Writes, WrittenRecordAnswer
from commonweal.web.api.cursors import Page
from commonweal.web.api.models import result_of, rows_of
from commonweal.web.api.parameters import Id, Name, NameText, NoteText, NumberText

router = SubjectRouter(tags=["plans"])


class RecipeDocument(Body):
    """A recipe (TOML)."""

    toml: NoteText


class PlanTerms(Body):
    """How much is made by which recipe, by its name or id; due: a day, a time, or 3d."""

    recipe: NameText
    quantity: NumberText
    unit: NameText | None = None
    due: NameText | None = None
    name: NameText | None = None


class Promise(Body):
    """How much of a part is promised: all that is left, where nothing is said."""

    quantity: NumberText | None = None
    unit: NameText | None = None


@router.reads("/recipes", rows_of("recipes", Member.recipes))
def recipes(me: Reader, page: Page) -> Any:
    """The recipes that hold, by name, as `weal recipe list`."""
    rows, rest = page.part(me.recipes(), lambda row: row.id)
    return {"recipes": rows, "next": rest}


@router.reads("/recipes/{recipe}", result_of(Member.recipe))
def recipe_of(me: Reader, recipe: Name) -> Any:
    """A recipe, step by step, as `weal recipe show`."""
    return me.recipe(recipe)


@router.writes("/recipes", result_of(Member.add_recipe))
def add_recipe(write: Writes, body: RecipeDocument) -> Response:
    """Add a recipe, as `weal recipe new`."""
    return write(lambda me: me.add_recipe(body.toml), body)


@router.reads("/plans", rows_of("plans", Member.plans))
def plans(me: Reader, page: Page, ended: bool = False) -> Any:
    """The plans, what is first due first, as `weal plan list`; ended: those too that ended."""
    rows, rest = page.part(me.plans(ended=ended), lambda row: row.id)
    return {"plans": rows, "next": rest}


@router.reads("/plans/{id}", result_of(Member.plan))
def plan_of(me: Reader, id: Id) -> Any:
    """A plan, part by part, as `weal plan show`."""
    return me.plan(id)


@router.writes("/plans", result_of(Member.plan_from))
def plan_from(write: Writes, body: PlanTerms) -> Response:
    """Plan to make so much by a recipe, as `weal plan from`."""
    return write(
        lambda me: me.plan_from(
            body.recipe, body.quantity, body.unit, due=body.due, name=body.name
        ),
        body,
    )


@router.writes("/plans/{id}/end", WrittenRecordAnswer)
def end_plan(write: Writes, id: Id) -> Response:
    """End a plan of this member, as `weal plan end`."""
    return write(lambda me: me.end_plan(id))


@router.writes("/plan-parts/{id}/promises", result_of(Member.take))
def take(write: Writes, id: Id, body: Promise) -> Response:
    """Promise to do a part of a plan, as `weal plan take`."""
    return write(lambda me: me.take(id, body.quantity, body.unit), body)
