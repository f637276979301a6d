# SPDX-License-Identifier: GPL-3.0-or-later
"""`scsc demo`: the comparison flowgraph, apps/scsc_demo.py."""

from .programs import program_app

app = program_app("scsc_demo.py", "Send a picture by every scheme and compare what the task sees.")
