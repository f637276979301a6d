# SPDX-License-Identifier: GPL-3.0-or-later
"""`scsc channel`: the air between two processes, apps/scsc_channel.py."""

from .programs import program_app

app = program_app("scsc_channel.py", "Run the simulated air between a transmitter and a receiver.")
