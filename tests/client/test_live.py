"""`NodeWatch`: the changes on a running node, its end, and how another thread ends the watching."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from commonweal.client import Member, create_home
from commonweal.client.home import live
from commonweal.client.home.live import NodeWatch
from commonweal.client.language.plain import plain
from commonweal.node.control.messages.changes import NodeChanges, Watch
from commonweal.node.service.change_feed import WATCHERS_MAX
from commonweal.protocol.errors import NotReachable, UsageError
from commonweal.storage.home.home import Home

LOOPBACK: dict[str, Any] = {"listen": ("/ip4/127.0.0.1/tcp/0",), "mdns": False}
LATE_S = 30.0
"""When a test gives up."""


@pytest.fixture
def mei(tmp_path: Path) -> Iterator[Member]:
    """The founder of a community, whose node runs."""
    create_home(tmp_path / "mei", "Mei")
    with Member(tmp_path / "mei") as member:
        member.found("Lanxi", rules="time-bank")
        member.start_node(**LOOPBACK)
        yield member
        if member.home.holder() is not None:
            member.stop_node()


@contextmanager
def told(home: Home, after: NodeChanges | None = None) -> Iterator[queue.Queue[Any]]:
    """Watch a node in a thread; give its changes, then the error or None that ended it."""
    changes: queue.Queue[Any] = queue.Queue()
    watch = NodeWatch(home, after)

    def follow() -> None:
        try:
            with watch:
                for change in watch:
                    changes.put(change)
            changes.put(None)
        except NotReachable as error:
            changes.put(error)

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield changes
    finally:
        watch.close()
        thread.join(LATE_S)
        assert not thread.is_alive()


def until(changes: queue.Queue[Any], fits: Callable[[NodeChanges], bool]) -> list[NodeChanges]:
    """Return the changes up to the first that fits."""
    seen: list[NodeChanges] = []
    while not seen or not fits(seen[-1]):
        change = changes.get(timeout=LATE_S)
        assert isinstance(change, NodeChanges), change
        seen.append(change)
    return seen


def test_what_a_member_records_and_seals_is_told_as_it_happens(mei: Member) -> None:
    with told(mei.home) as changes:
        (first,) = until(changes, lambda _: True)
        assert first.is_more and first.now.state == "member"
        work = mei.record("work", 3, "hours")
        written = until(changes, lambda change: work.id in change.records)
        assert "records" in written[-1].topics and "event" in written[-1].kinds
        sealed = mei.seal()
        seen = until(changes, lambda change: change.now.height >= sealed.height)
        assert "seal" in seen[-1].topics
        assert not any(change.is_more for change in (*written, *seen))
        numbers = [change.number for change in (first, *written, *seen)]
        assert numbers == sorted(set(numbers))
        row = plain(seen[-1])
        assert row["now"]["own"]["held"] == [] and row["now"]["sealed"].endswith("Z")


def test_another_run_of_the_node_is_noticed_and_the_end_of_one_is_told(mei: Member) -> None:
    with told(mei.home) as changes:
        (first,) = until(changes, lambda _: True)
        mei.stop_node()
        while isinstance(last := changes.get(timeout=LATE_S), NodeChanges):
            first = last
        assert isinstance(last, NotReachable)
    with pytest.raises(NotReachable):
        NodeWatch(mei.home)
    mei.start_node(**LOOPBACK)
    with told(mei.home, first) as changes:
        (again,) = until(changes, lambda _: True)
    assert again.epoch != first.epoch and again.is_more
    with told(mei.home, again) as changes:
        work = mei.record("work", 1, "hour")
        (*_, news) = until(changes, lambda change: work.id in change.records)
    assert news.epoch == again.epoch and not news.is_more


def test_closing_from_another_thread_ends_what_waits_and_frees_its_place(mei: Member) -> None:
    with NodeWatch(mei.home) as quiet:
        first = next(quiet)
    watches = [NodeWatch(mei.home, first) for _ in range(WATCHERS_MAX)]
    ended: queue.Queue[int] = queue.Queue()

    closed = threading.Event()

    def follow(number: int, watch: NodeWatch) -> None:
        with watch:
            while not closed.is_set():
                with suppress(UsageError):  # the extra one has the last place: ask again
                    for _ in watch:
                        pass
        ended.put(number)

    threads = [
        threading.Thread(target=follow, args=(number, watch), daemon=True)
        for number, watch in enumerate(watches)
    ]
    for thread in threads:
        thread.start()
    with pytest.raises(UsageError, match="too many"):
        while True:  # until all of them wait
            with NodeWatch(mei.home) as extra:
                next(extra)
    assert ended.empty()
    closed.set()
    for watch in watches:
        watch.close()
    assert sorted(ended.get(timeout=LATE_S) for _ in watches) == list(range(WATCHERS_MAX))
    with told(mei.home, first) as changes:
        mei.record("work", 1, "hour")
        until(changes, lambda change: "records" in change.topics)


@pytest.fixture
def halted(tmp_path: Path) -> Iterator[Home]:
    """A home whose node accepts connections and never answers."""
    home = Home(tmp_path / "home")
    home.path.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(home.socket_for_binding()))
        listener.listen()
        yield home


def test_a_halted_node_is_not_waited_for(halted: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "SILENCE_S_MAX", 0.05)
    with NodeWatch(halted) as watch, pytest.raises(NotReachable):
        next(watch)


def test_a_watch_that_was_closed_asks_nothing(halted: Home) -> None:
    watch = NodeWatch(halted)
    watch.close()
    with watch:
        assert list(watch) == []


def test_an_answer_without_a_change_is_passed_over(
    mei: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    with NodeWatch(mei.home) as watch:
        first = next(watch)
        quiet = NodeChanges(first.epoch, first.number, (), (), (), False, first.now)
        later = NodeChanges(first.epoch, first.number + 1, ("peers",), (), (), False, first.now)
        answers = iter([quiet, quiet, later])
        asked: list[Watch] = []

        def ask(question: Watch) -> NodeChanges:
            asked.append(question)
            return next(answers)

        monkeypatch.setattr(watch._client, "ask", ask)
        assert next(watch) is later
        assert asked == [Watch(first.epoch, first.number)] * 3
