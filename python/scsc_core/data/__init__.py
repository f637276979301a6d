# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures to send: the sample photograph and lists of files."""

from .files import PICTURE_SUFFIXES, list_pictures, sample_image

__all__ = ["PICTURE_SUFFIXES", "list_pictures", "sample_image"]
