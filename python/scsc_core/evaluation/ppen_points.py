# SPDX-License-Identifier: GPL-3.0-or-later
"""One point of the PPEN experiment: a frame, pre-processed, coded at one QP, judged by task networks.

Every (frame, source, QP) is coded once and judged by all judges right after decoding; pictures are not
kept. What is kept per judge: bits, mean square error against the frame, confusion matrix.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np

from .. import __version__
from ..codecs.base import ImageCodec
from ..tasks.scores import confusion
from .controls import restored
from .point_store import PointStore, key

PLAIN = "plain"


@dataclass(frozen=True)
class Frame:
    """A picture uint8 [H, W, 3] with its label uint8 [H, W] (255 is not scored)."""

    name: str
    image: np.ndarray
    label: np.ndarray

    @cached_property
    def digest(self) -> str:
        """Of picture and label: results belong to the content, whatever the file is called."""
        content = hashlib.sha256(repr((self.image.shape, self.label.shape)).encode())
        content.update(np.ascontiguousarray(self.image))
        content.update(np.ascontiguousarray(self.label))
        return content.hexdigest()


@dataclass(frozen=True)
class Source:
    """What stands before the codec.

    Attributes:
        name: shown in tables.
        kind: "plain", "control" or "model".
        identity: decides the result: "plain", a control's name, or the hash of a model's file.
        preprocess: (image, qp) -> image uint8; a smaller one is scaled back after decoding. None is
            the identity.
    """

    name: str
    kind: str
    identity: str
    preprocess: Callable[[np.ndarray, float], np.ndarray] | None = field(
        default=None, compare=False
    )

    def prepared(self, image: np.ndarray, qp: float) -> np.ndarray:
        """The picture that the codec gets."""
        return image if self.preprocess is None else self.preprocess(image, qp)

    def uncoded_qps(self, qps: Sequence[int]) -> list[int | None]:
        """QPs at which its output is judged without a codec: lowest, middle, highest.

        Only a model's output depends on qp; [None], one point for all QPs, otherwise.
        """
        if self.kind != "model":
            return [None]
        return sorted({qps[0], qps[len(qps) // 2], qps[-1]})


@dataclass(frozen=True)
class Judge:
    """A task network: `segment` maps uint8 [H, W, 3] to classes uint8 [H, W]; identity = file hash."""

    name: str
    identity: str
    segment: Callable[[np.ndarray], np.ndarray]
    classes: int = 7


@dataclass(frozen=True)
class Work:
    """All that is missing for one frame, source and QP: judges of the coded and uncoded picture."""

    frame: Frame
    source: Source
    qp: int | None
    coded: tuple[Judge, ...]
    uncoded: tuple[Judge, ...]

    @property
    def points(self) -> int:
        """How many points it gives."""
        return len(self.coded) + len(self.uncoded)


def point_key(frame: Frame, source: Source, qp: int | None, judge: Judge, codec: str | None) -> str:
    """Key of a point; codec is its identity, None for the picture that was never coded."""
    return key(
        {
            "experiment": "ppen",
            "frame": frame.digest,
            "source": source.identity,
            "qp": qp,
            "judge": judge.identity,
            "classes": judge.classes,
            "codec": codec,
        }
    )


@lru_cache(maxsize=8)
def codec_identity(codec: ImageCodec) -> str:
    """Name, options and version of a codec; the version is what it makes of a test picture."""
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, 256, (8, 8, 3)).repeat(8, 0).repeat(8, 1)
    picture = (0.8 * blocks + 0.2 * rng.integers(0, 256, blocks.shape)).astype(np.uint8)
    made = hashlib.sha256()
    for qp in (28, 41):
        data = codec.encode(picture, qp)
        made.update(data)
        made.update(np.ascontiguousarray(codec.decode(data)))
    options = [str(getattr(codec, name)) for name in ("preset", "fmt", "depth", "chroma_qp")]
    return "-".join((codec.name, *options, made.hexdigest()[:16]))


def missing(
    frames: Sequence[Frame],
    sources: Mapping[Source, Sequence[int]],
    judges: Sequence[Judge],
    codec: str,
    store: PointStore,
) -> list[Work]:
    """What the store does not hold yet, source by source.

    Args:
        frames: of the split.
        sources: QPs at which each source is wanted.
        judges: task networks.
        codec: `codec_identity`.
        store: results so far.
    """
    work = []
    for source, qps in sources.items():
        for frame in frames:
            uncoded = source.uncoded_qps(qps)
            for qp in [*qps, *(qp for qp in uncoded if qp not in qps)]:
                lacking = [
                    tuple(
                        judge
                        for judge in judges
                        if wanted and point_key(frame, source, qp, judge, by) not in store
                    )
                    for wanted, by in ((qp in qps, codec), (qp in uncoded, None))
                ]
                if any(lacking):
                    work.append(Work(frame, source, qp, *lacking))
    return work


def measure(
    work: Sequence[Work],
    codec: ImageCodec,
    store: PointStore,
    workers: int = 2,
) -> Iterator[int]:
    """Compute points on threads and store them; yields the number of points after each work item.

    Codec and networks release the interpreter's lock. Torch is held to one thread per worker. What is
    finished when the iterator is closed, or the program killed, is in the store.

    Raises:
        ValueError: workers < 1; RuntimeError: a point failed, naming source, frame and QP.
    """
    if workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    identity = codec_identity(codec)
    with ThreadPoolExecutor(workers, initializer=one_torch_thread) as pool:
        pending = {pool.submit(_points, item, codec, identity): item for item in work}
        try:
            for future in as_completed(pending):
                item = pending.pop(future)
                error = future.exception()
                if error is not None:
                    place = f"{item.source.name}, frame {item.frame.name}, QP {item.qp}"
                    raise RuntimeError(f"point failed ({place}): {error}") from error
                store.add(future.result())
                yield item.points
        finally:
            for future in pending:
                future.cancel()


def one_torch_thread() -> None:
    """Hold torch to one thread in this one; workers would otherwise compete with each other."""
    import torch

    torch.set_num_threads(1)


def _points(work: Work, codec: ImageCodec, identity: str) -> list[dict]:
    frame, source, qp = work.frame, work.source, work.qp
    size = frame.image.shape[:2]
    prepared = source.prepared(frame.image, 0 if qp is None else qp)
    points = []
    if work.coded:
        data = codec.encode(prepared, qp)
        shown = restored(codec.decode(data), size)
        points += _judged(work, work.coded, shown, 8 * len(data), identity)
    if work.uncoded:
        points += _judged(work, work.uncoded, restored(prepared, size), None, None)
    return points


def _judged(work, judges, shown, bits, codec) -> list[dict]:
    frame, source, qp = work.frame, work.source, work.qp
    difference = frame.image.astype(np.int32) - shown
    points = []
    for judge in judges:
        matrix = confusion(frame.label, judge.segment(shown), judge.classes)
        points.append(
            {
                "key": point_key(frame, source, qp, judge, codec),
                "version": __version__,
                "frame": frame.name,
                "source": source.name,
                "qp": qp,
                "judge": judge.name,
                "codec": codec,
                "bits": bits,
                "pixels": int(frame.label.size),
                "mse": float(np.mean(difference**2)),
                "confusion": matrix.ravel().tolist(),
            }
        )
    return points
