"""`weal doctor`: prints what is wrong with this home, each with what to do.

The checks are those of `HomeHealth`; it never changes anything.
"""

from __future__ import annotations

import click

from commonweal.client.keep.health import HomeHealth
from commonweal.client.language.visible_text import visible
from commonweal.commands.terminal.language import _, labelled, ngettext
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option
from commonweal.commands.terminal.output import Form, say, write_json
from commonweal.storage.home.home import Home


@click.command("doctor")
@home_option
@form_option(Form.TEXT, Form.JSON)
def doctor(home: Home, form: Form) -> int:
    """Look for what is wrong with this home and its node, and say what to do.

    Ends with 0 when all is well, else with 1.
    """
    with part_of(HomeHealth, home) as me:
        findings = me.health()
    ill = [finding for finding in findings if not finding.is_well]
    if form is Form.JSON:
        listed = [
            {
                "check": finding.name,
                "ok": finding.is_well,
                "what": finding.what,
                "advice": finding.advice,
            }
            for finding in findings
        ]
        write_json({"ok": not ill, "findings": listed})
        return 1 if ill else 0
    for finding in findings:
        mark = "✓" if finding.is_well else "✗"
        say(f"{mark} {labelled(_(finding.name), visible(finding.what))}")
        if finding.advice:
            say(f"    {visible(finding.advice)}")
    say()
    wrong = ngettext("{n} thing to mend.", "{n} things to mend.", len(ill)).format(n=len(ill))
    say(wrong if ill else _("All is well."))
    return 1 if ill else 0
