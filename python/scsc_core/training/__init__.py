# SPDX-License-Identifier: GPL-3.0-or-later
"""Training stages; one module for each stage; they need torch."""
