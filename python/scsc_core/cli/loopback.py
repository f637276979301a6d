# SPDX-License-Identifier: GPL-3.0-or-later
"""`scsc loopback`: the loopback flowgraph, apps/scsc_loopback.py."""

from .programs import program_app

app = program_app("scsc_loopback.py", "Run the loopback flowgraph with options of your own.")
