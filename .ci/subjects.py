"""Check the subjects of commits: `area: what changed`, at most 72 characters, one change.

`python .ci/subjects.py` checks every commit since the form was agreed on; in a shallow clone only
the newest. Needs nothing but Python and git.
"""

from __future__ import annotations

import re
import subprocess
import sys

SUBJECT_CHARS_MAX = 72
SINCE = "ada34282e3e93f57df15ca339ad1f39315419c28"
FORM = re.compile(r"[a-z0-9][a-z0-9., /_-]*: \S.*[^.\s]")


def faults(subject: str) -> list[str]:
    """Return what is wrong with a commit's subject; empty when nothing is."""
    said = []
    if len(subject) > SUBJECT_CHARS_MAX:
        said.append(f"has {len(subject)} characters, more than {SUBJECT_CHARS_MAX}")
    if not FORM.fullmatch(subject):
        said.append("is not of the form `area: what changed`, without a full stop")
    if "; " in subject:
        said.append("names two changes")
    return said


def since(commit: str = SINCE) -> list[str]:
    """Return the subjects of all commits after `commit` that are here, merges left out."""
    known = subprocess.run(["git", "cat-file", "-e", commit], capture_output=True, check=False)
    reach = [f"{commit}..HEAD"] if known.returncode == 0 else ["-1", "HEAD"]
    log = ["git", "log", "--no-merges", "--format=%s", *reach]
    return subprocess.run(log, capture_output=True, text=True, check=True).stdout.splitlines()


def main() -> int:
    """Print each bad subject with its faults. Returns 1 when there is one, else 0."""
    bad = {subject: said for subject in since() if (said := faults(subject))}
    for subject, said in bad.items():
        print(f"{subject!r} {' and '.join(said)}", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
