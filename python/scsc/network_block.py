# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks that run a network: a worker thread, a bounded queue, a model that may change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .message_block import message_block
from .worker import Worker


class network_block(message_block):
    """A message block whose network works in a thread of its own, in the order of arrival.

    A subclass puts pictures with `enqueue` and has a method `run_network(network, array, meta)`,
    called from the thread. Frames that were lost before keep their place in the queue; a frame that
    the queue drops is passed on as a lost one.

    Args:
        name: block name without the prefix scsc_.
        model: name or file of the model.
        load: function of a model's name or file that gives the network; any exception when it cannot.
        check: function that raises ValueError for a name that `load` would refuse, without loading.
        queue: int >= 1, frames that may wait when overflow is "drop_oldest".
        overflow: "keep" (the source is limited by credit) or "drop_oldest" (live sources).
        ports: as for message_block.
    Attributes:
        model: str, name of the model in use.
    """

    def __init__(
        self,
        name: str,
        model: str,
        load: Callable[[str], Any],
        check: Callable[[str], None],
        queue: int,
        overflow: str,
        **ports: Any,
    ):
        super().__init__(name, **ports)
        self._load = load
        self._check = check
        self._worker = Worker(
            f"scsc_{name}",
            self._work,
            self.supervisor,
            queue,
            overflow,
            on_idle=self._end_when_idle,
            on_drop=self._drop_waiting,
        )
        self.model = self._wanted = str(model)
        self._network = load(self.model)  # a model that cannot be loaded is an error here
        self.counters["model"] = self.model

    def set_model(self, model):
        """Another model from the next picture on; one that is unknown is a warning, and none."""
        try:
            self._check(str(model))
        except ValueError as error:
            self.warn(f"model stays {self._wanted}: {error}")
        else:
            self._wanted = str(model)

    def start(self):
        """Start the worker."""
        super().start()
        self._worker.start()
        return True

    def stop(self):
        """Stop the worker after the picture in hand."""
        self._worker.stop()
        return True

    def enqueue(self, array, meta):
        """Queue one frame."""
        self._worker.put((array, meta))

    def idle(self):
        """True when the worker has sent everything."""
        return self._worker.idle

    def on_lost_frame(self, meta):
        """What was lost before goes through the worker too, behind what waits."""
        self._worker.put((None, meta))

    def pass_lost_on(self, meta: dict[str, Any]) -> None:
        """Tell those behind that a frame is lost."""
        super().on_lost_frame(meta)

    def run_network(self, network: Any, array: Any, meta: dict[str, Any]) -> None:
        """What to do with one frame."""
        raise TypeError(f"{type(self).__name__} runs no network")

    def on_new_model(self) -> None:
        """A model was exchanged; called from the worker's thread before its first frame."""

    def _work(self, item):
        array, meta = item
        if array is None:
            self.pass_lost_on(meta)
        else:
            self._exchange_model()
            self.run_network(self._network, array, meta)

    def _exchange_model(self):
        wanted = self._wanted
        if wanted == self.model:
            return
        try:
            self._network = self._load(wanted)
        except Exception as error:  # whatever a file holds, the pictures go on with the old model
            self._wanted = self.model
            self.warn(f"model stays {self.model}: {error}")
            return
        self.model = self.counters["model"] = wanted
        self.on_new_model()

    def _drop_waiting(self, item):
        array, meta = item
        if array is not None:
            self.counters["dropped"] += 1
            self.warn(f"queue is full, dropped the oldest ({self.counters['dropped']} so far)")
        self.pass_lost_on(meta)
