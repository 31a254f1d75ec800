"""A digest shown on the desktop by a program of the system, or given to a hook of the member.

No shell is between, what others wrote is passed as an argument or on stdin, and a program that
does not end is stopped.
"""

from __future__ import annotations

import html
import os
import shlex
import shutil
import signal
import subprocess
from contextlib import suppress
from tempfile import TemporaryFile

from commonweal.client.language.visible_text import visible
from commonweal.commands.terminal.language import _
from commonweal.protocol.errors import DigestNotShown, UsageError

NOTIFY_SECONDS_MAX = 20.0
COMPLAINT_BYTES_MAX = 400
"""How much of what a program writes to stderr is shown when it fails."""

_APPLE_SCRIPT = (
    *("-e", "on run argv"),
    *("-e", "display notification (item 2 of argv) with title (item 1 of argv)"),
    *("-e", "end run"),
)


def notify(title: str, text: str, hook: str | None = None) -> None:
    """Show a digest on the desktop, or give it to the command `hook` on stdin.

    Raises DigestNotShown where there is no such program, or it fails or takes too long, and
    UsageError for a hook that is no command.
    """
    if hook is not None:
        return _run(_words_of(hook), f"{title}\n{text}\n")
    if shutil.which("notify-send"):
        # Desktops read the text as markup, so that what others wrote must not be any.
        body = html.escape(text, quote=False)
        return _run(["notify-send", "--app-name=Commonweal", "--", title, body])
    if shutil.which("osascript"):
        return _run(["osascript", *_APPLE_SCRIPT, title, text])
    raise DigestNotShown(
        _("neither notify-send nor osascript is here; install one, or name a --hook COMMAND")
    )


def _words_of(hook: str) -> list[str]:
    """Return a command as a program and its arguments."""
    try:
        words = shlex.split(hook)
    except ValueError as error:
        raise UsageError(f"--hook: {error}") from None
    if not words:
        raise UsageError(_("--hook names a command"))
    return words


def _run(command: list[str], given: str = "") -> None:
    """Run a program to its end, with `given` on its stdin. Raises DigestNotShown."""
    with TemporaryFile() as complaint:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=complaint,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise DigestNotShown(f"{visible(command[0])}: {why}") from error
        try:
            process.communicate(given.encode("utf-8", "replace"), timeout=NOTIFY_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            text = _("{program} did not end within {seconds} seconds")
            raise DigestNotShown(
                text.format(program=visible(command[0]), seconds=f"{NOTIFY_SECONDS_MAX:g}")
            ) from None
        finally:
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if process.returncode:
            complaint.seek(0)
            said = complaint.read(COMPLAINT_BYTES_MAX).decode("utf-8", "replace").strip()
            text = _("{program} ended with {code}")
            ended = text.format(program=visible(command[0]), code=process.returncode)
            raise DigestNotShown(f"{ended}: {visible(said)}" if said else ended)
