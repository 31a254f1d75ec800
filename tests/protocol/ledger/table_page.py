"""Writes what docs/protocol has of enums and vectors: tables, reasons, the frames of a join."""

from __future__ import annotations

from pathlib import Path

from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.tables import Table
from tests.builders import join_trace

FOLDER = Path(__file__).parents[3] / "docs" / "protocol"


def state_table() -> str:
    """Return the table of all tables, in Markdown, by prefix."""
    rows = ["| table | prefix | key | value | what | module |", "|---|---|---|---|---|---|"]
    for table in sorted(Table, key=lambda table: table.prefix):
        prefix, key, value, owner, meaning = table.layout
        fields = f"`{key}`" if key else ""
        cells = (table.name, f"`{prefix.decode()}`", fields, f"`{value}`", meaning, f"`{owner}`")
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def reason_table() -> str:
    """Return the table of all reasons, in Markdown."""
    rows = [f"| `{reason.name}` | {reason.value} |" for reason in Reason]
    return "\n".join(["| reason | sentence |", "|---|---|", *rows]) + "\n"


TABLES = {
    "state.md": ("tables", state_table),
    "kinds.md": ("reasons", reason_table),
    "joining.md": ("trace", join_trace.page),
}


def with_table(name: str) -> str:
    """Return the text of a page with its table as it is now."""
    mark, table = TABLES[name]
    begin, end = f"<!-- {mark} -->\n", f"<!-- end of {mark} -->\n"
    before, rest = (FOLDER / name).read_text("utf-8").split(begin)
    _, after = rest.split(end)
    return before + begin + "\n" + table() + "\n" + end + after


if __name__ == "__main__":
    for page in TABLES:
        (FOLDER / page).write_text(with_table(page), "utf-8")
