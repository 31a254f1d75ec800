"""The build backend: hatchling, on a Python that can run what is built.

Installers build first and look at the dependencies of libp2p later, which on Python 3.14 ends in a
page of C and tracebacks (docs/decisions/0033-a-program-that-brings-its-python.md). This ends
sooner, in a sentence.
"""

import sys

if sys.version_info >= (3, 14):
    sys.exit(
        "Commonweal needs Python 3.11, 3.12 or 3.13, and this is "
        f"{sys.version_info[0]}.{sys.version_info[1]}. Type: "
        "uv tool install --python 3.13 .   or: pipx install --python 3.13 --fetch-missing-python ."
    )

from hatchling.build import *  # noqa: F403  # after the sentence
