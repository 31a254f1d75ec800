"""Commonweal: the one import name of this repository.

The code lies in the top-level `protocol/`, `storage/`, `node/`, `client/`, `commands/` and
`cli.py`; a wheel carries them inside `commonweal/`. In a checkout they lie beside this folder, so
the repository root joins the search path here. The links beside this file serve
type checkers and editors, which do not run this code.
"""

from os.path import abspath as _abspath
from os.path import dirname as _dirname
from os.path import isfile as _isfile

__version__ = "0.1.0"

_root = _dirname(_dirname(_abspath(__file__)))
if _isfile(f"{_root}/pyproject.toml") and _isfile(f"{_root}/protocol/records/record.py"):
    __path__.insert(0, _root)
