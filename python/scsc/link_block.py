# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks that wrap a part of `scsc_core.link`: parameters, run-time changes, what a frame says."""

from __future__ import annotations

import inspect
import threading
from typing import Any

from scsc_core.config import LinkConfig, build

from .frame_meta import BadFrame
from .message_block import message_block

# What a frame tells the blocks behind the transmitter; their own parameters do not repeat it.
FRAME_FIELDS = (
    "fec",
    "code_rate",
    "modulation",
    "interleaver",
    "precoder",
    "n_tx",
    "n_rx",
    "n_streams",
    "snr_db",
    "snr_def",
    "csi_error",
)


class link_block(message_block):
    """A message block with a `LinkConfig` that may change between two frames.

    Every parameter of a subclass is a field of LinkConfig; `set_parameter` swaps the whole
    configuration at once, so it may be called from any thread and takes effect at the next frame.

    Args:
        name, pdus, dicts, outputs, settable: as for message_block.
        parameters: LinkConfig fields of this block.
        kernel: class or function of a LinkConfig that does the work of one frame.
    Attributes:
        frame_fields: LinkConfig fields in which a frame wins over the block's own parameters.
    """

    frame_fields = FRAME_FIELDS

    def __init__(self, name, parameters, kernel, **ports):
        super().__init__(name, **ports)
        self._kernel = kernel
        self._lock = threading.Lock()
        self._config = build(LinkConfig, parameters)
        self._key: Any = None
        self._object: Any = None
        self.kernel_for({})  # a parameter that the kernel refuses is an error here, not at a frame

    @classmethod
    def from_config(cls, config: LinkConfig, **more: Any):
        """The block with those parameters of a link configuration that it has."""
        values = {
            name: config.streams if name == "n_streams" else getattr(config, name)
            for name in inspect.signature(cls.__init__).parameters
            if name in LinkConfig.model_fields
        }
        return cls(**{**values, **more})

    @property
    def config(self) -> LinkConfig:
        """The configuration that the next frame will use."""
        return self._config

    def set_parameter(self, name: str, value: Any) -> None:
        """Change one parameter from the next frame on; ConfigError (ValueError) when impossible."""
        with self._lock:
            changed = self._config.with_changes(**{name: value})
            self._kernel(changed)
            self._config = changed

    def kernel_for(self, meta: dict[str, Any]) -> Any:
        """The kernel of this block's parameters and what the frame says; kept while both stay.

        Raises:
            BadFrame: the frame's keys make no valid configuration.
        """
        said = tuple((name, meta[name]) for name in self.frame_fields if name in meta)
        config = self._config
        if self._key is None or self._key[0] is not config or self._key[1] != said:
            try:
                self._object = self._kernel(config.with_changes(**dict(said)) if said else config)
            except ValueError as error:
                if not said:
                    raise
                raise BadFrame(str(error)) from None
            self._key = config, said
        return self._object
