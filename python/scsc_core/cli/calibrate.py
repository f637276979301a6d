# SPDX-License-Identifier: GPL-3.0-or-later
"""`scsc calibrate`: levels, gain and delay of a radio, apps/scsc_calibrate.py."""

from .programs import program_app

app = program_app("scsc_calibrate.py", "Measure noise floor, receive gain and delay of one radio.")
