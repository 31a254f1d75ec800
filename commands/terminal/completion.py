"""Completion in the shell: which parameter of a command names what, and `weal completion`."""

from __future__ import annotations

from collections.abc import Callable

import click
from click.shell_completion import CompletionItem, get_completion_class

from commonweal.client.ledger.names.completions import Subject, completions
from commonweal.commands.terminal.options import default_home
from commonweal.commands.terminal.output import say
from commonweal.storage.home.home import Home

NAME, VARIABLE = "weal", "_WEAL_COMPLETE"

SUBJECTS = {
    "action": Subject.ACTION,
    "agent": Subject.AGENT,
    "claim": Subject.CLAIM,
    "contained_in": Subject.RESOURCE,
    "earned_by": Subject.EVENT,
    "effort_unit": Subject.UNIT,
    "factor": Subject.FACTOR,
    "fulfills": Subject.PROMISE,
    "id": Subject.EVENT,
    "ids": Subject.EVENT,
    "input_of": Subject.PROCESS,
    "member": Subject.MEMBER,
    "new_resource": Subject.THING_KIND,
    "other": Subject.MEMBER,
    "output_of": Subject.PROCESS,
    "payer": Subject.AGENT,
    "process": Subject.PROCESS,
    "provider": Subject.AGENT,
    "receiver": Subject.AGENT,
    "resource": Subject.RESOURCE,
    "settles": Subject.CLAIM,
    "spec": Subject.THING_KIND,
    "tag": Subject.TAG,
    "tags": Subject.TAG,
    "to": Subject.MEMBER,
    "to_resource": Subject.RESOURCE,
    "unit": Subject.UNIT,
}
"""What a parameter names, by its own name, whichever command has it."""

_OF_DEALS = ("show", "accept", "counter", "decline", "withdraw", "done", "end", "comment")
OF_COMMAND: dict[tuple[str, ...], Subject] = {
    **{
        (group, name, "id"): Subject.OFFER
        for group in ("offer", "need")
        for name in ("renew", "pause", "resume", "withdraw")
    },
    **{("deal", name, "id"): Subject.DEAL for name in _OF_DEALS},
    **{("campaign", name, "id"): Subject.CAMPAIGN for name in ("show", "cancel", "extend")},
    **{("pledge", name, "id"): Subject.CAMPAIGN for name in ("new", "withdraw", "pay")},
    ("deal", "propose", "id"): Subject.OFFERED,
    ("promote", "new", "offer"): Subject.OFFER,
    ("promote", "list", "offer"): Subject.OFFERED,
    ("deal", "propose", "flows"): Subject.OFFERED,
    ("process", "new", "name"): Subject.PROCESS_KIND,
    ("resource", "list", "name"): Subject.THING_KIND,
    ("resource", "new", "name"): Subject.THING_KIND,
    ("resource", "show", "id"): Subject.RESOURCE,
    ("token", "revoke", "id"): Subject.API_TOKEN,
}
"""What it names in one command alone."""


def completing(command: click.Command, path: tuple[str, ...]) -> click.Command:
    """Return `command`, whose parameters complete what they name. path: how it is typed."""
    for parameter in command.params:
        name = parameter.name or ""
        subject = OF_COMMAND.get((*path, name)) or SUBJECTS.get(name)
        is_choice = isinstance(parameter.type, click.Choice | click.Path)
        if subject is not None and not is_choice:
            setattr(parameter, "shell_complete", _completer(subject))  # noqa: B010
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            completing(inner, (*path, name))
    return command


def _completer(subject: Subject) -> Callable[[click.Context, str], list[CompletionItem]]:
    def complete(context: click.Context, begun: str) -> list[CompletionItem]:
        home = context.params.get("home")
        if not isinstance(home, Home):
            home = Home(default_home())
        return [CompletionItem(word) for word in completions(home, subject, begun)]

    return complete


@click.command("completion")
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def completion(shell: str) -> None:
    """Print what lets SHELL complete commands, members, units, things and ids.

    For bash: eval "$(weal completion bash)", best in ~/.bashrc.
    """
    made = get_completion_class(shell)
    assert made is not None, "click has these shells"
    say(made(click.Command(NAME), {}, NAME, VARIABLE).source())
