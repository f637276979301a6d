# SPDX-License-Identifier: GPL-3.0-or-later
"""What arrived, compared with what was sent."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pmt

from scsc_core.evaluation import metrics
from scsc_core.link import LinkResult
from scsc_core.radio import keys

from .message_block import message_block

_KEPT = 256  # sent pictures and codewords that may wait for their other half

_NO_IMAGE = np.empty((0, 0, 3), np.uint8)


class link_metrics(message_block):
    """Compares every received picture with the one that was sent, and counts.

    Message ports:
        result (in): u8 [height, width, 3] from the source decoder.
        sent (in): u8 [height, width, 3], port image of the source.
        codeword (in): u8, from the channel encoder; optional, with `frames` for bit errors.
        frames (in): f32 LLRs, from the detector; optional.
        metrics (out): dict per picture: psnr_db, ms_ssim, delivered, cbr_k, cbr_l, block_errors,
            coded_bit_error_rate, time by stage (time_<stage>_ms).
        credit (out): dict per picture, to `credit` of the image source.
        status (out): dict frames, delivered, delivered_share, psnr_db (last), mean_psnr_db,
            block_errors, coded_bit_error_rate, cbr_k, cbr_l, snr_db, dropped.

    Args:
        ms_ssim: bool, compute MS-SSIM too (loads torch, about 30 ms a picture).
        keep: bool, keep every LinkResult in `results`.
        keep_images: bool, with their pictures; False leaves an empty picture in them.
    Attributes:
        results: list of scsc_core.link.LinkResult in order of arrival.
    Source: link.md section 2 (R_k = k / (3 h w), R_L = n_s R_k).
    """

    def __init__(self, ms_ssim=True, keep=True, keep_images=True):
        super().__init__(
            "link_metrics",
            pdus=(keys.RESULT, keys.SENT, keys.CODEWORD, keys.FRAMES),
            outputs=(keys.METRICS, keys.CREDIT),
        )
        self._ms_ssim = bool(ms_ssim)
        self._keep = bool(keep)
        self._keep_images = bool(keep_images)
        self._listeners: list[Callable[[LinkResult], None]] = []
        self._sent: OrderedDict[int, np.ndarray] = OrderedDict()
        self._arrived: OrderedDict[int, tuple[np.ndarray, dict]] = OrderedDict()
        self._codewords: OrderedDict[int, np.ndarray] = OrderedDict()
        self._decisions: OrderedDict[int, np.ndarray] = OrderedDict()
        self._error_rates: OrderedDict[int, float] = OrderedDict()
        self._lost: deque[dict[str, Any]] = deque()
        self._psnr_sum = 0.0
        self.results: list[LinkResult] = []
        self.counters.update(delivered=0, block_errors=0)

    def listen(self, function: Callable[[LinkResult], None]) -> None:
        """Call `function(result)` for every picture, from this block's thread."""
        self._listeners.append(function)

    def on_sent(self, image, meta):
        """Keep a sent picture until its other half arrives."""
        _put(self._sent, meta.get(keys.FRAME), image)
        self._compare(meta.get(keys.FRAME))

    def on_result(self, image, meta):
        """Keep a received picture until its other half is there."""
        _put(self._arrived, meta.get(keys.FRAME), (image, meta))
        self._compare(meta.get(keys.FRAME))

    def on_codeword(self, bits, meta):
        """Keep the coded bits that were sent."""
        _put(self._codewords, meta.get(keys.FRAME), bits)
        self._count_bit_errors(meta.get(keys.FRAME))

    def on_frames(self, llr, meta):
        """Keep the hard decisions of one frame."""
        _put(self._decisions, meta.get(keys.FRAME), llr < 0)
        self._count_bit_errors(meta.get(keys.FRAME))

    def on_lost_frame(self, meta):
        """A frame was dropped on the way: it counts as not delivered, and its credit returns."""
        self._sent.pop(meta[keys.FRAME], None)
        self._lost.append(meta)
        self._report_lost()

    def idle(self):
        """True when every received picture was compared."""
        return not self._arrived and not self._lost

    def _report_lost(self):
        while self._lost and not self._arrived:  # behind the pictures that still wait
            meta = self._lost.popleft()
            self.counters["lost_frames"] = self.counters.get("lost_frames", 0) + 1
            record = {**meta, keys.DELIVERED: False, keys.PROBLEM: "dropped"}
            self.publish_dict(keys.METRICS, record)
            self.publish_dict(keys.CREDIT, {keys.FRAME: meta[keys.FRAME]})

    def _count_bit_errors(self, frame):
        if frame in self._codewords and frame in self._decisions:
            sent, got = self._codewords.pop(frame), self._decisions.pop(frame)
            wrong = float(np.mean(got != sent)) if len(sent) == len(got) else float("nan")
            _put(self._error_rates, frame, wrong)
        for waiting in list(self._arrived):
            self._compare(waiting)

    def _bits_to_come(self, frame) -> bool:
        """True when both halves of a frame's bits are here or in the queue, not yet compared.

        They were sent before the picture, but the queues of the ports are served in any order.
        """
        here = (
            frame in store or self.gateway.nmsgs(pmt.intern(port)) > 0
            for port, store in (
                (keys.CODEWORD, self._codewords),
                (keys.FRAMES, self._decisions),
            )
        )
        return frame not in self._error_rates and all(here)

    def _compare(self, frame):
        if frame not in self._sent or frame not in self._arrived or self._bits_to_come(frame):
            return
        sent = self._sent.pop(frame)
        image, meta = self._arrived.pop(frame)
        result = self._score(sent, image, meta, self._error_rates.pop(frame, float("nan")))
        if self._keep and self._keep_images:
            self.results.append(result)
        elif self._keep:
            self.results.append(replace(result, image=_NO_IMAGE))
        for function in self._listeners:
            function(result)
        self._count(result, meta)
        self._publish(result, meta)
        self._report_lost()

    def _score(self, sent, image, meta, error_rate) -> LinkResult:
        k, bits = meta.get(keys.K, 0), 8 * meta.get(keys.N_BYTES, 0)
        streams = meta.get(keys.N_STREAMS, 1)
        k_net = k * bits / max(meta.get(keys.N_INFO, 0), 1)
        same_size = sent.shape == image.shape
        return LinkResult(
            image=image,
            delivered=bool(meta.get(keys.DELIVERED, True)),
            problem=meta.get(keys.PROBLEM),
            qp=meta.get(keys.QP, float("nan")),
            bits=bits,
            bpp=bits / (sent.shape[0] * sent.shape[1]),
            cbr_k=k / sent.size,
            cbr_l=streams * k / sent.size,
            cbr_k_net=k_net / sent.size,
            cbr_l_net=streams * k_net / sent.size,
            channel_uses=k,
            n_blocks=meta.get(keys.N_CODE_BLOCKS, 0),
            block_errors=meta.get(keys.BLOCK_ERRORS, 0),
            coded_bit_error_rate=error_rate,
            iterations=meta.get(keys.ITERATIONS, float("nan")),
            psnr_db=metrics.psnr_db(sent, image) if same_size else float("nan"),
            ms_ssim=metrics.ms_ssim(sent, image) if self._ms_ssim and same_size else None,
            over_budget=bool(meta.get(keys.OVER_BUDGET, False)),
            seconds={
                key[len(keys.TIME_PREFIX) : -len("_ms")]: value / 1e3
                for key, value in meta.items()
                if key.startswith(keys.TIME_PREFIX)
            },
        )

    def _count(self, result: LinkResult, meta: dict[str, Any]) -> None:
        count = self.counters
        count["delivered"] += result.delivered
        count["block_errors"] += result.block_errors
        self._psnr_sum += min(result.psnr_db, 100.0) if np.isfinite(result.psnr_db) else 0.0
        compared = count[keys.COMPARED] = count.get(keys.COMPARED, 0) + 1
        count[keys.DELIVERED_SHARE] = count["delivered"] / compared
        count[keys.MEAN_PSNR_DB] = self._psnr_sum / compared
        for name in (keys.PSNR_DB, keys.CBR_K, keys.CBR_L, keys.CODED_BIT_ERROR_RATE, keys.MS_SSIM):
            count[name] = getattr(result, name)
        for name in (
            *(keys.SNR_DB, keys.QP, keys.PPEN),
            *(keys.PRECODER, keys.DETECTOR, keys.MODULATION),
        ):
            count[name] = meta.get(name)

    def _publish(self, result: LinkResult, meta: dict[str, Any]) -> None:
        record = {key: value for key, value in meta.items() if not isinstance(value, np.ndarray)}
        for name, value in vars(result).items():
            if name not in (keys.IMAGE, "seconds"):
                record[name] = value
        self.publish_dict(keys.METRICS, record)
        self.publish_dict(keys.CREDIT, {keys.FRAME: meta.get(keys.FRAME)})
        self.publish_status(final=bool(meta.get(keys.LAST)))


def _put(store: OrderedDict, frame: int | None, value: Any) -> None:
    store[frame] = value
    if len(store) > _KEPT:
        store.popitem(last=False)
