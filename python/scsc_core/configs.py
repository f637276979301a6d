# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the configuration files that come with the module are."""

import sys
from pathlib import Path


def folder() -> Path:
    """configs/ of the source tree, else share/scsc/configs under the installation prefix.

    Raises:
        ValueError: neither is there.
    """
    package = Path(__file__).resolve().parent
    prefixes = [*package.parents, Path(sys.prefix), Path("/usr/local"), Path("/usr")]
    candidates = [package.parents[1] / "configs"]
    candidates += [prefix / "share" / "scsc" / "configs" for prefix in prefixes]
    for candidate in candidates:
        if (candidate / "link.yaml").is_file():
            return candidate
    raise ValueError("the folder configs is missing: install again, or name files with -c")
