"""The table of commands. Each is loaded when it is typed; `--help` loads none of them.

Here, too, every expected error becomes one sentence on stderr and an exit code.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from inspect import cleandoc
from io import UnsupportedOperation
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from commonweal import __version__
from commonweal.client.language.visible_text import visible
from commonweal.commands.terminal.language import N_, _, sentence, speak
from commonweal.commands.terminal.options import HOME_KEY
from commonweal.commands.terminal.output import flush, say, warn
from commonweal.protocol.errors import CommonwealError, OutputRefused

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

INTERRUPTED = 130
PIPE_CLOSED = 141
NAME = "weal"


class CommandEntry(NamedTuple):
    """Where a command is, as module of `commands` and name in it, and its line in `--help`."""

    module: str
    name: str
    line: str


TABLE: dict[str, dict[str, CommandEntry]] = {
    N_("Begin"): {
        "start": CommandEntry(
            "begin.start", "start", N_("your way in: make a home, found or join, run your node")
        ),
        "init": CommandEntry(
            "begin.init_found", "init", N_("make a home, with a new member and 24 words")
        ),
        "found": CommandEntry("begin.init_found", "found", N_("found a community")),
        "join": CommandEntry(
            "begin.join", "join", N_("ask to join, with the link that a member gave you")
        ),
    },
    N_("Contribute"): {
        "record": CommandEntry("contribute.record", "record", N_("write down what you gave")),
        "import": CommandEntry(
            "imports.import_",
            "import_",
            N_("take in git commits, a sheet, or what a platform exports"),
        ),
        "ledger": CommandEntry("contribute.ledger", "ledger", N_("list what was given")),
        "show": CommandEntry("contribute.show", "show", N_("show one record in full")),
        "attest": CommandEntry(
            "contribute.attest", "attest", N_("say that a contribution was as written")
        ),
        "inbox": CommandEntry(
            "contribute.inbox", "inbox", N_("what waits for you, and the command that does it")
        ),
        "dispute": CommandEntry("contribute.attest", "dispute", N_("dispute a contribution")),
        "correct": CommandEntry(
            "contribute.attest", "correct", N_("say what a contribution really was")
        ),
        "undo": CommandEntry("contribute.undo", "undo", N_("withdraw what you just wrote down")),
        "erase": CommandEntry(
            "contribute.erase", "erase", N_("have a text of yours forgotten by all")
        ),
        "trace": CommandEntry(
            "contribute.trace", "trace_", N_("what went into a thing, and what came of it")
        ),
    },
    N_("Things"): {
        "resource": CommandEntry(
            "things.resource", "resource", N_("what there is, whose it is, who has it; lend it")
        ),
        "process": CommandEntry(
            "things.process", "process", N_("begin and end what takes inputs and gives outputs")
        ),
        "spec": CommandEntry("things.spec", "spec", N_("the kinds of things and processes")),
        "unit": CommandEntry("things.unit", "unit", N_("in which units things are counted")),
        "agent": CommandEntry(
            "things.agent", "agent", N_("who gives from outside; claim what you gave")
        ),
    },
    N_("Exchange"): {
        "market": CommandEntry("exchange.market", "market", N_("what members offer and need")),
        "offer": CommandEntry(
            "exchange.offer", "offer", N_("offer something; renew, pause or withdraw it")
        ),
        "need": CommandEntry(
            "exchange.need", "need", N_("say what you need; renew, pause or withdraw it")
        ),
        "deal": CommandEntry(
            "exchange.deal", "deal", N_("who gives what to another: propose, answer, keep, end")
        ),
        "pay": CommandEntry("exchange.credit", "pay", N_("pay a member from your balance")),
        "calendar": CommandEntry(
            "exchange.calendar", "calendar", N_("what is booked and due, day by day; as a file")
        ),
    },
    N_("Plan"): {
        "recipe": CommandEntry(
            "plan.recipe", "recipe", N_("by which steps something is made, and out of what")
        ),
        "plan": CommandEntry(
            "plan.plan", "plan", N_("what is to be done by when, and who does it")
        ),
    },
    N_("Members"): {
        "members": CommandEntry("members.members", "members", N_("list the members")),
        "invite": CommandEntry(
            "members.invite", "invite", N_("make links for others, list them, take them back")
        ),
        "device": CommandEntry(
            "members.members", "device", N_("list, add or end the devices that write for you")
        ),
        "key": CommandEntry(
            "members.key", "key", N_("change your key or passphrase, name sponsors")
        ),
        "vouch": CommandEntry("members.membership", "vouch", N_("vouch for one who asks to join")),
        "role": CommandEntry("members.role", "role", N_("list, claim, endorse or give back roles")),
        "referral": CommandEntry("things.agent", "referral", N_("say who brought you here")),
        "leave": CommandEntry("members.membership", "leave", N_("leave the community")),
        "remove": CommandEntry(
            "members.membership",
            "remove",
            N_("propose that somebody is a member no longer"),
        ),
        "resolve": CommandEntry(
            "members.membership", "resolve", N_("propose which record of a fork counts")
        ),
    },
    N_("Decide"): {
        "rules": CommandEntry(
            "decide.rules", "rules", N_("the rules: show, compare, propose, vote, replay")
        ),
        "vote": CommandEntry("decide.vote", "vote", N_("what is voted on, and how it stands")),
    },
    N_("Share"): {
        "balance": CommandEntry(
            "exchange.balance", "balance", N_("what a member has a share of, has and gave")
        ),
        "shares": CommandEntry(
            "share.shares", "shares", N_("what each has a share of, and what is in the pools")
        ),
        "claims": CommandEntry(
            "share.claims", "claims", N_("what members are owed, and what is settled")
        ),
        "payouts": CommandEntry("share.claims", "payouts", N_("who is to be paid what, as a file")),
        "explain": CommandEntry(
            "share.shares", "explain", N_("why a share is what it is, and what it is worth")
        ),
        "round": CommandEntry(
            "share.round", "round_", N_("give points to others, by which a pool is shared")
        ),
        "seal": CommandEntry("share.seal", "seal", N_("make what waits final now")),
        "seals": CommandEntry(
            "share.seal", "seals", N_("what is final, seal by seal, and who signed")
        ),
        "income": CommandEntry(
            "share.income", "income", N_("write down what came in from outside")
        ),
    },
    N_("Node"): {
        "open": CommandEntry("node.page", "open_", N_("open your page in the browser")),
        "web": CommandEntry("node.page", "web", N_("serve your page in this terminal")),
        "up": CommandEntry("node.up", "up", N_("run your node")),
        "down": CommandEntry("node.up", "down", N_("end your node and your page")),
        "status": CommandEntry("node.status", "status", N_("how this home stands")),
        "peers": CommandEntry("node.status", "peers", N_("whose nodes are connected")),
        "cluster": CommandEntry("node.cluster", "cluster", N_("run several nodes on this machine")),
    },
    N_("Keep"): {
        "sql": CommandEntry("keep.sql", "sql", N_("ask the ledger anything, in SQL")),
        "export": CommandEntry(
            "keep.export", "export", N_("write the ledger out for other programs")
        ),
        "verify": CommandEntry("keep.verify", "verify", N_("check every record that is held here")),
        "prove": CommandEntry("keep.prove", "prove", N_("prove by a file that a record is final")),
        "check-proof": CommandEntry(
            "keep.prove", "check_proof", N_("check such a file, without a home")
        ),
        "backup": CommandEntry("keep.backup", "backup", N_("put all of this home into one file")),
        "restore": CommandEntry(
            "keep.restore", "restore", N_("make a home again, from a backup or 24 words")
        ),
        "refound": CommandEntry(
            "keep.refound", "refound", N_("go on without witnesses who are gone for ever")
        ),
        "token": CommandEntry(
            "keep.token", "token", N_("let other programs read and write for you")
        ),
        "completion": CommandEntry(
            "terminal.completion", "completion", N_("let your shell complete what you type")
        ),
        "doctor": CommandEntry(
            "keep.doctor", "doctor", N_("find what is wrong, and say what to do")
        ),
    },
}


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
    if text := visible(str(error)):
        warn(f"  {text}")
