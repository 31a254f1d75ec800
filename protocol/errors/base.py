"""The error that every expected error is: its docstring is what the member reads.

The docstring says what happened and what to do now; the text given on raising says where.
`exit_code` is the status with which the `weal` command ends (sysexits.h).
"""

from __future__ import annotations

from typing import ClassVar


class CommonwealError(Exception):
    """Something went wrong; the text below says what."""

    exit_code: ClassVar[int] = 1
