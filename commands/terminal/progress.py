"""How far a long command is: a bar beside the output, where somebody watches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

LEFT_SHOWN_MIN = 5_000
"""Where less is left to be folded, it takes a moment and shows no bar."""


@contextmanager
def watching(what: str) -> Iterator[Callable[[int, int], None]]:
    """Give what is called with how much is done, and of how much; much that is left shows a bar."""
    with ExitStack() as held:
        advance: Callable[[int], None] | None = None
        before = 0

        def told(done: int, of: int) -> None:
            nonlocal advance, before
            if advance is None and of - done >= LEFT_SHOWN_MIN:
                advance = held.enter_context(progress(what, of))
            if advance is not None:
                advance(done - before)
                before = done

        yield told


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Give what is called with how much more is done; it shows nothing where nobody watches."""
    if not sys.stderr.isatty():
        yield lambda _more: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as TimeLeft

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeLeft())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(what, total=total)
        yield lambda more: shown.advance(task, more)
