"""What other users of one machine, and files that they made, can do to a member: nothing."""

from __future__ import annotations

import ast
import grp
import os
import pwd
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from commonweal.client.community.join_requests import PLACES_MAX, places
from commonweal.client.exports.sheet_text import safe_cell
from commonweal.client.home.files import put_bytes
from commonweal.client.importers import git
from commonweal.node.control import client
from commonweal.node.control.client import LocalClient
from commonweal.node.control.message_codec import answer_to_bytes
from commonweal.node.control.messages.submission import NewRecords
from commonweal.protocol.errors import BadLink, UnreadableRepository
from commonweal.protocol.identity.invite import CommunityLink, Contact
from commonweal.protocol.keys import PeerKey
from commonweal.protocol.records.record import CommunityId
from commonweal.storage.home.home import ForeignSocket, Home, is_open_to_others
from commonweal.storage.sqlite import functions
from tests.builders.weal import good, weal
from tests.planted.faults import ROOT


def answered(path: Path) -> list[bytes]:
    """Listen at a path as a node would; return what is said there, as it comes."""
    heard: list[bytes] = []
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen()

    def serve() -> None:
        with listener, listener.accept()[0] as line:
            line.settimeout(2)
            heard.append(line.recv(100_000))
            if heard[-1]:
                line.sendall(answer_to_bytes(NewRecords(()), is_last=True))

    threading.Thread(target=serve, daemon=True).start()
    return heard


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A home whose path is too long for a socket in it."""
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    home = Home(tmp_path / ("long" * 30) / "home")
    good("init", "--name", "Mei", "--no-passphrase", "--home", home.path)
    with tempfile.TemporaryDirectory(prefix="w", dir="/tmp") as shared:
        monkeypatch.setattr("tempfile.gettempdir", lambda: shared)
        assert home.socket.is_relative_to(shared)
        yield home


def test_a_socket_in_a_folder_that_others_can_write_is_told_nothing(
    far: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    good("found", "Lanxi", "--home", far.path)
    monkeypatch.setattr(Home, "holder", lambda _: 1)  # as if a node ran
    folder = far.socket.parent
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    heard = answered(far.socket)
    for typed in (("record", "work", "1", "hour", "--note", "a secret"), ("status",)):
        ran = weal(*typed, "--home", far.path)
        assert ran.code == 77, ran
    assert not heard
    with pytest.raises(ForeignSocket):
        far.socket_for_calling()
    folder.chmod(0o700)
    assert far.socket_for_calling() == far.socket


def test_a_folder_of_another_user_is_told_nothing(
    far: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4_242)
    far.socket.parent.mkdir(mode=0o700)
    with pytest.raises(ForeignSocket):
        Home(far.path).socket_for_calling()


def test_a_process_of_another_user_is_told_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = answered(tmp_path / "s")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.connect(str(tmp_path / "s"))
        assert client.peer_uid(line) == os.getuid()
    heard = answered(tmp_path / "t")
    monkeypatch.setattr(client, "peer_uid", lambda _: os.getuid() + 1)
    with pytest.raises(ForeignSocket):
        LocalClient(tmp_path / "t")
    time.sleep(0.1)
    assert heard in ([], [b""])


def test_a_link_that_was_planted_is_not_written_through(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("dear")
    (tmp_path / ".proof.weal.part").symlink_to(victim)
    put_bytes(tmp_path / "proof.weal", b"proof")
    assert victim.read_text() == "dear"
    assert (tmp_path / "proof.weal").read_bytes() == b"proof"
    assert not (tmp_path / ".proof.weal.part").exists()


def test_a_home_that_others_can_take_away_is_told_of(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    for mode, is_told in ((0o777, True), (0o1777, False), (0o755, False)):
        shared.chmod(mode)
        ran = good("init", "--name", "Mei", "--no-passphrase", "--home", shared / oct(mode))
        assert ("Other users can write" in ran.err) is is_told, oct(mode)


def test_a_home_that_a_group_can_take_away_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = pwd.getpwuid(os.getuid()).pw_name
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o775)
    groups: tuple[tuple[str, list[str], bool], ...]
    groups = (("staff", [], True), (user, ["eve"], True), (user, [], False), (user, [user], False))
    for number, (name, members, is_told) in enumerate(groups):
        made = grp.struct_group((name, "x", 7, members))
        monkeypatch.setattr(grp, "getgrgid", lambda _, made=made: made)
        ran = good("init", "--name", "Mei", "--no-passphrase", "--home", shared / str(number))
        assert (f"Other users can write in {shared}" in ran.err) is is_told, (name, members)
        assert ("chmod go-w" in ran.err) is is_told


@pytest.mark.parametrize(
    ("mode", "is_ours", "is_open"),
    [
        (0o755, True, False),
        (0o757, True, True),
        (0o775, True, True),
        (0o1777, True, False),
        (0o1775, True, False),
        (0o1777, False, True),
        (0o1775, False, True),
    ],
)
def test_who_may_rename_in_a_folder(
    mode: int, is_ours: bool, is_open: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grp, "getgrgid", lambda _: grp.struct_group(("staff", "x", 7, [])))
    owner = os.getuid() if is_ours else os.getuid() + 1
    assert is_open_to_others(os.stat_result((mode, 1, 1, 1, owner, 7, 0, 0, 0, 0))) is is_open


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("thanks;=HYPERLINK(1)", "thanks;'=HYPERLINK(1)"),
        ('thanks; "=HYPERLINK(1)"', 'thanks;\' "=HYPERLINK(1)"'),
        ("thanks\n=HYPERLINK(1)", "thanks\n'=HYPERLINK(1)"),
        ("thanks\r\n =HYPERLINK(1)", "thanks\r\n' =HYPERLINK(1)"),
        ("a;b, c; d", "a;b, c; d"),
        ("several\nlines", "several\nlines"),
        ("from -3 to +5", "from -3 to +5"),
    ],
)
def test_no_cell_becomes_a_formula_where_semicolons_part_cells(cell: str, shown: str) -> None:
    assert safe_cell(cell) == shown


def run(folder: Path, *typed: str) -> None:
    """Run git there as a person."""
    named = ("-c", "user.name=Mei", "-c", "user.email=mei@example.org")
    subprocess.run(["git", *named, *typed], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A repository of the member, with a commit that nobody is to see."""
    folder = tmp_path / "secret"
    folder.mkdir()
    run(folder, "init", "-q")
    run(folder, "commit", "-q", "--allow-empty", "-m", "secret")
    return folder


def test_a_repository_that_leads_into_another_is_not_read(secret: Path, tmp_path: Path) -> None:
    assert git.Repository(secret).count() == 1
    (secret / "sub").mkdir()
    assert git.Repository(secret / "sub").count() == 1
    by_file = tmp_path / "file"
    by_file.mkdir()
    (by_file / ".git").write_text(f"gitdir: {secret}/.git\n")
    by_link = tmp_path / "link"
    by_link.mkdir()
    (by_link / ".git").symlink_to(secret / ".git")
    borrowing = tmp_path / "borrowing"
    run(tmp_path, "clone", "-q", "--shared", str(secret), str(borrowing))
    by_common = tmp_path / "common"
    run(tmp_path, "clone", "-q", str(secret), str(by_common))
    (by_common / ".git" / "commondir").write_text(f"{secret}/.git\n")
    by_objects = tmp_path / "objects"
    run(tmp_path, "clone", "-q", str(secret), str(by_objects))
    subprocess.run(["rm", "-r", str(by_objects / ".git" / "objects")], check=True)
    (by_objects / ".git" / "objects").symlink_to(secret / ".git" / "objects")
    for folder in (by_file, by_link, borrowing, by_common, by_objects):
        with pytest.raises(UnreadableRepository, match="another repository"):
            git.Repository(folder)


HARD = {
    "instr": "instr(replace(hex(zeroblob(520000)), '0', 'a'), "
    "replace(hex(zeroblob(260000)), '0', 'a') || 'b')",
    "replace": "length(replace(hex(zeroblob(260000)), hex(zeroblob(130000)) || 'b', 'x'))",
    "trim": "length(trim(hex(zeroblob(260000)), replace(hex(zeroblob(260000)), '0', 'b') || '1'))",
    "like": "hex(zeroblob(260000)) LIKE '%0%0%0%0%0%0%1'",
    "glob": "hex(zeroblob(260000)) GLOB '*0*0*0*0*0*0*1'",
}


@pytest.mark.parametrize("name", HARD)
def test_no_step_of_a_question_takes_long(name: str) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        functions.put_functions(connection)
        begun = time.process_time()
        connection.execute(f"SELECT {HARD[name]}").fetchall()
        assert time.process_time() - begun < 1


CALLS = [
    *("instr('abcb', 'b')", "instr('abc', 'x')", "instr(x'0102', x'02')", "instr(NULL, 'a')"),
    *("instr('', '')", "instr('ab', '')", "instr(12, 2)", "replace('aXbX', 'X', 'yy')"),
    *("replace('a', '', 'b')", "replace('a', NULL, 'b')", "trim('  a ')", "ltrim('xxa', 'x')"),
    *("rtrim('axyx', 'xy')", "trim(NULL)", "trim('a', '')", "'ABC' LIKE 'a%'", "'abc' LIKE '_b_'"),
    *("'abc' LIKE 'b'", "'a%c' LIKE 'a%'", "'' LIKE '%'", "'ab' LIKE '%b%b'", "NULL LIKE 'a'"),
    *("'é' LIKE 'É'", "'aab' LIKE '%ab'", "'abcabd' LIKE '%a_d'", "'a\nb' LIKE 'a%b'"),
    *("'abc' GLOB 'a*'", "'abc' GLOB 'A*'", "'a.c' GLOB 'a?c'", "'abc' GLOB 'a[a-c]c'"),
    *("'abc' GLOB 'a[^x]c'", "'a]c' GLOB 'a[]]c'", "'ab' GLOB '[^a]b'", "'x' GLOB '[a-'"),
]


@pytest.mark.parametrize("asked", CALLS)
def test_these_functions_answer_as_those_of_sqlite(asked: str) -> None:
    with closing(sqlite3.connect(":memory:")) as usual:
        expected = usual.execute(f"SELECT {asked}").fetchone()
        functions.put_functions(usual)
        assert usual.execute(f"SELECT {asked}").fetchone() == expected


def test_a_link_makes_a_node_dial_few_places_and_none_of_its_own_machine() -> None:
    def link(*peers: tuple[str, ...]) -> CommunityLink:
        found = tuple(Contact(PeerKey(bytes([n]) * 32), one) for n, one in enumerate(peers))
        return CommunityLink(CommunityId(bytes(32)), found, None)

    def dialled(made: CommunityLink, *, names: bool = False) -> list[str]:
        return [a for one in places(made, names=names).contacts for a in one.addresses]

    far, near = "/ip4/192.0.2.7/tcp/4001", "/ip4/127.0.0.1/tcp/22"
    name = "/dns/example.org/tcp/4001"
    others = (near, "/ip6/::1/tcp/1", "/ip6/fe80::1/tcp/1", "/ip4/169.254.169.254/tcp/80", name)
    odd = ("/ip6/::ffff:127.0.0.1/tcp/1", "/ip4/0.0.0.0/tcp/1", "/ip4/junk/tcp/1")
    assert dialled(link((*others, far, *odd))) == [far]
    assert dialled(link((near,))) == [near], "two nodes of one machine"
    assert dialled(link((name, far)), names=True) == [name, far]
    with pytest.raises(BadLink, match="--names"):
        places(link((name,)))
    assert len(dialled(link(*[(far,) * 16] * 8))) == PLACES_MAX


def test_what_is_imported_is_declared_and_what_is_declared_is_imported() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    declared = {re.split(r"[>=<~! ]", one, maxsplit=1)[0] for one in listed}
    names = {
        "nacl": "pynacl",
        "google": "protobuf",
        "prometheus_client": "prometheus-client",
        "python_multipart": "python-multipart",
    }
    imported: set[str] = set()
    for folder in ("protocol", "storage", "node", "client", "commands", "web"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Import):
                    imported |= {one.name.partition(".")[0] for one in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    imported.add(node.module.partition(".")[0])
    others = imported - set(sys.stdlib_module_names) - {"commonweal", "trio_typing"}
    by_others = {"python-multipart"}  # FastAPI imports it where a form is read
    assert {names.get(one, one) for one in others} | by_others == declared
