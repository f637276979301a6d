# SPDX-License-Identifier: GPL-3.0-or-later
"""Live views. PyQt5 is imported in this package only; `gnuradio.scsc` works without it."""
