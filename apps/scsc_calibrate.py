#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure noise floor, receive gain and the delay from transmission to reception of one radio.

Exit codes: 0 all is well, 1 error, 2 usage or a front end that cannot be used, 4 something was not
measured or is not well, 130 interrupted.
"""

import sys

from scsc_core.cli.air_start import start

if __name__ == "__main__":
    sys.exit(start("air_calibration", "run_calibration", __doc__))
