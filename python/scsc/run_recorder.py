# SPDX-License-Identifier: GPL-3.0-or-later
"""A run folder with what a flowgraph was made with and what it gave."""

from __future__ import annotations

from typing import Any

import numpy as np

from scsc_core import runs
from scsc_core.config import LinkConfig, load_config
from scsc_core.radio import keys

from .message_block import message_block
from .supervisor import supervised


class run_recorder(message_block):
    """Keeps a run folder: configuration, one line per picture, the first pictures, a summary.

    runs/<time>-<name>/ with config.yaml, log.jsonl (one line per picture), metrics.json (means,
    written at the end) and the first pictures as PNG.

    Message ports:
        result (in): u8 [height, width, 3] from the source decoder.
        metrics (in): dict per picture from link_metrics; its `last` ends this block.
        status (out): dict of frames, dropped.

    Args:
        name: str of letters, digits and ._-, part of the folder's name.
        root: str, folder of all runs.
        config: LinkConfig or path of a YAML file that says how the run was made; None: defaults.
        max_pictures: int >= 0, pictures to keep.
    Attributes:
        path: Path of the run folder.
    Raises:
        ValueError: a bad name, a folder that cannot be made, max_pictures < 0.
    Source: scsc_core.runs.
    """

    def __init__(self, name="flowgraph", root="runs", config=None, max_pictures=16):
        if max_pictures < 0:
            raise ValueError(f"max_pictures must be >= 0, got {max_pictures}")
        super().__init__(
            "run_recorder", pdus=(keys.RESULT,), dicts=(keys.METRICS,), main=(keys.METRICS,)
        )
        if not isinstance(config, LinkConfig):
            config = load_config(LinkConfig, [config] if config else [])
        self._run = runs.create_run(name, root)
        self._run.save_config(config)
        self._max_pictures = max_pictures
        self._seen = 0
        self._records: list[dict[str, Any]] = []
        self.path = self._run.path

    def on_result(self, image, meta):
        """Keep one of the first pictures."""
        if self._seen < self._max_pictures:
            self._run.save_image(f"{self._seen:05d}", image)
        self._seen += 1
        self.counters["frames"] += 1

    def on_lost_frame(self, meta):
        """A frame that was dropped on the way leaves a gap in the numbers of the pictures."""
        self._seen += 1

    def on_metrics(self, record):
        """One more line of the log."""
        self._records.append(record)
        self._run.log(record)

    def idle(self):
        """True when every picture that was logged was also seen."""
        return self._seen >= len(self._records)

    @supervised
    def stop(self):
        """Write the summary."""
        self._run.save_metrics(summary(self._records))
        return True


def summary(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Number of pictures, delivered share and the mean of every number of the records."""
    numbers: dict[str, list[float]] = {}
    for record in records:
        for name, value in record.items():
            if isinstance(value, float) and np.isfinite(value):
                numbers.setdefault(name, []).append(value)
    delivered = [bool(record.get(keys.DELIVERED)) for record in records]
    return {
        "pictures": len(records),
        "delivered_share": float(np.mean(delivered)) if delivered else None,
        "mean": {name: float(np.mean(values)) for name, values in numbers.items()},
    }
