# SPDX-License-Identifier: GPL-3.0-or-later
"""`scsc tx`: the transmitter over the air, apps/scsc_tx.py."""

from .programs import program_app

app = program_app(
    "scsc_tx.py",
    "Send pictures over the air: a USRP, the virtual radio, a recording, or a simulation.",
)
