# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole symbol-level link as a program's flowgraph."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from gnuradio import gr

from scsc_core.config import LinkConfig
from scsc_core.framing import OVERHEAD_BYTES
from scsc_core.link import LinkResult
from scsc_core.link_parameters import channel_code, check_detector, transmit_tables
from scsc_core.radio import keys

from .channel_decoder import channel_decoder
from .channel_encoder import channel_encoder
from .detector import detector
from .image_sink import image_sink
from .image_source import image_source
from .link_metrics import link_metrics
from .message_block import message_block
from .ppen import ppen
from .precoder import precoder
from .run_recorder import run_recorder
from .source_decoder import source_decoder
from .source_encoder import source_encoder
from .supervisor import Supervisor
from .symbol_channel import symbol_channel


class loopback(gr.top_block):
    """Pictures through transmitter, simulated channel and receiver, block by block, and scored.

    Usage: `results = loopback(config, ["picture.png"], repeat=20).execute()`.

    Args:
        config: LinkConfig; with mode "adaptive" modulation and code rate are chosen here.
        paths: str or list of str, picture files and folders, or "streets"; see image_source.
        repeat: int >= 1, times the list is sent.
        max_images: int >= 0, end after so many pictures; 0: no limit.
        ms_ssim: bool, compute MS-SSIM too.
        keep_images: bool, keep the received pictures in `results`.
        keep_samples: bool, keep the received and combined vectors of the first frame in `samples`.
        output: str, folder for received pictures; None writes none.
        record: str, name of a run folder to keep; None keeps none.
        run_root: str, where run folders are made.
        listener: function(LinkResult), called for every picture from a block's thread.
    Attributes:
        results: list of LinkResult, in order.
        samples: dict with received c32 [n_rx, k] and combined c32 [n_tx, k], and block_uses.
        supervisor: Supervisor that runs this flowgraph.
    Source: Han et al., Fig. 1(b).
    """

    def __init__(
        self,
        config: LinkConfig,
        paths,
        repeat: int = 1,
        max_images: int = 0,
        ms_ssim: bool = True,
        keep_images: bool = True,
        keep_samples: bool = False,
        output: str | None = None,
        record: str | None = None,
        run_root: str = "runs",
        listener: Callable[[LinkResult], None] | None = None,
    ):
        gr.top_block.__init__(self, "scsc_loopback", catch_exceptions=True)
        if repeat < 1:
            raise ValueError(f"repeat must be >= 1, got {repeat}")
        if config.mode == "adaptive":
            from scsc_core.link_adaptation import adapt

            config = adapt(config)
        # What the precoder or the code refuses is an error of the constructor, not of a frame.
        check_detector(config)
        transmit_tables(config, np.eye(config.n_rx, config.n_tx, dtype=np.complex128)[None])
        channel_code(config, payload_bits=8 * OVERHEAD_BYTES)
        self.config = config
        self.supervisor = Supervisor()
        self.image_source = image_source(paths, repeat, max_images)
        # One picture sent again and again is prepared once: by the encoder, which remembers the last.
        one_again = 1 < self.image_source.total <= repeat
        self.ppen = ppen.from_config(config, **({"qp": None} if one_again else {}))
        self.source_encoder = source_encoder.from_config(config)
        self.channel_encoder = channel_encoder.from_config(config)
        self.precoder = precoder.from_config(config)
        self.symbol_channel = symbol_channel.from_config(config)
        self.detector = detector.from_config(config)
        self.channel_decoder = channel_decoder.from_config(config)
        self.source_decoder = source_decoder.from_config(config)
        self.link_metrics = link_metrics(ms_ssim, keep_images=keep_images)
        if listener is not None:
            self.link_metrics.listen(listener)
        self._connect_link()
        self.probe = _sample_probe() if keep_samples else None
        if self.probe is not None:
            self._wire(self.symbol_channel, keys.RECEIVED, self.probe)
            self._wire(self.detector, keys.COMBINED, self.probe)
        self.image_sink = image_sink(output) if output else None
        if self.image_sink is not None:
            self._wire(self.source_decoder, keys.RESULT, self.image_sink)
        self.run_recorder = run_recorder(record, run_root, config) if record else None
        if self.run_recorder is not None:
            self._wire(self.source_decoder, keys.RESULT, self.run_recorder)
            self._wire(self.link_metrics, keys.METRICS, self.run_recorder)

    def _wire(self, source, port, target, target_port=None):
        self.msg_connect((source, port), (target, target_port or port))

    def _connect_link(self):
        wire = self._wire
        wire(self.image_source, keys.IMAGE, self.ppen)
        wire(self.ppen, keys.IMAGE, self.source_encoder)
        wire(self.source_encoder, keys.BYTES, self.channel_encoder)
        wire(self.channel_encoder, keys.BITS, self.precoder)
        wire(self.precoder, keys.SOUNDING, self.symbol_channel)
        wire(self.symbol_channel, keys.CSI, self.precoder)
        wire(self.precoder, keys.SYMBOLS, self.symbol_channel)
        wire(self.symbol_channel, keys.RECEIVED, self.detector)
        wire(self.detector, keys.FRAMES, self.channel_decoder)
        wire(self.channel_decoder, keys.BYTES, self.source_decoder)
        wire(self.source_decoder, keys.RESULT, self.link_metrics)
        wire(self.image_source, keys.IMAGE, self.link_metrics, keys.SENT)
        wire(self.channel_encoder, keys.CODEWORD, self.link_metrics)
        wire(self.detector, keys.FRAMES, self.link_metrics)
        wire(self.link_metrics, keys.CREDIT, self.image_source)

    @property
    def results(self) -> list[LinkResult]:
        """What link_metrics has so far."""
        return self.link_metrics.results

    @property
    def expected(self) -> int:
        """Number of pictures that the source sends."""
        return self.image_source.total

    @property
    def samples(self) -> dict[str, np.ndarray]:
        """Received and combined vectors of the first frame; empty without keep_samples."""
        return self.probe.samples if self.probe is not None else {}

    def execute(self, timeout: float | None = None) -> list[LinkResult]:
        """Run to the end and return the results; fewer when the user ended it (`interrupted`)."""
        self.supervisor.run(self, timeout)
        return self.results

    @property
    def interrupted(self) -> bool:
        """True when SIGINT or SIGTERM ended the run."""
        return self.supervisor.interrupted

    def counts(self) -> dict[str, dict[str, Any]]:
        """The counters of every block, by name."""
        blocks = {name: block for name, block in vars(self).items() if hasattr(block, "counters")}
        return {name: dict(block.counters) for name, block in blocks.items()}


class _sample_probe(message_block):
    """Keeps the received and combined vectors of the first frame."""

    def __init__(self):
        super().__init__("sample_probe", pdus=(keys.COMBINED, keys.RECEIVED))
        self.samples: dict[str, np.ndarray] = {}
        self._lock = threading.Lock()

    def on_combined(self, r, meta):
        """Vectors behind the combiner."""
        self._keep(keys.COMBINED, r, meta)

    def on_received(self, y, meta):
        """Vectors in front of the combiner."""
        self._keep(keys.RECEIVED, y, meta)

    def _keep(self, port, array, meta):
        with self._lock:
            if port not in self.samples:
                self.samples[port] = array
                self.samples[keys.BLOCK_USES] = meta[keys.BLOCK_USES]
