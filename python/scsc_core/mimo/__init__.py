# SPDX-License-Identifier: GPL-3.0-or-later
"""MIMO link: constellations, precoders with their enhancement, combiner, detectors, information."""

from .combining import CEN_KINDS, cen_loss, cen_matrix
from .constellation import (
    MODULATIONS,
    bits_per_symbol,
    constellation,
    product_alphabet,
    qam,
)
from .detection import DETECTORS, combine, soft_bits
from .information import gmi_from_llr, mi_qam, mismatched_information, mutual_information
from .outage import outage_rate, rate_at_outage, snr_at_rate
from .power import mercury, waterfill
from .precoding import PRECODERS, SELECTIONS, normalise, supports, transmit_table
from .svd import canonical_svd

__all__ = [
    "CEN_KINDS",
    "DETECTORS",
    "MODULATIONS",
    "PRECODERS",
    "SELECTIONS",
    "bits_per_symbol",
    "canonical_svd",
    "cen_loss",
    "cen_matrix",
    "combine",
    "constellation",
    "gmi_from_llr",
    "mercury",
    "mi_qam",
    "mismatched_information",
    "mutual_information",
    "normalise",
    "outage_rate",
    "product_alphabet",
    "qam",
    "rate_at_outage",
    "snr_at_rate",
    "soft_bits",
    "supports",
    "transmit_table",
    "waterfill",
]
