"""What a list of things and a trace say of how far they are final."""

from __future__ import annotations

from pathlib import Path

from tests.builders.weal import founder, good


def test_a_list_and_a_trace_say_how_far_they_are_final(tmp_path: Path) -> None:
    home = founder(tmp_path / "home")
    flour = good("resource", "new", "flour", "3", "kg", "--home", home, "-o", "json").json["id"]

    def standings() -> list[str]:
        shown = (("resource", "list"), ("trace", flour))
        return [good(*typed, "--home", home).out.splitlines()[-1] for typed in shown]

    assert standings() == ["provisional: not sealed yet"] * 2
    good("seal", "--home", home)
    assert standings() == ["final at height 1"] * 2
    good("record", "work", "1", "hour", "--home", home)
    assert standings() == ["final up to height 1; what came after it is provisional"] * 2
