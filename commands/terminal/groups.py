"""A group of commands of which one is meant where none is named."""

from __future__ import annotations

import click


class GroupWithDefault(click.Group):
    """Commands of one subject; `weal offer bread 2 kg` is `weal offer new bread 2 kg`.

    What is typed after the group is the name of a command, or the first word of the default one.
    """

    default = "new"

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [self.default, *args]
        return super().resolve_command(ctx, args)


OPTIONS_FIRST = {"ignore_unknown_options": True}
"""Settings of such a group: an option of the default command may be typed before its words."""
