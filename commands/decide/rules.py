"""`weal rules`: the rules in force, what others would do, and proposing and voting on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from commonweal.client.ledger_view import LedgerView, submit
from commonweal.client.notes import note_body
from commonweal.client.rule_templates import TEMPLATES, text_of_file, text_of_rules
from commonweal.client.times import iso, read_duration_ms, shown
from commonweal.client.visible_text import visible
from commonweal.commands.decide import backtest as backtests
from commonweal.commands.decide.vote import KINDS, Saying
from commonweal.commands.terminal.language import _, spoken
from commonweal.commands.terminal.ledger import folded
from commonweal.commands.terminal.options import (
    form_option,
    home_option,
    passphrase_option,
    unlocking,
)
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
from commonweal.protocol.errors import BadRuleset, MissingDatabase, NotInCommunity, UsageError
from commonweal.protocol.ledger.governance import active_ruleset, proposals
from commonweal.protocol.ledger.governance.proposals import PROPOSAL, ProposalRow
from commonweal.protocol.ledger.members import membership, roles
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.rules import document as rulesets
from commonweal.protocol.rules.changes import classes_of, differences, process_of
from commonweal.protocol.rules.document import HOUR_MS, Problem, Ruleset
from commonweal.protocol.rules.expression.position import Position
from commonweal.protocol.rules.portions import Portion
from commonweal.protocol.rules.process import Ballot
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
    with folded(home) as found:
        ruleset = _proposed(found, proposal) if proposal else found.kept.ruleset
        row = active_ruleset.active_row(found.final)
        is_in_force = ruleset.id == found.kept.ruleset.id
        since = row.height if row is not None and is_in_force else 0
        until = row.until_ms if row is not None and is_in_force else 0
    if as_toml:
        from commonweal.commands.terminal.toml import to_toml

        return write_text(to_toml(ruleset.document).rstrip("\n"))
    if form is Form.JSON:
        return write_json(
            {
                "ruleset": ruleset.id.hex(),
                "name": ruleset.name,
                "in_force": is_in_force,
                "since_height": since,
                "until": iso(until) if until else None,
                "document": ruleset.document,
            }
        )
    say(f"{visible(ruleset.name)}  {ruleset.id.hex()[:8]}")
    if not is_in_force:
        say(_("not in force"))
    elif since:
        say(_("in force since height {height}").format(height=since))
    else:
        say(_("in force since the founding"))
    told = sentences(ruleset)
    if not told:
        say()
        say(_("It shares nothing yet; `weal rules template` prints rules to begin with."))
    for path, words in told:
        say()
        say(f"{path}:" if path else "")
        say(f"  {visible(words)}")
    return None


def sentences(ruleset: Ruleset) -> list[tuple[str, str]]:
    """Return every plain sentence of the rules with its place, in the member's language."""
    language = "zh" if spoken().is_chinese else "en"
    found: list[tuple[str, str]] = []

    def walk(path: str, part: Any) -> None:
        if isinstance(part, dict):
            if words := part.get(language):
                found.append((path, str(words)))
            for key, value in part.items():
                walk(f"{path}.{key}".lstrip("."), value)
        elif isinstance(part, list):
            for one in part:
                if isinstance(one, dict):
                    walk(f"{path}.{one.get('name', '')}", one)

    walk("", dict(ruleset.document))
    return found


@rules.command("template")
@click.argument("name", required=False, type=click.Choice(list(TEMPLATES)))
@home_option
def template(name: str | None, home: Home) -> None:
    """Print rules that a community can begin from, to edit and propose.

    Without NAME, list them.
    """
    del home  # templates are the same everywhere
    if name is None:
        for one, what in TEMPLATES.items():
            say(f"{one}: {_(what)}")
        return None
    return write_text(text_of_rules(name).rstrip("\n"))


@rules.command("check")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@home_option
@form_option(Form.TEXT, Form.JSON)
def check(file: Path, home: Home, form: Form) -> int:
    """Say what is wrong with the rules in FILE (TOML), and on which line.

    In a community too whether its members are enough for what they ask.
    """
    text = text_of_file(file)
    problems = _problems(home, text)
    left_out = () if problems else rulesets.unset_membership_keys(rulesets.read_toml(text))
    if form is Form.JSON:
        listed = [problem._asdict() for problem in problems]
        write_json({"problems": listed, "ok": not problems, "unsaid": list(left_out)})
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
    return BadRuleset.exit_code if problems else 0


@rules.command("diff")
@click.argument("what")
@home_option
@form_option()
def diff(what: str, home: Home, form: Form) -> None:
    """Show what WHAT, a file or a proposal, would change, and how that is decided."""
    with folded(home) as found:
        old, new = found.kept.ruleset, _named(found, what)
        back = active_ruleset.fallback(found.kept.final, found.kept.documents)
    classes, process = classes_of(old, new, back=back), process_of(old, new, back=back)
    rows = [
        {"path": ".".join(map(str, one.path)), "old": one.old, "new": one.new}
        for one in differences(old, new)
    ]
    if form is not Form.JSON:
        rows = [{**row, "old": _plain(row["old"]), "new": _plain(row["new"])} for row in rows]
    columns = [
        Column("path", _("rule")),
        Column("old", _("now")),
        Column("new", _("then")),
    ]
    words = _("decided as {kind}: {asked}, within {hours} h").format(
        kind=", ".join(_kind(one) for one in classes),
        asked=" + ".join(map(_asked, process.ballots)),
        hours=process.period_ms // HOUR_MS,
    )
    if process.trial_ms:
        words += ", " + _("then {hours} h of trial").format(hours=process.trial_ms // HOUR_MS)
    more = {"classes": list(classes), "base": old.id.hex(), "ruleset": new.id.hex()}
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
    from commonweal.node.service.events import Text, Wish

    if (file is None) == (decision is None):
        raise UsageError(_("give a file with rules, or --decision"))
    asked = {"vote": True} if with_vote else {}
    with folded(home) as found:
        if file is None:
            body = note_body(decision, permanent=True, words=spoken())
            wish = Wish("rules.propose", {"subject": "decision", **asked}, (), body)
        else:
            new = _read(file)
            for problem in rulesets.check(text_of_file(file), _electorate(found, new)):
                place = Position(problem.line, problem.column)
                raise BadRuleset(problem.sentence, problem.hint, place)
            data: dict[str, Any] = {
                "subject": "rules",
                "base": bytes(found.kept.ruleset.id),
                "form": "whole",
                **asked,
            }
            if sunset is not None:
                data["sunset"] = max(1, read_duration_ms(sunset) // HOUR_MS)
            if with_backtest:
                data["backtest"] = backtests.replayed(found, new, None).name
            body = Text("application/msgpack", new.to_bytes(), permanent=True)
            wish = Wish("rules.propose", data, (), body)
        written = submit(found, [wish], unlocking(passphrase_file))
    words = _("Proposed, as {id}. Vote with: weal rules vote {id} yes")
    confirm(form, written, words)


@rules.command("vote")
@click.argument("proposal")
@click.argument("say", type=Saying())
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def vote(proposal: str, say: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Say yes, no, abstain or block to a proposal; your last word counts when the vote closes."""
    from commonweal.node.service.events import Wish

    with folded(home) as found:
        id = found.id_among(proposal, PROPOSAL)
        wish = Wish("rules.vote", {"proposal": bytes(id), "say": say}, (id,))
        written = submit(found, [wish], unlocking(passphrase_file))
    words = _("You said {what} to {proposal}.").format(what=_(say), proposal=id.hex()[:8])
    confirm(form, written, words, proposal=id.hex())


@rules.command("comment")
@click.argument("proposal")
@click.argument("text")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def comment(proposal: str, text: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Say something about a proposal, in words that can be erased later."""
    from commonweal.node.service.events import Wish

    with folded(home) as found:
        id = found.id_among(proposal, PROPOSAL)
        wish = Wish(
            "rules.comment", {"proposal": bytes(id)}, (id,), note_body(text, words=spoken())
        )
        written = submit(found, [wish], unlocking(passphrase_file))
    confirm(form, written, _("Said, as {id}."), proposal=id.hex())


@rules.command("withdraw")
@click.argument("proposal")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def withdraw(proposal: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Take a proposal of yours back, while it is not decided."""
    from commonweal.node.service.events import Wish

    with folded(home) as found:
        id = found.id_among(proposal, PROPOSAL)
        wish = Wish("rules.withdraw", {"proposal": bytes(id)}, (id,))
        written = submit(found, [wish], unlocking(passphrase_file))
    confirm(form, written, _("Your proposal is withdrawn."), proposal=id.hex())


@rules.command("history")
@home_option
@form_option()
def history(home: Home, form: Form) -> None:
    """List the rules that were in force, and since when."""
    with folded(home) as found:
        adopted = active_ruleset.history(found.final)
        rows = [(0, active_ruleset.founding(found.kept.founded, found.kept.documents).id, b"")]
        rows += [(height, ruleset, proposal) for height, ruleset, proposal in adopted]
        now = found.kept.ruleset.id
        last = len(rows) - 1
        listed = [
            {
                "height": height,
                "ruleset": ruleset.hex(),
                "proposal": proposal.hex() or None,
                "in_force": n == last and ruleset == now,
            }
            for n, (height, ruleset, proposal) in enumerate(rows)
        ]
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
    with folded(home) as found:
        chosen = _named(found, what)
        backtests.show(found, backtests.replayed(found, chosen, height), form)


@rules.command("trial")
@click.argument("proposal")
@home_option
@form_option()
def trial(proposal: str, home: Home, form: Form) -> None:
    """Show what rules that are on trial would pay. Nobody is paid by them yet."""
    with folded(home) as found:
        id = found.id_among(proposal, PROPOSAL)
        row = proposals.proposal_row(found.final, id)
        if row is None or row.status != proposals.TRIAL:
            raise UsageError(_("{id} is not on trial").format(id=id.hex()[:8]))
        if form is Form.TEXT:
            words = _("On trial until {time}; computed and shown, not paid.")
            say(words.format(time=shown(row.until_ms)))
        backtests.show(found, backtests.replayed(found, backtests.proposed(found, row), None), form)


def _problems(home: Home, text: str) -> list[Problem]:
    """Return what is wrong with rules, in the community of `home` where it is in one."""
    problems = rulesets.check(text)
    if problems:
        return problems
    try:
        with folded(home) as found:
            return rulesets.check(text, _electorate(found, rulesets.read_toml(text)))
    except (NotInCommunity, MissingDatabase):
        return []


def _electorate(found: LedgerView, ruleset: Ruleset) -> int:
    """Return how many could object now where these rules take silence for consent."""
    members = [one.id for one in membership.members(found.state) if one.status == "active"]
    lazy = ruleset.processes.get("lazy")
    role = "" if lazy is None else lazy.ballots[0].voters
    holders = [one for one in members if role and roles.holds(found.state, one, role)]
    return len(holders or members)


def _named(found: LedgerView, what: str) -> Ruleset:
    """Return the rules in a file, or those of a proposal."""
    path = Path(what)
    return _read(path) if path.exists() or path.suffix == ".toml" else _proposed(found, what)


def _proposed(found: LedgerView, text: str) -> Ruleset:
    id: RecordId = found.id_among(text, PROPOSAL)
    row: ProposalRow | None = proposals.proposal_row(found.state, id)
    assert row is not None, "it was found"
    if row.subject != proposals.RULES:
        raise UsageError(_("{id} proposes no rules").format(id=id.hex()[:8]))
    return backtests.proposed(found, row)


def _read(file: Path) -> Ruleset:
    """Return the rules in a file; raise BadRuleset after saying all that is wrong."""
    text = text_of_file(file)
    problems = rulesets.check(text)
    if len(problems) > 1:
        for problem in problems[1:]:
            warn(f"{visible(str(file))}:{visible(str(problem))}")
    return rulesets.read_toml(text)


def _show_problems(file: Path, problems: list[Problem]) -> None:
    rows = [
        {"place": f"{file}:{one.line}:{one.column}", "what": one.sentence, "hint": one.hint}
        for one in problems
    ]
    write_table([Column("place", ""), Column("what", ""), Column("hint", "")], rows)


def _plain(value: Any) -> str:
    import json

    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _kind(kind: str) -> str:
    return _(KINDS[kind])


def _asked(ballot: Ballot) -> str:
    """Return in words what one electorate is asked."""
    thresholds = ", ".join(dict.fromkeys(map(_part, ballot.thresholds)))
    words = _("{thresholds} yes of those who may vote").format(thresholds=thresholds)
    if ballot.silent:
        words = _("silence of those who may vote")
    if ballot.voters:
        words += " " + _("(all as {role})").format(role=visible(ballot.voters))
    if ballot.objections:
        words += ", " + _("{n} no or block stop it").format(n=ballot.objections)
    return words


def _part(portion: Portion) -> str:
    return f"{'>' if portion.more else ''}{portion.above}/{portion.below}"
