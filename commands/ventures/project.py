"""`weal project`: open a project, join it, ask for work and take it, and close it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from commonweal.client.language.plain import plain, plain_rows
from commonweal.client.language.quantity import shown_unit
from commonweal.client.language.times import shown
from commonweal.client.language.visible_text import visible
from commonweal.client.ledger.words.notes import ID_DIGITS
from commonweal.client.sharing.project_splits import SPLIT_WORDS
from commonweal.client.ventures.projects import rows
from commonweal.client.ventures.projects.projects import TASK_UNIT, Projects
from commonweal.client.ventures.projects.rows import ProjectDetails, ProjectTask
from commonweal.commands.terminal.language import _, spoken
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import Column, Form, say, write_json
from commonweal.commands.terminal.tables import confirm, table
from commonweal.protocol.ledger.ventures.projects.projects import EQUAL, SPLITS
from commonweal.storage.home.home import Home

FIELDS = (
    *("id", "name", "state", "cause", "split", "opener", "opener_name", "members", "tasks"),
    *("since", "closed", "end_ms", "closing", "mine", "final"),
)
TASK_FIELDS = (
    *("id", "title", "quantity", "left", "done", "unit", "asker", "asker_name", "due_ms"),
    *("for_community", "state"),
)


@click.group("project")
def project() -> None:
    """Undertake something together: a purpose, people, open work, and a pool of its own."""


@project.command("new")
@click.argument("name")
@click.option("--purpose", metavar="TEXT", required=True, help="What it is for; can be erased.")
@click.option("--split", type=click.Choice(SPLITS), default=EQUAL, help="Of what is left.")
@click.option("--until", metavar="DAY", help="It ends then by itself: 31.12., friday.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def new(
    name: str,
    purpose: str,
    split: str,
    until: str | None,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Open the project NAME: weal project new press --purpose "A press for all" --split points.

    NAME is a scope of its own: contributions and money with that scope are the project's. When it
    closes, what is left is shared in equal parts, by points, or stays with the community.
    """
    with part_of(Projects, home, passphrase_file) as me:
        made = me.open_project(name, purpose, split=split, until=until)
    return confirm(form, made, _("Opened, as {id}: {shown}. You are in it."), visible(made.name))


@project.command("list")
@click.option("--closed", is_flag=True, help="Those that have closed too.")
@home_option
@form_option()
def list_(closed: bool, home: Home, form: Form) -> None:
    """List the projects that are open."""
    with part_of(Projects, home) as me:
        listed, standing = me.projects(closed=closed), me.standing()
    shown_rows = plain_rows(listed)
    if form is Form.TEXT:
        for row, project in zip(shown_rows, listed, strict=True):
            row["stands"] = _(rows.PROJECT_STATES[project.state])
            row["ends"] = "" if project.end_ms is None else shown(project.end_ms)
    columns = [
        Column("id", _("id")),
        Column("name", _("project")),
        Column("members", _("members"), is_number=True),
        Column("tasks", _("open tasks"), is_number=True),
        Column("ends", _("ends")),
        Column("stands", _("state")),
    ]
    when_empty = _('No project is open. Open one: weal project new NAME --purpose "..."')
    return table(form, "projects", shown_rows, FIELDS, columns, standing, when_empty)


@project.command("show")
@click.argument("name")
@home_option
@form_option(Form.TEXT, Form.JSON)
def show(name: str, home: Home, form: Form) -> None:
    """Show the project NAME: its purpose, people, work, what was given, and its money."""
    with part_of(Projects, home) as me:
        known = me.project(name)
    if form is Form.JSON:
        return write_json(plain(known))
    for line in _lines(known):
        say(line)
    return None


@project.command("join")
@click.argument("name")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def join(name: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Be in the project NAME from now on."""
    with part_of(Projects, home, passphrase_file) as me:
        made = me.join_project(name)
    return confirm(form, made, _("You are in {shown}, by {id}."), visible(made.name))


@project.command("leave")
@click.argument("name")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def leave(name: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Be in the project NAME no longer; equal parts of what is left go to who is in it."""
    with part_of(Projects, home, passphrase_file) as me:
        made = me.leave_project(name)
    return confirm(form, made, _("You left {shown}, by {id}."), visible(made.name))


@project.command("task")
@click.argument("name")
@click.argument("what", required=False)
@click.argument("quantity", required=False)
@click.argument("unit", default=TASK_UNIT)
@click.option("--due", metavar="DAY", help="By when it is to be done: friday, 24.12.")
@passphrase_option
@home_option
@form_option()
def task(
    name: str,
    what: str | None,
    quantity: str | None,
    unit: str,
    due: str | None,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """List the open work of the project NAME; or ask for some: weal project task press "set" 5.

    Whoever takes it promises it: weal project take ID. With the project the tasks end that are open
    still; what was promised stands.
    """
    if what is None or quantity is None:
        with part_of(Projects, home) as me:
            known, standing = me.project(name), me.standing()
        return _tasks(form, known, standing)
    with part_of(Projects, home, passphrase_file) as me:
        made = me.add_task(name, what, quantity, unit, due=due)
    return confirm(form, made, _("Asked for, as {id}, for {shown}."), visible(made.name))


@project.command("take")
@click.argument("id")
@click.argument("quantity", required=False)
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def take(
    id: str, quantity: str | None, passphrase_file: Path | None, home: Home, form: Form
) -> None:
    """Promise the task whose id begins with ID, or QUANTITY of it; then weal record --fulfils."""
    with part_of(Projects, home, passphrase_file) as me:
        made = me.take_task(id, quantity)
    return confirm(form, made, _("Promised, as {id}, for {shown}."), visible(made.name))


@project.command("close")
@click.argument("name")
@click.option("--note", metavar="TEXT", help="Why; it is never erased.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def close(
    name: str, note: str | None, passphrase_file: Path | None, home: Home, form: Form
) -> None:
    """Propose that the project NAME closes: its members vote, and what is left is shared."""
    with part_of(Projects, home, passphrase_file) as me:
        made = me.close_project(name, note=note)
    text = _("Its members vote on closing {shown}: weal rules vote {id} yes")
    return confirm(form, made, text, visible(made.name))


@project.command("totals")
@home_option
@form_option()
def totals(home: Home, form: Form) -> None:
    """Show what came to the community, with the projects and without them."""
    with part_of(Projects, home) as me:
        listed, standing = plain_rows(me.project_totals()), me.standing()
    fields = ("unit", "came", "of_projects", "without")
    columns = [
        Column("unit", _("unit")),
        Column("came", _("in all"), is_number=True),
        Column("of_projects", _("for projects"), is_number=True),
        Column("without", _("without them"), is_number=True),
    ]
    return table(form, "totals", listed, fields, columns, standing, _("Nothing came in yet."))


def _tasks(form: Form, known: ProjectDetails, standing: str) -> None:
    shown_rows: list[dict[str, Any]] = plain_rows(known.work)
    if form is Form.TEXT:
        for row, task in zip(shown_rows, known.work, strict=True):
            row |= {"unit": shown_unit(task.unit, spoken()), "who": ", ".join(task.takers)}
            row["due"] = "" if task.due_ms is None else shown(task.due_ms)
    columns = [
        Column("id", _("id")),
        Column("title", _("work")),
        Column("left", _("remaining"), is_number=True),
        Column("unit", _("unit")),
        Column("due", _("due")),
        Column("who", _("taken by")),
    ]
    when_empty = _('No work is asked for. Ask for some: weal project task {name} "..." 5')
    empty = when_empty.format(name=visible(known.name))
    return table(form, "tasks", shown_rows, TASK_FIELDS, columns, standing, empty)


def _lines(known: ProjectDetails) -> list[str]:
    """Return a project as the terminal shows it."""
    stands = _(rows.PROJECT_STATES[known.state])
    if known.cause:
        stands = _("{one}; {other}").format(one=stands, other=_(rows.CAUSES[known.cause]))
    lines = [
        f"{visible(known.name)} ({known.id.hex()[:ID_DIGITS]}): {stands}",
        visible(known.purpose),
        _(SPLIT_WORDS[known.split]),
    ]
    if known.end_ms is not None:
        lines.append(_("it ends at the first seal from {time} on").format(time=shown(known.end_ms)))
    if known.closing is not None:
        text = _("its members vote on closing it: {id}")
        lines.append(text.format(id=known.closing.hex()[:ID_DIGITS]))
    names = ", ".join(visible(person.member_name) for person in known.people)
    lines.append(_("in it: {names}").format(names=names or "-"))
    lines += [_task_line(task) for task in known.work]
    for giver in known.given:
        text = spoken().plural(
            "{name} gave {n} contribution: {points:,} points",
            "{name} gave {n} contributions: {points:,} points",
            giver.contributions,
        )
        name = visible(giver.member_name)
        lines.append(text.format(name=name, n=giver.contributions, points=giver.points))
    for money in known.money:
        text = _("came in, less what left: {came} {unit}; left in its pool: {held} {unit}")
        unit = shown_unit(money.unit, spoken())
        lines.append(text.format(came=f"{money.came:f}", held=f"{money.held:f}", unit=unit))
        for bucket in money.buckets:
            for share in bucket.shares:
                line = _("{amount} {unit} of the rest went to {name}")
                name = visible(share.member_name)
                lines.append(line.format(amount=f"{share.amount:f}", unit=unit, name=name))
    return lines


def _task_line(work: ProjectTask) -> str:
    text = _("task {id}: {title}, {left} of {quantity} {unit} left")
    return text.format(
        id=work.id.hex()[:ID_DIGITS],
        title=visible(work.title),
        left=f"{work.left:f}",
        quantity=f"{work.quantity:f}",
        unit=shown_unit(work.unit, spoken()),
    )
