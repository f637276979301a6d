# SPDX-License-Identifier: GPL-3.0-or-later
"""The task network at the receiver: classes of the decoded picture, and how right they are."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

import numpy as np
import pmt

from scsc_core import model_choice
from scsc_core.data import IGNORE
from scsc_core.evaluation.running_iou import RunningIou
from scsc_core.radio import keys
from scsc_core.tasks.categories import CLASSES7, PALETTE7, overlay
from scsc_core.tasks.scores import confusion, iou, mean_iou, pixel_accuracy

from .frame_meta import BadFrame
from .network_block import network_block

_KEPT_TRUTHS = 64  # labels that may wait for their picture
_KEPT_LABELS = 16  # pictures that may wait for their labels, which were sent before them
_SCORE_KEYS = (
    *(keys.FRAME, keys.IMAGE_ID, keys.NAME, keys.LAST, keys.DELIVERED, keys.SNR_DB),
    *(keys.PPEN, keys.QP, keys.TASK, keys.time_key("segment"), keys.CLASS_NAMES),
    *(keys.CLASS_SHARES, keys.CLASS_IOU, keys.MIOU, keys.PIXEL_ACCURACY),
    *(keys.MEAN_MIOU, keys.DELIVERED_MIOU),
)


class segmenter(network_block):
    """Segments every received picture and draws the classes over it, in a thread of its own.

    With the labels of the scene on port truth it scores the result. A lost picture is segmented and
    scored as the source decoder shows it (mean colour): leaving it out would reward a link for
    losing difficult pictures. The score of the delivered ones alone stands beside it. A frame that
    was dropped on the way has no picture; it is counted in lost_frames.

    Message ports:
        result (in): u8 [height, width, 3] from the source decoder.
        truth (in): u8 [height, width] categories, 255 where unlabelled, from port labels of the
            image source; optional.
        labels (out): u8 [height, width] categories; adds keys task, class_names, class_shares, and
            with truth miou, pixel_accuracy, class_iou of this picture, mean_miou and delivered_miou
            of the last ones.
        overlay (out): u8 [height, width, 3], the picture tinted by category; with palette too.
        scores (out): dict of those keys per picture with truth.
        credit (out): dict per picture for the image source. Taken from here instead of from
            link_metrics, no picture is sent before the network can take it.
        status (out): dict of frames, dropped, model, delivered, lost_frames, class_names,
            class_shares of the last picture, mean_miou, delivered_miou.
        cmd (in): dict with model, alpha.

    Args:
        model: str, name of a segmentation model of the 7 categories (`scsc models list`) or a
            .safetensors file.
        alpha: float 0..1, weight of the category's colour in the overlay.
        window: int >= 0, last pictures that mean_miou counts; 0: all since the model was chosen.
        device: str, "cpu", "cuda" or "cuda:N".
        precision: "float32", or "bf16" where the processor has it.
        queue: int >= 1, pictures that may wait when overflow is "drop_oldest".
        overflow: "keep" (the source is limited by credit) or "drop_oldest" (live sources).
    Attributes:
        model: str, the model in use.
    Raises:
        ValueError: unknown or damaged model, a number out of range, a device or precision that
            this machine lacks, unknown overflow.
    Source: Han et al., Sec. II-A (the task at the receiver); evaluation.md section 2.
    """

    def __init__(
        self,
        model="erf-pspnet-streets-7",
        alpha=0.5,
        window=0,
        device="cpu",
        precision="float32",
        queue=8,
        overflow="keep",
    ):
        self.set_alpha(alpha)
        self._judging = threading.Lock()
        self._truths: OrderedDict[int, np.ndarray] = OrderedDict()
        self._unjudged: OrderedDict[int, tuple[np.ndarray, dict]] = OrderedDict()
        self._running = RunningIou(window)
        super().__init__(
            "segmenter",
            model,
            lambda name: model_choice.load_segmenter(name, device, precision),
            model_choice.check_segmenter,
            queue,
            overflow,
            pdus=(keys.RESULT, keys.TRUTH),
            outputs=(keys.LABELS, keys.OVERLAY, keys.SCORES, keys.CREDIT),
            settable=("model", "alpha"),
        )
        self.counters.update(delivered=0, lost_frames=0)

    def set_alpha(self, alpha):
        """Weight of the colours from the next picture on."""
        if not 0 <= float(alpha) <= 1:
            raise ValueError(f"alpha must be in 0..1, got {alpha}")
        self._alpha = float(alpha)

    def on_result(self, image, meta):
        """Queue one received picture."""
        self.enqueue(image, meta)

    def on_truth(self, labels, meta):
        """Keep the labels of a sent picture until it was segmented."""
        wrong = labels[(labels >= len(CLASSES7)) & (labels != IGNORE)]
        if wrong.size:
            raise BadFrame(f"truth must be 0..{len(CLASSES7) - 1} or {IGNORE}, got {wrong[0]}")
        with self._judging:
            _put(self._truths, meta.get(keys.FRAME), labels, _KEPT_TRUTHS)
        self._judge(meta.get(keys.FRAME))

    def idle(self):
        """True when every picture was segmented, and judged where its labels are on the way.

        Labels were sent before their picture, but the queues of the ports are served in any order.
        """
        labels_come = self._unjudged and self.gateway.nmsgs(pmt.intern(keys.TRUTH)) > 0
        return super().idle() and not labels_come

    def on_new_model(self):
        """Scores of two models do not mix."""
        with self._judging:
            self._running.clear()
            self._unjudged.clear()

    def pass_lost_on(self, meta):
        """A frame was dropped on the way: those behind count it, and its credit returns."""
        self.counters["lost_frames"] += 1
        with self._judging:
            self._truths.pop(meta[keys.FRAME], None)
        for port in (keys.LABELS, keys.OVERLAY):
            self.publish_lost(port, meta)
        self.publish_dict(keys.CREDIT, {keys.FRAME: meta[keys.FRAME]})

    def on_end(self):
        """Tell those behind on both ports that a frame would have told."""
        if self._end_untold:
            self.publish_end(keys.LABELS, keys.OVERLAY)

    def run_network(self, network, image, meta):
        """Segment one picture and send what was found."""
        with self.timed(meta, "segment"):
            labels = network.segment(image)
        found = {
            keys.TASK: self.model,
            keys.CLASS_NAMES: ",".join(CLASSES7),
            keys.CLASS_SHARES: np.bincount(labels.ravel(), minlength=len(CLASSES7)) / labels.size,
        }
        self.counters.update(found)
        self.counters["delivered"] += bool(meta.get(keys.DELIVERED, True))
        meta.update(found)
        with self._judging:
            _put(self._unjudged, meta.get(keys.FRAME), (labels, meta), _KEPT_LABELS)
        self._judge(meta.get(keys.FRAME))
        self.publish(keys.LABELS, labels, meta)
        if self.wanted(keys.OVERLAY):
            tinted = overlay(image, labels, self._alpha)
            self.publish(keys.OVERLAY, tinted, {**meta, keys.PALETTE: PALETTE7})
        self.publish_dict(keys.CREDIT, {keys.FRAME: meta.get(keys.FRAME, 0)})
        self.publish_status(final=bool(meta.get(keys.LAST)))

    def _judge(self, frame):
        """Scores of a frame as soon as its labels and its picture are here."""
        with self._judging:
            if frame not in self._truths or frame not in self._unjudged:
                return
            truth = self._truths.pop(frame)
            labels, meta = self._unjudged.pop(frame)
            if truth.shape != labels.shape:
                self.warn(f"truth is {truth.shape}, its picture {labels.shape}: not scored")
                return
            scores = self._score(truth, labels, bool(meta.get(keys.DELIVERED, True)))
            meta.update(scores)
        self.counters.update({key: scores[key] for key in (keys.MEAN_MIOU, keys.DELIVERED_MIOU)})
        self.publish_dict(keys.SCORES, {key: meta[key] for key in _SCORE_KEYS if key in meta})

    def _score(self, truth, labels, delivered) -> dict[str, Any]:
        found = confusion(truth, labels, len(CLASSES7))
        self._running.add(found, delivered)
        return {
            keys.MIOU: float(mean_iou(found)),
            keys.PIXEL_ACCURACY: float(pixel_accuracy(found)),
            keys.CLASS_IOU: np.asarray(iou(found), np.float64),
            keys.MEAN_MIOU: self._running.mean_iou(),
            keys.DELIVERED_MIOU: self._running.delivered_mean_iou(),
        }


def _put(store: OrderedDict, frame: int | None, value: Any, limit: int) -> None:
    store[frame] = value
    if len(store) > limit:
        store.popitem(last=False)
