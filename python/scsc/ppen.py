# SPDX-License-Identifier: GPL-3.0-or-later
"""The pre-processing network in front of the codec."""

from __future__ import annotations

from scsc_core import codecs, preprocessing
from scsc_core.radio import keys

from .frame_meta import BadFrame
from .network_block import network_block


class ppen(network_block):
    """Prepares a picture for the codec behind it (PPEN), in a thread of its own, in order.

    The network must know the quality that the codec will use. With `qp` it runs here, and the frame
    tells the encoder that quality. Without it the quality is the encoder's to choose, as rate
    matching does for each picture: the frame then carries the model's name and the encoder runs it
    for each quality that it tries. With model "none" pictures pass as they are.

    Message ports:
        image (in): u8 [height, width, 3]; a key qp wins over the parameter.
        image (out): u8 [height, width, 3]; adds keys ppen, and ppen_qp and qp when it ran here.
        status (out): dict of frames, dropped, model.
        cmd (in): dict with model, qp.

    Args:
        model: str, "none", a PPEN model's name (`scsc models list`) or a .safetensors file.
        qp: number on the codec's own scale, or None: the encoder chooses.
        codec: str, "bpg", "jpeg" or "jpeg2000", the codec behind.
        device: str, "cpu", "cuda" or "cuda:N", where it runs with `qp`; the encoder uses the CPU.
        precision: "float32", or "bf16" where the processor has it.
        queue: int >= 1, pictures that may wait when overflow is "drop_oldest".
        overflow: "keep" (the source is limited by credit) or "drop_oldest" (live sources).
    Attributes:
        model: str, the model in use.
    Raises:
        ValueError: unknown or damaged model, qp outside the codec's scale, a device or precision
            that this machine lacks, unknown codec or overflow, queue < 1.
    Source: Han et al., Sec. III-A; networks.md section 4; link.py Transmitter.
    """

    def __init__(
        self,
        model="none",
        qp=None,
        codec="bpg",
        device="cpu",
        precision="float32",
        queue=8,
        overflow="keep",
    ):
        self._codec = codecs.get(codec)
        self._qp = None if qp is None else self._codec.check_qp(qp)
        super().__init__(
            "ppen",
            model,
            lambda name: preprocessing.load(name, codec, device, precision),
            preprocessing.check,
            queue,
            overflow,
            pdus=(keys.IMAGE,),
            outputs=(keys.IMAGE,),
            settable=("model", "qp"),
        )

    @classmethod
    def from_config(cls, config, **more):
        """The block of a link configuration: it runs where the quality is fixed."""
        fixed = config.mode == "fixed"
        qp = codecs.get(config.codec).check_qp(config.qp) if fixed else None
        return cls(**{"model": config.ppen, "qp": qp, "codec": config.codec, **more})

    def set_qp(self, qp):
        """Quality from the next picture on; None leaves it to the encoder."""
        self._qp = None if qp is None else self._codec.check_qp(qp)

    def on_image(self, image, meta):
        """Queue one picture."""
        qp = meta.get(keys.QP, self._qp)
        try:
            meta[keys.PPEN_QP] = None if qp is None else float(self._codec.check_qp(qp))
        except ValueError as error:
            raise BadFrame(str(error)) from None
        self.enqueue(image, meta)

    def run_network(self, network, image, meta):
        """Send one picture, prepared when model and quality are known."""
        qp = meta.pop(keys.PPEN_QP)
        with self.timed(meta, "ppen"):
            meta[keys.PPEN] = self.model
            if network is not None and qp is not None:
                image = network(image, qp)
                meta[keys.QP] = meta[keys.PPEN_QP] = qp
        self.publish(keys.IMAGE, image, meta)
