"""Writes the table of docs/protocol/state.md from the enum of tables."""

from __future__ import annotations

from pathlib import Path

from commonweal.protocol.ledger.state.tables import Table

PAGE = Path(__file__).parents[3] / "docs" / "protocol" / "state.md"
BEGIN, END = "<!-- tables -->\n", "<!-- end of tables -->\n"


def table() -> str:
    """Return the table of all tables, in Markdown, by prefix."""
    rows = ["| prefix | key | value | what | module |", "|---|---|---|---|---|"]
    for one in sorted(Table, key=lambda table: table.prefix):
        prefix, key, value, owner, meaning = one.layout
        name = f"`{key}`" if key else ""
        cells = (f"`{prefix.decode()}`", name, f"`{value}`", meaning, f"`{owner}`")
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def with_table(page: str) -> str:
    """Return the page with the table as it is now."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return before + BEGIN + "\n" + table() + "\n" + END + after


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text("utf-8")), "utf-8")
