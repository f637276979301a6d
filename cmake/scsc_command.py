#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The installed `scsc` command."""

import sys

from scsc_core.cli import main

if __name__ == "__main__":
    sys.exit(main())
