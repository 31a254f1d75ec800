"""What the pages link to and name: text goes in, links, headings, tests and files come out.

Nothing here reads a file; `test_page_names.py` brings the tree.
"""

from __future__ import annotations

import ast
import re

_LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)\s]*)?\)")


def links(text: str) -> list[str]:
    """The relative links of a Markdown page, without their fragments."""
    return [link for link in _LINK.findall(text) if "://" not in link and ":" not in link]


_PLACE = re.compile(r"\]\(([^)\s#:]*)#([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def places(text: str) -> list[tuple[str, str]]:
    """The links of a page to a heading, as (page or "" for itself, fragment)."""
    return _PLACE.findall(text)


def headings(text: str) -> set[str]:
    """The fragments by which the headings of a page are reached."""
    told = _HEADING.findall(_FENCED.sub("", text))
    return {re.sub(r"[^\w\- ]", "", one.strip().lower()).replace(" ", "-") for one in told}


_TEST = re.compile(r"((?:\w+/)*test_\w+\.py)(?:::(test_\w+))?")


def tests_named(text: str) -> list[tuple[str, str]]:
    """The tests that a page names, as (file, how the test's name begins)."""
    return _TEST.findall(text)


_PATH = re.compile(
    r"`((?:protocol|storage|node|client|commands|web|tests|bench|docs|deploy)/[\w./-]*)(?:::([\w.]+))?`"
)


def paths_named(text: str) -> list[tuple[str, str]]:
    """The paths of the tree that a page names between backticks, as (path, name in it or "")."""
    return _PATH.findall(text)


def defines(text: str, dotted: str) -> bool:
    """Whether a Python file defines `function`, `Class`, `Class.method` or a constant."""
    body: list[ast.stmt] = ast.parse(text).body
    for name in dotted.split("."):
        inside = [node for node in body if _defined(node) == name]
        if not inside:
            return False
        body = getattr(inside[0], "body", [])
    return True


def _defined(node: ast.stmt) -> str:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
    return ""
