# SPDX-License-Identifier: GPL-3.0-or-later
"""Vision tasks of the receiver: a frozen network with pre- and post-processing and its metric."""
