"""A page that shows what does not happen is seen."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from sybil.example import SybilFailure

import conftest
from commonweal.storage.home.home import Home


def run(block: str) -> None:
    page = conftest.parsed(f"```console\n{block}```\n")
    conftest._open(page.namespace)
    try:
        for example in page.examples():
            example.evaluate()
    finally:
        conftest._close(page.namespace)


@pytest.mark.parametrize(
    "block",
    [
        "$ echo one\none\n",
        "$ echo one two three\none ... three\n",
        "$ echo does not matter\n",
        "$ exit 69\n[69]\n",
        "$ echo why >&2; exit 69\nwhy\n[69]\n",
        "$ mkdir a; cd a\n$ basename $PWD\na\n",
        "$ cat <<END\n> a\n> b\n> END\na\nb\n",
        "$ echo $COMMONWEAL_HOME\n\n",
    ],
)
def test_a_page_that_is_true_passes(block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMMONWEAL_HOME", "somebody's")
    run(block)


@pytest.mark.parametrize(
    "block",
    [
        "$ echo one\ntwo\n",
        "$ echo one\none\ntwo\n",
        "$ exit 69\n",
        "$ true\n[69]\n",
        "$ echo one\none\n$ echo two\nthree\n",
        "$ no-such-command\n",
    ],
)
def test_a_page_that_is_not_true_fails(block: str) -> None:
    with pytest.raises(SybilFailure):
        run(block)


def test_a_page_that_ends_midway_leaves_no_node(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[str] = []
    keep = SimpleNamespace(rmtree=lambda folder, **_how: kept.append(str(folder)))
    monkeypatch.setattr(conftest, "shutil", keep)
    began = (
        "$ weal --home ann init --name Ann --no-passphrase\n$ weal --home ann found Garden\n"
        "$ weal --home ann up --background --no-mdns --listen /ip4/127.0.0.1/tcp/0\n$ false\n"
    )
    with pytest.raises(SybilFailure):
        run(began)
    home = Home(Path(kept[0]) / "ann")
    assert home.exists()
    deadline = time.monotonic() + 10
    while home.holder() is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert home.holder() is None
    shutil.rmtree(kept[0])


def test_a_block_without_a_command_is_refused() -> None:
    with pytest.raises(SyntaxError):
        run("echo one\n")
