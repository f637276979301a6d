# SPDX-License-Identifier: GPL-3.0-or-later
"""A stage of a few parameters without codec or pictures, and a program that trains it.

    python toy_stage.py RUNS.json

RUNS.json lists {"folder", "settings", "resume"}; each run leaves result-<rank>.json in its folder.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np
import torch

from scsc_core.training import journal, loop
from scsc_core.training.pictures import shard
from scsc_core.training.seeds import generator_for, seed_for
from scsc_core.training.settings import StageSettings
from scsc_core.training.stage import StageBase

_INPUTS = 4


class ToySettings(StageSettings):
    """What happens in one process in a step: a fault of input, loss or gradient, or a signal."""

    model: str = "toy"
    precision: str = "32-true"
    dropout: float = 0.3
    event: str = "none"
    event_step: int = 0
    event_rank: int = 0


class ToyStage(StageBase):
    """Regression of the sum of four numbers; counts its steps as further state."""

    name = "toy"
    training = None

    def __init__(self, settings: ToySettings):
        self.settings = settings
        torch.manual_seed(seed_for(settings.seed, "weights"))
        self.network = torch.nn.Sequential(
            torch.nn.Linear(_INPUTS, 8),
            torch.nn.Tanh(),
            torch.nn.Dropout(settings.dropout),
            torch.nn.Linear(8, 1),
        )
        self.counted = torch.zeros(1)
        self.rank = 0

    def batch(self, step, rank, world):
        self.rank = rank
        return self._items(step, shard(self.settings.batch, rank, world))

    def _items(self, step, indices):
        rows = [generator_for(self.settings.seed, "x", step, i).normal(size=4) for i in indices]
        rows = np.array(rows)
        if self._happens("input", step):
            rows[0, 0] = np.nan
        return torch.from_numpy(rows).float()

    def _happens(self, event, step):
        s = self.settings
        return s.event == event and (step, self.rank) == (s.event_step, s.event_rank)

    def loss(self, network, batch, step):
        loss = (network(batch)[:, 0] - batch.sum(1)).square().mean()
        if self._happens("loss", step):
            loss = loss * float("nan")
        if self._happens("gradient", step):
            loss = loss + torch.sqrt(loss * 0)  # value 0, derivative inf times 0
        return loss, {"half": loss.item() / 2}

    def beside(self, step):
        if self._happens("beside", step):
            raise loop.TrainingFailed("another loss is not finite")
        self.counted += step
        if self._happens("signal", step):
            os.kill(os.getpid(), signal.SIGTERM)
        return {}

    def validate(self, network):
        x = self._items(-1, range(16))
        with torch.no_grad():
            return {"score": -(network(x)[:, 0] - x.sum(1)).square().mean().item()}

    def extra_tensors(self):
        return {"counted": self.counted}

    def load_extra(self, tensors):
        self.counted = tensors["counted"].clone()


def run(folder: str, settings: dict, resume: str | None = None) -> dict:
    """Train once: {"status": "done", "failed" or "interrupted", "losses" of this process's part}."""
    stage = ToyStage(ToySettings(**settings))
    try:
        loop.train(stage, Path(folder), Path(resume) if resume else None)
    except (loop.TrainingFailed, loop.Interrupted) as error:
        kind = "failed" if isinstance(error, loop.TrainingFailed) else "interrupted"
        return {"status": kind, "told": str(error), "rank": stage.rank}
    return {"status": "done", "told": "", "rank": stage.rank}


def main(runs: Path) -> None:
    # importing what draws takes longer than the training
    journal._board, journal.draw_curves = lambda folder: None, lambda records, path: None
    for described in json.loads(runs.read_text()):
        result = run(**described)
        path = Path(described["folder"], f"result-{result['rank']}.json")
        path.write_text(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
