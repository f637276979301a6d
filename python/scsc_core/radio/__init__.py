# SPDX-License-Identifier: GPL-3.0-or-later
"""What the radio side of the library shares: metadata keys, and the front ends."""
