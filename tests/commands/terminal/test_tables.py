"""What a command says when it has written something."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from commonweal.commands.terminal.output import Form
from commonweal.commands.terminal.tables import confirm


@pytest.mark.parametrize("name", ["{0}", "{", "}", "{x!r:>9}", "{{id", "{id}", "{shown}"])
def test_braces_that_a_member_wrote_stay(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    written = SimpleNamespace(id=b"\xab" * 32)
    confirm(Form.TEXT, written, "Lent again: {shown}, by {id}.", name)
    assert capsys.readouterr().out == f"Lent again: {name}, by abababab.\n"
