"""The map of packages in docs/HACKING.md, made from their docstrings.

`python -m tests.house.package_map` writes it into the page; a test compares.
"""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "HACKING.md"
BEGIN = "<!-- packages: made by `python -m tests.house.package_map` -->\n"
END = "<!-- end of packages -->\n"
TOPS = ("protocol", "storage", "node", "client", "commands", "web")


def packages(root: Path = ROOT) -> dict[str, str]:
    """Return the first line of each package's docstring, by its folder, in the order of imports."""
    listed = subprocess.run(
        ["git", "ls-files", "*/__init__.py"], cwd=root, capture_output=True, text=True, check=True
    ).stdout.split()
    folders = {Path(path).parent for path in listed}
    ordered = sorted(
        (folder for folder in folders if folder.parts and folder.parts[0] in TOPS),
        key=lambda folder: (TOPS.index(folder.parts[0]), folder.as_posix()),
    )
    return {folder.as_posix(): _summary(root / folder / "__init__.py") for folder in ordered}


def drawn(summaries: dict[str, str]) -> str:
    """Return the table of the packages, as Markdown."""
    rows = (f"| `{folder}/` | {summary} |\n" for folder, summary in summaries.items())
    return "".join(["| package | what it holds |\n", "|---|---|\n", *rows])


def on_page(page: str) -> str:
    """Return what the page has between its marks. Raises ValueError where a mark is missing."""
    return page[page.index(BEGIN) + len(BEGIN) : page.index(END)]


def replaced(page: str, table: str) -> str:
    """Return the page with another table between its marks."""
    begin, end = page.index(BEGIN) + len(BEGIN), page.index(END)
    return page[:begin] + table + page[end:]


def _summary(file: Path) -> str:
    docstring = ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""
    return " ".join(docstring.partition("\n\n")[0].split())


if __name__ == "__main__":
    PAGE.write_text(replaced(PAGE.read_text("utf-8"), drawn(packages())), "utf-8")
