# SPDX-License-Identifier: GPL-3.0-or-later
"""Front ends that need more than the library: other processes over ZeroMQ, and radios over UHD."""
