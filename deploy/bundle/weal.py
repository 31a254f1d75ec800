"""`weal` as a self-contained program, as PyInstaller starts it.

The bootloader leads the loader of shared libraries into the bundle. What this process starts (git,
a browser, `weal` again) gets the environment back as it was before.
"""

import os

os.environ.pop("LD_LIBRARY_PATH", None)
if (before := os.environ.pop("LD_LIBRARY_PATH_ORIG", None)) is not None:
    os.environ["LD_LIBRARY_PATH"] = before
os.environ["PYINSTALLER_RESET_ENVIRONMENT"] = "1"

from commonweal.cli import main  # the environment first

raise SystemExit(main())
