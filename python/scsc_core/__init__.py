# SPDX-License-Identifier: GPL-3.0-or-later
"""Standards-compatible semantic image communication: the library behind the GNU Radio blocks."""

__version__ = "0.1.0"
