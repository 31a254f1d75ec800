"""The options that imports share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from commonweal.client.sheets.date_format import ORDERS
from commonweal.client.sheets.number_format import DECIMALS

HEADING_LINE_MAX = 1_000

C = TypeVar("C", bound=Callable[..., Any])

dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Show what it would come to, and write nothing."
)
yes_option = click.option("--yes", is_flag=True, help="Do not ask whether what is shown is right.")

_SHEET = (
    click.argument("file", type=click.Path(dir_okay=False, path_type=Path)),
    click.option("--map", "mapping", metavar="MAPPING", help="Which column says what."),
    click.option("--encoding", metavar="NAME", help="How its bytes are read, like windows-1252."),
    click.option("--decimal", type=click.Choice(DECIMALS), help="The mark before a fraction."),
    click.option("--dates", type=click.Choice(ORDERS), help="The order of year, month and day."),
    click.option(
        "--heading",
        "heading_line",
        type=click.IntRange(1, HEADING_LINE_MAX),
        default=1,
        metavar="LINE",
        help="The line of the headings; what stands above it is left out.",
    ),
    dry_run_option,
    yes_option,
)


def sheet_options(command: C) -> C:
    """Give a command a sheet and how it is read, as FILE and its options."""
    for add in reversed(_SHEET):
        command = add(command)
    return command
