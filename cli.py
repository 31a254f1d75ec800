"""The command `weal`. Each command is loaded when it is typed; `--help` loads none of them.

Here, too, every expected error becomes one sentence on stderr and an exit code.
"""

from __future__ import annotations

import gc
import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from inspect import cleandoc
from io import UnsupportedOperation
from pathlib import Path
from typing import TYPE_CHECKING

import click

from commonweal import __version__
from commonweal.client.language.visible_text import visible
from commonweal.commands.terminal.command_table import TABLE
from commonweal.commands.terminal.language import _, sentence, speak, spoken
from commonweal.commands.terminal.options import HOME_KEY
from commonweal.commands.terminal.output import flush, say, warn
from commonweal.protocol.errors import CommonwealError, OutputRefused

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

GARBAGE_OBJECTS = 50_000
"""Reference cycles are looked for so seldom: by default each command would examine the modules that
it loads again and again, a tenth of its time."""
INTERRUPTED = 130
PIPE_CLOSED = 141
NAME = "weal"


class Weal(click.Group):
    """The commands of `TABLE`, found without loading the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for section in TABLE.values() for name in section]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for section in TABLE.values():
            if entry := section.get(cmd_name):
                module = import_module(f"commonweal.commands.{entry.module}")
                command: click.Command = getattr(module, entry.name)
                if ctx.resilient_parsing:
                    from commonweal.commands.terminal.completion import completing

                    completing(command, (cmd_name,))
                return translated(command)
        return None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the name of a command without loading any."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        from click.shell_completion import CompletionItem

        return [
            CompletionItem(name, help=_(entry.line))
            for section in TABLE.values()
            for name, entry in section.items()
            if name.startswith(incomplete)
        ]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if ctx.resilient_parsing:  # a line that is being typed
            return super().resolve_command(ctx, args)
        name = args[0]
        if name == "help":
            args = [*args[1:], "--help"]
            if args == ["--help"]:
                say(ctx.get_help())
                ctx.exit()
            name = args[0]
        if not name.startswith("-") and name not in self.list_commands(ctx):
            from difflib import get_close_matches

            near = get_close_matches(name, self.list_commands(ctx), n=1)
            hint = _(" Did you mean {name!r}?").format(name=near[0]) if near else ""
            ctx.fail(_("No such command {name!r}.").format(name=name) + hint)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for section, entries in TABLE.items():
            with formatter.section(_(section)):
                formatter.write_dl([(name, _(entry.line)) for name, entry in entries.items()])


def translated(command: click.Command) -> click.Command:
    """Return `command` with its help, and that of its options, in the member's language."""
    for part in (command, *command.params):
        if words := getattr(part, "help", None):
            english = part.__dict__.setdefault("english", cleandoc(words.split("\f")[0]).strip())
            part.__dict__["help"] = _(english)
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            translated(inner)
            inner.short_help = first_sentence(inner.help or "")
    return command


def first_sentence(words: str) -> str:
    """Return the first sentence of a help, without its full stop, on one line."""
    plain = " ".join(words.split("\n\n", maxsplit=1)[0].split())
    return plain.split(". ")[0].split("。")[0].rstrip(".")


def _keep_home(context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    context.meta[HOME_KEY] = value


@click.command(
    NAME,
    cls=Weal,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--home",
    metavar="FOLDER",
    expose_value=False,
    callback=_keep_home,
    help="The home; else COMMONWEAL_HOME, else the usual place of this system.",
)
@click.version_option(__version__, prog_name=NAME, message="%(prog)s %(version)s")
def weal() -> None:
    """Commonweal: a community's ledger of contributions, held by every member.

    Begin with `weal start`.
    """


def main(arguments: list[str] | None = None) -> int:
    """Run `weal` with `arguments`, else those of the process; return its exit code."""
    gc.set_threshold(GARBAGE_OBJECTS)
    _open_streams()
    speak()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _outcome(sys.argv[1:] if arguments is None else arguments)
        flush()
    except OutputRefused as error:
        _close_output()
        _complain(error)
        return error.exit_code
    except BrokenPipeError:
        _close_output()
        return PIPE_CLOSED
    return code


def _outcome(arguments: list[str]) -> int:
    try:
        return _run(arguments)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.ClickException as error:
        flush()
        error.show()
        for line in _next_steps(error):
            warn(line)
        return error.exit_code
    except OutputRefused:
        raise
    except CommonwealError as error:
        _complain(error)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort, EOFError):
        if sys.stderr.isatty():
            warn("")  # whatever comes next begins a line
        return INTERRUPTED


def _next_steps(error: click.ClickException) -> Iterator[str]:
    """Yield what to type instead of a line that could not be read, where that is known."""
    match error:
        case click.NoSuchOption(option_name=name) if name[1:2].isdigit():
            yield _("An amount is not negative. `weal undo` withdraws, `weal correct` changes.")
        case click.MissingParameter(ctx=click.Context(command=command)):
            line = (command.help or "").splitlines()[:1]
            example = re.search(r"[:：]\s*(weal [^。]+?)[.。]?$", line[0]) if line else None
            if example is not None:
                yield _("For example: {line}").format(line=example[1])


def _open_streams() -> None:
    """Let nothing that is opened take the place of a stream that was closed for us."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("r+", encoding="utf-8"))  # noqa: SIM115


def _close_output() -> None:
    """Let nothing be written any more, at exit either."""
    with suppress(UnsupportedOperation):  # an output that is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(arguments: list[str]) -> int:
    translated(weal)
    if instruction := os.environ.get("_WEAL_COMPLETE"):
        from click.shell_completion import shell_complete

        return shell_complete(weal, {}, NAME, "_WEAL_COMPLETE", instruction)
    with weal.make_context(NAME, list(arguments)) as context:
        code = weal.invoke(context)
    return code if isinstance(code, int) else 0


def _complain(error: CommonwealError) -> None:
    warn(f"{NAME}: {sentence(error)}")
    if text := visible(spoken().details(error)):
        warn(f"  {text}")
