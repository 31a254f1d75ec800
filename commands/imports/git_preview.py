"""What a git history would come to, as members read it before they say yes."""

from __future__ import annotations

from typing import Any

from commonweal.client.importers.git_preview import CommitAuthor, FirstCommit, GitPreview
from commonweal.client.language.times import shown_when
from commonweal.client.language.visible_text import visible
from commonweal.commands.imports.sheet_preview import worth
from commonweal.commands.terminal.language import _, ngettext
from commonweal.commands.terminal.output import Column, say, warn, write_table


def warn_of_history(preview: GitPreview) -> None:
    """Say what the clone lacks, and which listed names are no member's."""
    if preview.is_shallow:
        warn(
            _("This clone is shallow: commits are missing. For all of them: git fetch --unshallow")
        )
    if preview.is_partial:
        warn(_("This clone is partial: it was made with a filter, and lacks files."))
    for name in preview.strangers:
        warn(_("{name} is no member's name here").format(name=visible(name)))


def show_git_preview(preview: GitPreview) -> None:
    """Show who made what is new, the first of it with what it would be worth, and the counts."""
    if preview.authors:
        write_table(_author_columns(), [_author(author) for author in preview.authors])
        more = preview.authors_total - len(preview.authors)
        if more:
            say(_("and {n} more").format(n=f"{more:,}"))
        say()
        write_table(_columns(), [_first(commit) for commit in preview.first])
        say()
    for line in _count_lines(preview):
        say(line)


def _count_lines(preview: GitPreview) -> list[str]:
    new = ngettext("{n} commit is new", "{n} commits are new", preview.new)
    counts = _("{new}; {here} of {total} were here already.")
    new = new.format(n=preview.new)
    lines = [counts.format(new=new, here=preview.here, total=preview.total)]
    if preview.rewritten:
        text = ngettext(
            "{n} commit was rewritten: the same author, date and first line are here under another"
            " hash. It is left out; --rewritten takes it in as well.",
            "{n} commits were rewritten: the same author, date and first line are here under"
            " another hash. They are left out; --rewritten takes them in as well.",
            preview.rewritten,
        )
        lines.append(text.format(n=preview.rewritten))
    return lines


def _author_columns() -> list[Column]:
    return [
        Column("name", _("author")),
        Column("email", _("address")),
        Column("commits", _("commits"), is_number=True),
        Column("member", _("credited to")),
    ]


def _author(author: CommitAuthor) -> dict[str, Any]:
    return {
        "name": author.name,
        "email": author.email,
        "commits": author.commits,
        "member": author.member_name or _("outside"),
    }


def _columns() -> list[Column]:
    return [
        Column("hash", _("commit")),
        Column("when", _("when")),
        Column("member", _("member")),
        Column("quantity", _("quantity"), is_number=True),
        Column("worth", _("worth")),
        Column("note", _("note")),
    ]


def _first(commit: FirstCommit) -> dict[str, Any]:
    return {
        "hash": commit.hash.hex()[:8],
        "when": shown_when(commit.when),
        "member": commit.provider_name,
        "quantity": format(commit.quantity, "f"),
        "worth": worth(commit.worth),
        "note": commit.note,
    }
