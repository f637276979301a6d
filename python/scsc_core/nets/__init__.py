# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks (torch): NCHW float pictures in [0, 1]; numpy only at `inference` and `preprocessor`."""
