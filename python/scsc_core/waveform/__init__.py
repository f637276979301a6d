# SPDX-License-Identifier: GPL-3.0-or-later
"""The link over the air: MIMO-OFDM frames, channel feedback, transport of pictures over many frames."""
