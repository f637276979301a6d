# SPDX-License-Identifier: GPL-3.0-or-later
"""Training stages; each module is one stage of training.md and needs torch."""
