# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m scsc_core.cli`: the scsc command, as torchrun starts it on several devices."""

import sys

from . import main

if __name__ == "__main__":
    sys.exit(main())
