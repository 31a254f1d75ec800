"""`weal rules`: the rules in force, what others would do, and proposing and voting on them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from commonweal.client.governance.backtests import Replay
from commonweal.client.governance.rule_templates import TEMPLATES, text_of_file, text_of_rules
from commonweal.client.governance.rules import RulesAccess
from commonweal.client.governance.vote_words import process_words, said
from commonweal.client.governance.votes import Votes
from commonweal.client.language.plain import plain, plain_rows
from commonweal.client.language.quantity import shown_unit
from commonweal.client.language.times import shown
from commonweal.client.language.visible_text import visible
from commonweal.commands.decide.vote import Saying
from commonweal.commands.terminal.language import _, spoken
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import (
    Column,
    Form,
    say,
    warn,
    write_json,
    write_table,
    write_text,
)
from commonweal.commands.terminal.tables import confirm, table
from commonweal.protocol.errors import BadRuleset, UsageError
from commonweal.protocol.rules import document as rulesets
from commonweal.protocol.rules.faults import Problem
from commonweal.storage.home.home import Home


@click.group("rules")
def rules() -> None:
    """Show the rules, check or compare a draft, propose it, and vote."""


@rules.command("show")
@click.option("--proposal", metavar="ID", help="The rules that this proposal would bring.")
@click.option("--toml", "as_toml", is_flag=True, help="The whole document, to edit it.")
@home_option
@form_option(Form.TEXT, Form.JSON)
def show(proposal: str | None, as_toml: bool, home: Home, form: Form) -> None:
    """Show the rules in force, in plain sentences."""
    with part_of(RulesAccess, home) as me:
        shown_rules = me.rules(proposal=proposal)
    if as_toml:
        from commonweal.client.governance.toml_text import to_toml

        return write_text(to_toml(shown_rules.document).rstrip("\n"))
    if form is Form.JSON:
        row = plain(shown_rules)
        del row["sentences"]
        return write_json(row)
    say(f"{visible(shown_rules.name)}  {shown_rules.ruleset.hex()[:8]}")
    if not shown_rules.in_force:
        say(_("not in force"))
    elif shown_rules.since_height:
        say(_("in force since height {height}").format(height=shown_rules.since_height))
    else:
        say(_("in force since the founding"))
    if not shown_rules.sentences:
        say()
        say(_("It shares nothing yet; `weal rules template` prints rules to begin with."))
    for path, words in shown_rules.sentences:
        say()
        say(f"{path}:" if path else "")
        say(f"  {visible(words)}")
    return None


@rules.command("template")
@click.argument("name", required=False, type=click.Choice(list(TEMPLATES)))
@home_option
def template(name: str | None, home: Home) -> None:
    """Print rules that a community can begin from, to edit and propose.

    Without NAME, list them.
    """
    del home  # templates are the same everywhere
    if name is None:
        for template, what in TEMPLATES.items():
            say(f"{template}: {_(what)}")
        return None
    return write_text(text_of_rules(name).rstrip("\n"))


@rules.command("check")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@home_option
@form_option(Form.TEXT, Form.JSON)
def check_(file: Path, home: Home, form: Form) -> int:
    """Say what is wrong with the rules in FILE (TOML), and on which line.

    In a community too whether its members are enough for what they ask.
    """
    with part_of(RulesAccess, home) as me:
        check = me.check_rules(file)
    problems, left_out = check.problems, check.unsaid
    if form is Form.JSON:
        listed = [problem._asdict() for problem in problems]
        more = {"unsaid": list(left_out), "concerns": list(check.concerns)}
        write_json({"problems": listed, "ok": not problems, **more})
    elif not problems:
        say(_("The rules are sound."))
    else:
        _show_problems(file, problems)
    if left_out:
        words = _(
            "[membership] leaves out {keys}: how fast members bring others in, and what newcomers"
            " wait for. The defaults hold; see docs/rules.md."
        )
        warn(words.format(keys=", ".join(left_out)))
    for concern in check.concerns:
        warn(concern)
    return BadRuleset.exit_code if problems else 0


@rules.command("diff")
@click.argument("what")
@home_option
@form_option()
def diff(what: str, home: Home, form: Form) -> None:
    """Show what WHAT, a file or a proposal, would change, and how that is decided."""
    with part_of(RulesAccess, home) as me:
        _warn_of_more(what)
        compared = me.compare_rules(what)
    classes, process = compared.classes, compared.process
    rows = plain_rows(compared.changes)
    if form is not Form.JSON:
        rows = [{**row, "old": _plain(row["old"]), "new": _plain(row["new"])} for row in rows]
    columns = [
        Column("path", _("rule")),
        Column("old", _("now")),
        Column("new", _("then")),
    ]
    words = process_words(classes, process, spoken())
    more: dict[str, Any] = {"classes": list(classes)}
    more |= {"base": compared.base.hex(), "ruleset": compared.ruleset.hex()}
    table(form, "changes", rows, ("path", "old", "new"), columns, words, **more)


@rules.command("propose")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--decision", metavar="TEXT", help="Propose a decision in words, and no rules.")
@click.option("--sunset", metavar="TIME", help="Let the rules end by themselves: 30d, 12h.")
@click.option("--backtest", "with_backtest", is_flag=True, help="Add the hash of a backtest.")
@click.option("--vote", "with_vote", is_flag=True, help="Ask for a vote where silence could pass.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def propose(
    file: Path | None,
    decision: str | None,
    sunset: str | None,
    with_backtest: bool,
    with_vote: bool,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Propose the rules in FILE (TOML) in place of those in force; members vote on it."""
    if (file is None) == (decision is None):
        raise UsageError(_("give a file with rules, or --decision"))
    with part_of(RulesAccess, home, passphrase_file) as me:
        if file is None:
            written = me.propose_decision(decision or "", vote=with_vote)
        else:
            _warn_of_more(str(file))
            written = me.propose_rules(file, sunset=sunset, backtest=with_backtest, vote=with_vote)
    words = _("Proposed, as {id}. Vote with: weal rules vote {id} yes")
    confirm(form, written, words)


@rules.command("vote")
@click.argument("proposal")
@click.argument("say", type=Saying())
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def vote(proposal: str, say: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Say yes, no, abstain, block or indifferent to a proposal.

    Your last word counts when the vote closes. The indifferent leave the part that must say yes,
    where the rules allow it; an abstention does not.
    """
    with part_of(Votes, home, passphrase_file) as me:
        cast = me.vote(proposal, say)
    words = _("You said {what} to {proposal}.")
    confirm(form, cast, words.format(what=said(say, spoken()), proposal=cast.proposal.hex()[:8]))


@rules.command("comment")
@click.argument("proposal")
@click.argument("text")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def comment(proposal: str, text: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Say something about a proposal, in words that can be erased later."""
    with part_of(Votes, home, passphrase_file) as me:
        confirm(form, me.comment(proposal, text), _("Said, as {id}."))


@rules.command("withdraw")
@click.argument("proposal")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def withdraw(proposal: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Take a proposal of yours back, while it is not decided."""
    with part_of(Votes, home, passphrase_file) as me:
        confirm(form, me.withdraw_proposal(proposal), _("Your proposal is withdrawn."))


@rules.command("history")
@home_option
@form_option()
def history(home: Home, form: Form) -> None:
    """List the rules that were in force, and since when."""
    with part_of(RulesAccess, home) as me:
        listed = plain_rows(me.rules_history())
    columns = [
        Column("height", _("since height"), is_number=True),
        Column("ruleset", _("rules")),
        Column("proposal", _("proposal")),
        Column("in_force", _("in force")),
    ]
    table(form, "history", listed, ("height", "ruleset", "proposal", "in_force"), columns)


@rules.command("backtest")
@click.argument("what")
@click.option("--height", type=click.IntRange(0), metavar="H", help="The past up to this height.")
@home_option
@form_option()
def backtest(what: str, height: int | None, home: Home, form: Form) -> None:
    """Replay the sealed past under WHAT, a file or a proposal: who would have had what."""
    with part_of(RulesAccess, home) as me:
        _show_replay(me.backtest(what, height=height), form)


@rules.command("trial")
@click.argument("proposal")
@home_option
@form_option()
def trial(proposal: str, home: Home, form: Form) -> None:
    """Show what rules that are on trial would pay. Nobody is paid by them yet."""
    with part_of(RulesAccess, home) as me:
        on_trial = me.trial(proposal)
    if form is Form.TEXT:
        words = _("On trial until {time}; computed and shown, not paid.")
        say(words.format(time=shown(on_trial.until_ms)))
    _show_replay(on_trial.replay, form)


def _show_replay(replay: Replay, form: Form) -> None:
    """Write who had, and would have had, what."""
    more = plain(replay)
    rows = more.pop("members")
    columns = [
        Column("name", _("member")),
        Column("had", _("had"), is_number=True),
        Column("would", _("would have had"), is_number=True),
        Column("difference", _("difference"), is_number=True),
        Column("unit", _("unit")),
    ]
    if form is Form.TEXT:
        rows = [{**row, "unit": shown_unit(row["unit"], spoken())} for row in rows]
    words = _("replayed up to height {height}: {hash}; nothing is paid by it").format(
        height=replay.height, hash=replay.hash.hex()[:16]
    )
    fields = ("who", "name", "unit", "had", "would", "difference")
    table(form, "members", rows, fields, columns, words, **more)


def _warn_of_more(what: str) -> None:
    """Name what else is wrong with the rules in a file; the first fault is an error of its own."""
    path = Path(what)
    if path.exists() or path.suffix == ".toml":
        for problem in rulesets.check(text_of_file(path))[1:]:
            warn(f"{visible(what)}:{visible(str(problem))}")


def _show_problems(file: Path, problems: Sequence[Problem]) -> None:
    rows = [
        {
            "place": f"{file}:{problem.line}:{problem.column}",
            "what": problem.sentence,
            "hint": problem.hint,
        }
        for problem in problems
    ]
    write_table([Column("place", ""), Column("what", ""), Column("hint", "")], rows)


def _plain(value: Any) -> str:
    import json

    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
