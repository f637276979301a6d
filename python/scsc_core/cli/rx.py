# SPDX-License-Identifier: GPL-3.0-or-later
"""`scsc rx`: the receiver over the air, apps/scsc_rx.py."""

from .programs import program_app

app = program_app(
    "scsc_rx.py",
    "Receive pictures over the air: a USRP, the virtual radio, a recording, or a simulation.",
)
