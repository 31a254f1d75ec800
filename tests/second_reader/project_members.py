"""The members of a project, and how one leaves it: kinds.md."""

from __future__ import annotations

from tests.second_reader.context import Context


def is_in(c: Context, project: bytes, member: bytes) -> bool:
    """Whether a member is in a project."""
    row = c.state.row("PROJECT_MEMBER", project, member)
    return row is not None and row["is_in"]


def take_out(c: Context, id: bytes, member: bytes) -> None:
    """Take a member out of a project."""
    c.state.change("PROJECT_MEMBER", id + member, is_in=False)
    c.state.change("PROJECT", id, members=c.state.known("PROJECT", id)["members"] - 1)


def depart(c: Context, member: bytes) -> None:
    """Take a member who is gone out of every project."""
    for key, _ in c.state.all("OPEN_PROJECT"):
        if is_in(c, key[-32:], member):
            take_out(c, key[-32:], member)
