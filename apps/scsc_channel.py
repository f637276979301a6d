#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The air of the virtual radio: fetch samples from a transmitter, pass them through a channel, hand them on.

Exit codes: 0 ended by Ctrl-C or --duration, 1 error, 2 usage or an address that cannot be used, 3 forced
end, 130 interrupted before the run.
"""

import sys

from scsc_core.cli.air_start import start

if __name__ == "__main__":
    sys.exit(start("air_channel", "run_channel", __doc__))
