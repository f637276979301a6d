# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics, benchmarks, comparisons and fuzzing."""
