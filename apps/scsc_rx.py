#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Receive pictures over the air: a USRP, the virtual radio, a recording, or a simulation.

Exit codes: 0 done, 1 error, 2 usage or a front end that cannot be used, 3 forced end, 4 ended without
what was wanted, 130 interrupted before the run.
"""

import sys

from scsc_core.cli.air_start import start

if __name__ == "__main__":
    sys.exit(start("air_program", "run_program", "rx", __doc__.splitlines()[0]))
