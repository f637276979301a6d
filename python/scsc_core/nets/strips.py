# SPDX-License-Identifier: GPL-3.0-or-later
"""Strip pooling of a picture that goes through a network in tiles."""

from __future__ import annotations

import torch

ALIGNMENT = 16  # tiles begin at its multiples, which are whole samples of every feature map


class StripsMissing(Exception):
    """A tile's way through the network ends: a layer lacks its pools over the whole picture."""


class PictureStrips:
    """Pools over whole rows and columns of a picture, layer by layer from its tiles.

    Beside what its convolutions see around a sample, these are all that a network takes from the
    rest of the picture. Each pass over the tiles adds the pools of one layer, the first one that
    lacks them, from what every tile gives, without its surroundings; `end_pass` ends it. With n
    layers of strip pooling the tiles come to their end in pass n + 1.

    Args:
        height, width: of the picture; networks pad it to multiples of `ALIGNMENT`.
    Source: networks.md section 1.
    """

    def __init__(self, height: int, width: int):
        self.height, self.width = _aligned(height), _aligned(width)
        self.layers: list[tuple[torch.Tensor, torch.Tensor]] = []
        self.growing: tuple[torch.Tensor, torch.Tensor] | None = None

    def tile(self, inner: tuple[slice, slice], outer: tuple[slice, slice]) -> TileStrips:
        """For one way of a tile through the network: what it gives and sees, see `tiles`."""
        return TileStrips(self, inner, outer)

    def end_pass(self) -> None:
        """All tiles have added to the pools of a layer."""
        self.layers.append(self.growing)
        self.growing = None


class TileStrips:
    """`PictureStrips` as a tile's layers ask for them, in the order of the network."""

    def __init__(self, picture: PictureStrips, inner, outer):
        self._picture, self._inner, self._outer = picture, inner, outer
        self._asked = 0

    def pools(self, x: torch.Tensor, pool: str, window: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Row pools [1, C, H, m] and column pools [1, C, n, W] over the picture.

        Args:
            x: [1, C, h, w], input of the layer in what the tile sees.
            pool, window: see `layers.StripPool`; m and n are the windows side by side.
        Raises:
            StripsMissing: not known yet; what the tile gives was added to them.
        """
        if self._asked == len(self._picture.layers):
            self._add(x, pool, window)
            raise StripsMissing
        self._asked += 1
        return self._picture.layers[self._asked - 1]

    def here(
        self, rows: torch.Tensor, columns: torch.Tensor, x: torch.Tensor, window: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Maps of the sizes of `pools` cut to the rows and columns of x, which they broadcast to."""
        scale = self._scale(x)
        top, left = (seen.start // scale for seen in self._outer)
        rows = rows[..., top : top + x.shape[2], :]
        columns = columns[..., left : left + x.shape[3]]
        if window:
            rows = rows[..., (left + torch.arange(x.shape[3], device=x.device)) // window]
            columns = columns[..., (top + torch.arange(x.shape[2], device=x.device)) // window, :]
        return rows, columns

    def _scale(self, x: torch.Tensor) -> int:
        return _aligned(self._outer[0].stop - self._outer[0].start) // x.shape[2]

    def _add(self, x: torch.Tensor, pool: str, window: int) -> None:
        scale = self._scale(x)
        height, width = self._picture.height // scale, self._picture.width // scale
        # the last tiles give what pads the picture, too
        (top, bottom), (left, right) = (
            (given.start // scale, _aligned(given.stop) // scale) for given in self._inner
        )
        y0, x0 = (seen.start // scale for seen in self._outer)
        x = x[..., top - y0 : bottom - y0, left - x0 : right - x0]
        if self._picture.growing is None:
            rows = _unknown(x, height, width, pool, window)
            columns = _unknown(x, width, height, pool, window).transpose(2, 3)
            self._picture.growing = rows, columns
        rows, columns = self._picture.growing
        _add_rows(rows[..., top:bottom, :], x, left, width, pool, window)
        columns = columns[..., left:right].transpose(2, 3)
        _add_rows(columns, x.transpose(2, 3), top, height, pool, window)


def _aligned(side: int) -> int:
    return side + -side % ALIGNMENT


def _unknown(x: torch.Tensor, height: int, width: int, pool: str, window: int) -> torch.Tensor:
    """Row pools [1, C, height, windows] of nothing yet."""
    count = -(-width // window) if window else 1
    kind = torch.promote_types(x.dtype, torch.float32)  # bfloat16 would spoil long sums
    start = -torch.inf if pool == "max" else 0.0
    return x.new_full((*x.shape[:2], height, count), start, dtype=kind)


def _add_rows(
    pools: torch.Tensor, x: torch.Tensor, left: int, width: int, pool: str, window: int
) -> None:
    """Add columns left .. of rows of the given width to their pools [1, C, rows, windows]."""
    window = window or width
    for k in range(left // window, -(-(left + x.shape[3]) // window)):
        start, stop = k * window, min((k + 1) * window, width)
        part, place = x[..., max(start - left, 0) : stop - left], pools[..., k]
        if pool == "max":
            torch.maximum(place, part.amax(3).to(place.dtype), out=place)
        else:
            place += part.sum(3, dtype=place.dtype) / (stop - start)
