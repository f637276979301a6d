#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""GNU Radio Companion with this installation's blocks and interpreter: `scsc companion`."""

import sys

from scsc_core.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "companion")
    sys.exit(main())
