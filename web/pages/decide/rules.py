"""Rules: those in force with examples, what came before, and where other ones begin."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from commonweal.client.governance.rule_concerns import rule_concerns
from commonweal.client.governance.rule_sentences import SECTIONS, RulePart, place_words
from commonweal.client.governance.rule_templates import TEMPLATES
from commonweal.client.governance.toml_text import to_toml
from commonweal.protocol.ledger.governance.proposals import RULES, TRIAL
from commonweal.web.pages.decide.votes import OPEN
from commonweal.web.pages.downloads import attached
from commonweal.web.pages.request import Page

router = APIRouter()

HISTORY_MAX = 50
"""Rules of before on the page; the newest ones."""


@router.get("/rules")
def rules(page: Page) -> Response:
    """Show the rules in force, each with an example, and their history."""
    with page.member() as member:
        shown = member.rules()
        parts = member.rule_parts()
        history = list(reversed(member.rules_history()))
        running = [
            row
            for row in member.proposals(decided=True)
            if row.subject == RULES and row.status in OPEN
        ]
        examples = member.rule_examples()
        concerns = rule_concerns(member.view.kept.ruleset.document, page.words)
    by_section = {
        title: [part for part in parts if part.place.partition(".")[0] == section]
        for section, title in SECTIONS.items()
    }
    return page.show(
        "decide/rules.html",
        rules=shown,
        proposal=next((row.proposal for row in history if row.in_force), None),
        sections={title: rows for title, rows in by_section.items() if rows},
        examples=examples,
        concerns=concerns,
        running=running,
        trials=[row for row in running if row.status == TRIAL],
        history=history[:HISTORY_MAX],
        left_out=max(0, len(history) - HISTORY_MAX),
        templates=TEMPLATES,
        name_of=lambda part: _name(part, page),
    )


@router.get("/rules/file")
def file(page: Page) -> Response:
    """Give the rules in force as a file, to be edited and brought back."""
    with page.member() as member:
        document: dict[str, Any] = member.rules().document
    return attached(to_toml(document).encode(), "rules.toml", "application/toml; charset=utf-8")


def _name(part: RulePart, page: Page) -> str:
    """Return what a rule is called within its section; "" for the only one of a section."""
    text = place_words(part.place, page.words)
    return text.partition(page.words("{title}: {names}").format(title="", names=""))[2]
