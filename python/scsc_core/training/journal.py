# SPDX-License-Identifier: GPL-3.0-or-later
"""What a training run tells: metrics.jsonl always, TensorBoard where installed, curves, pictures."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

_SMOOTHING = 0.03  # of the loss curve, share of a new value


class Journal:
    """Writes the records of one run folder; appends when a run is resumed.

    Args:
        folder: run folder, exists.
        resumed_at: step that the run goes on from; later records of an interrupted run are
            dropped, so that the file tells one history.
    """

    def __init__(self, folder: Path, resumed_at: int = 0):
        self.folder = Path(folder)
        self._path = self.folder / "metrics.jsonl"
        if self._path.is_file():
            kept = [r for r in read_records(self._path) if r["step"] <= resumed_at]
            self._path.write_text("".join(json.dumps(r) + "\n" for r in kept), encoding="utf-8")
        self._board = _board(self.folder / "tb")

    def record(self, step: int, kind: str, values: dict[str, float]) -> None:
        """One line {"step", "kind", ...values}; values that are not finite become null."""
        plain = {k: float(v) if math.isfinite(v) else None for k, v in values.items()}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, "kind": kind, **plain}) + "\n")
        if self._board is not None:
            for name, value in plain.items():
                if value is not None:
                    self._board.add_scalar(f"{kind}/{name}", value, step)

    def pictures(self, step: int, pictures: dict[str, np.ndarray]) -> None:
        """Pictures of a step as PNG under pictures/, and on the board."""
        from PIL import Image

        folder = self.folder / "pictures"
        folder.mkdir(exist_ok=True)
        for name, image in pictures.items():
            Image.fromarray(image).save(folder / f"{name}-{step:06d}.png")
            if self._board is not None:
                self._board.add_image(name, image, step, dataformats="HWC")

    def close(self) -> None:
        """Draw curves.png and close the board."""
        records = read_records(self._path) if self._path.is_file() else []
        if records:
            draw_curves(records, self.folder / "curves.png")
        if self._board is not None:
            self._board.close()


def _board(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:  # the extra `train` is not installed; metrics.jsonl holds the same
        return None
    return SummaryWriter(str(folder))


def read_records(path: Path) -> list[dict[str, Any]]:
    """All complete lines of a metrics.jsonl; a half-written last line is dropped."""
    records = []
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        try:
            records.append(json.loads(line))
        except ValueError:
            break
    return records


def draw_curves(records: list[dict[str, Any]], path: Path) -> None:
    """One small plot for each training term (thin: each step, thick: smoothed) and each score."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = []
    for kind in ("train", "validation"):
        rows = [r for r in records if r["kind"] == kind]
        names = dict.fromkeys(k for r in rows for k in r if k not in ("step", "kind"))
        panels += [(kind, name, rows) for name in names]
    columns = min(4, max(1, len(panels)))
    lines = -(-len(panels) // columns)
    figure = Figure(figsize=(3.4 * columns, 2.5 * lines), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    for place, (kind, name, rows) in enumerate(panels, 1):
        axis = figure.add_subplot(lines, columns, place)
        points = [(r["step"], r[name]) for r in rows if r.get(name) is not None]
        if not points:
            continue
        steps, values = np.array(points, float).T
        if kind == "train":
            axis.plot(steps, values, color="#9bb7d4", lw=0.6)
            axis.plot(steps, _smoothed(values), color="#1f4e8c", lw=1.4)
        else:
            axis.plot(steps, values, color="#b3541e", marker="o", ms=3, lw=1.2)
        axis.set_title(f"{kind}: {name}", fontsize=9)
        axis.tick_params(labelsize=7)
        axis.grid(alpha=0.25)
    figure.savefig(path, dpi=90, format="png")


def _smoothed(values: np.ndarray) -> np.ndarray:
    out, level = np.empty_like(values), values[0]
    for i, value in enumerate(values):
        level += max(_SMOOTHING, 1 / (i + 1)) * (value - level)
        out[i] = level
    return out
