"""Positions of keys in a TOML text."""

from __future__ import annotations

import tomllib

import pytest

from commonweal.protocol.rules.toml_positions import Path, places

PLACED = '''
name = "x" # name = 1
[a]
b = """
[c]
b = 1
"""
d = [ # a comment with ] and "
  "[e]",
  { f = 1 },
]
g.h = 1
  i = 'it''s
[[l]]
"m n" = 1
[[l]]
m = 2
[l.o]
p = 3
[q."r.s"]
t = {u = 1, v = [2]}
'''.replace("'it''s", '"it\'s"')


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("name",), (2, 1)),
        (("a",), (3, 1)),
        (("a", "b"), (4, 1)),
        (("a", "d"), (8, 1)),
        (("a", "g"), (12, 1)),
        (("a", "g", "h"), (12, 1)),
        (("a", "i"), (13, 3)),
        (("l",), (14, 1)),
        (("l", 0), (14, 1)),
        (("l", 0, "m n"), (15, 1)),
        (("l", 1, "m"), (17, 1)),
        (("l", 1, "o", "p"), (19, 1)),
        (("q",), (20, 1)),
        (("q", "r.s", "t"), (21, 1)),
    ],
)
def test_a_key_is_found_in_its_text(path: Path, place: tuple[int, int]) -> None:
    tomllib.loads(PLACED)
    assert places(PLACED)[path] == place
