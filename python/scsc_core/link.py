# SPDX-License-Identifier: GPL-3.0-or-later
"""The image link as objects: Transmitter, Receiver, and SymbolLink with the channel between them.

    image -> (PPEN) -> codec -> framing -> channel code -> scramble, interleave -> table of H -> z
    y = H z + n -> CEN -> soft detector -> LLRs -> decoder -> framing -> codec -> image

Flowgraph blocks and SymbolLink call the same methods; only what carries the arrays differs.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from . import codecs, framing, mimo, preprocessing
from .channels.symbol_channel import SymbolChannel
from .config import LinkConfig
from .evaluation import metrics
from .link_parameters import (
    bits_per_use,
    channel_code,
    check_detector,
    coded_bits,
    fading_blocks,
    payload_budget,
    transmit_tables,
    used_csi,
)
from .link_result import LinkResult, StageClock
from .scrambling import BitScrambler

LOST_PICTURE_SIZE = (256, 256)  # shown when nothing at all is known about a lost picture


@dataclass(frozen=True)
class Compressed:
    """A framed picture: `payload` bytes go to channel coding, `codec_bytes` of them are the codec's."""

    payload: bytes
    header: framing.PayloadHeader
    codec_bytes: int
    over_budget: bool = False  # the rate target could not be met even at the coarsest quality
    ppen_s: float = 0.0  # wall time of PPEN, over all the qualities that were tried


@dataclass(frozen=True)
class Coded:
    """Coded bits of one payload.

    Attributes:
        bits: uint8 [k m_u], scrambled and interleaved, the bits that select table rows.
        codeword_bits: uint8 [G], the same bits as the channel code made them.
        payload_bits: A, all that the receiver must know besides the configuration.
        block_bits: E_r, coded bits of each code block.
    """

    bits: np.ndarray
    codeword_bits: np.ndarray
    payload_bits: int
    block_bits: tuple[int, ...]


@dataclass(frozen=True)
class Payload:
    """Decoded payload bytes; `ok` when every check of the channel code holds."""

    data: bytes
    ok: bool
    block_ok: np.ndarray
    iterations: float
    valid_bytes: int  # bytes in front of the first failed code block

    @property
    def block_errors(self) -> int:
        """Number of code blocks whose check failed."""
        return int(np.count_nonzero(~self.block_ok))


@dataclass(frozen=True)
class Picture:
    """What the receiver shows: a decoded picture, or the defined stand-in for a lost one."""

    image: np.ndarray
    delivered: bool
    header: framing.PayloadHeader | None
    problem: str | None


class Transmitter:
    """Image to transmit vectors.

    Args:
        config: LinkConfig.
        preprocess: PPEN, a function (image uint8 [H, W, 3], qp) -> image of the same shape, qp on
            the codec's scale; None loads the model that `config.ppen` names.
    Raises:
        ValueError: a qp outside the codec's scale, a PPEN model that cannot be loaded.
    """

    def __init__(
        self,
        config: LinkConfig,
        preprocess: Callable[[np.ndarray, float], np.ndarray] | None = None,
    ):
        self.config = config
        self.codec = codecs.get(config.codec)
        self.qp = self.codec.default_qp if config.qp is None else config.qp
        low, high = self.codec.quality_range
        if not low <= self.qp <= high:
            raise ValueError(f"qp must be in {low}..{high} for codec {config.codec}, got {self.qp}")
        self._preprocess = preprocess or preprocessing.load(config.ppen, config.codec)
        self._ppen_s = 0.0
        self._scrambler = BitScrambler(interleaver=config.interleaver)
        self._last: tuple[bytes, tuple[bytes, float, bool]] | None = None

    def compress(self, image: np.ndarray, image_id: int = 0) -> Compressed:
        """Pre-process, compress and frame one picture uint8 [H, W, 3]; image_id counts modulo 256.

        The codec is deterministic, so a picture sent again at once is not compressed again.
        """
        image = codecs.check_image(image)
        key = image.tobytes() + repr(image.shape).encode()
        self._ppen_s = 0.0
        if self._last is None or self._last[0] != key:
            self._last = key, self._encode_picture(image)
        data, qp, over_budget = self._last[1]
        header = framing.PayloadHeader(
            image_id % framing.IMAGE_IDS, image.shape[0], image.shape[1], self.config.codec, qp
        )
        packed = framing.pack(data, header)
        return Compressed(packed, header, len(data), over_budget, self._ppen_s)

    def _prepare(self, image: np.ndarray, qp: float) -> np.ndarray:
        if self._preprocess is None:
            return image
        begin = time.perf_counter()
        prepared = self._preprocess(image, qp)
        self._ppen_s += time.perf_counter() - begin
        return prepared

    def _encode_picture(self, image: np.ndarray) -> tuple[bytes, float, bool]:
        if self.config.mode == "fixed":
            return self.codec.encode(self._prepare(image, self.qp), qp=self.qp), self.qp, False
        budget = payload_budget(self.config, image.size) - framing.OVERHEAD_BYTES
        try:
            return *self.codec.encode_to_budget(image, budget, self._prepare), False
        except codecs.BudgetError:
            worst = self.codec.quality_range[0 if self.codec.higher_is_better else 1]
            return self.codec.encode(self._prepare(image, worst), qp=worst), worst, True

    def encode(self, payload: bytes) -> Coded:
        """Channel code, scramble and interleave: payload bytes -> bits that select table rows."""
        code = channel_code(self.config, 8 * len(payload))
        bits = code.encode(np.unpackbits(np.frombuffer(payload, np.uint8)))
        m_u = bits_per_use(self.config)
        sent = self._scrambler.scramble(bits, code.block_bits, m_u * -(-len(bits) // m_u))
        return Coded(sent, bits, 8 * len(payload), tuple(code.block_bits))

    def block_uses(self, coded: Coded) -> np.ndarray:
        """int64 [b]: channel uses of each fading block of this transmission."""
        return fading_blocks(self.config, coded.block_bits, len(coded.bits))

    def modulate(self, coded: Coded, h_hat: np.ndarray, block_uses: np.ndarray) -> np.ndarray:
        """Transmit vectors complex64 [n_tx, k] for channel estimates [b, n_rx, n_tx]."""
        tables = transmit_tables(self.config, h_hat)
        m_u = bits_per_use(self.config)
        weights = 1 << np.arange(m_u - 1, -1, -1, dtype=np.int64)
        index = coded.bits.reshape(-1, m_u) @ weights
        n_blocks, n_rows, n_tx = tables.shape
        index += np.repeat(np.arange(n_blocks) * n_rows, block_uses)
        rows = tables.astype(np.complex64).reshape(-1, n_tx)
        return np.ascontiguousarray(rows[index].T)


class Receiver:
    """Received vectors to image. Keeps the size of the last delivered picture for lost ones.

    Args:
        config: LinkConfig, the transmitter's.
    """

    def __init__(self, config: LinkConfig):
        self.config = config
        self._scrambler = BitScrambler(interleaver=config.interleaver)
        self._last_size = LOST_PICTURE_SIZE
        self._last: tuple[bytes, np.ndarray] | None = None

    def detect(
        self, y: np.ndarray, h_hat: np.ndarray, block_uses: np.ndarray, payload_bits: int
    ) -> np.ndarray:
        """LLRs float32 [G] of the coded bits from y complex64 [n_rx, k]; positive means 0."""
        check_detector(self.config)
        h_used, noise_var = used_csi(self.config, h_hat)
        llr = mimo.soft_bits(
            y,
            h_used,
            transmit_tables(self.config, h_hat),
            noise_var,
            cen=self.config.cen,
            detector=self.config.detector,
            llr=self.config.llr,
            block_uses=block_uses,
            bits_per_symbol=mimo.bits_per_symbol(self.config.modulation),
        )
        code = channel_code(self.config, payload_bits)
        return self._scrambler.descramble(
            llr.reshape(-1), code.block_bits, coded_bits(self.config, payload_bits)
        )

    def decode(self, llr: np.ndarray, payload_bits: int) -> Payload:
        """Channel decode LLRs float32 [G]; never raises on their content."""
        code = channel_code(self.config, payload_bits)
        decoded = code.decode(llr)
        good = int(np.argmin(decoded.block_ok)) if not all(decoded.block_ok) else None
        valid = payload_bits if good is None else good * code.block_payload_bits
        return Payload(
            np.packbits(decoded.bits).tobytes(),
            bool(decoded.ok),
            np.asarray(decoded.block_ok),
            float(decoded.iterations),
            min(valid, payload_bits) // 8,
        )

    def reconstruct(self, payload: Payload, size: tuple[int, int] | None = None) -> Picture:
        """The picture of a decoded payload, or its stand-in. Never raises on the payload's content.

        A picture counts as delivered when header CRC and CRC-32 hold and the codec decodes it. A
        lost one is shown as `config.lost_picture` says, in the header's size when that arrived, else
        in `size` (height, width), else in the size of the last delivered picture.
        """
        unpacked = framing.unpack(payload.data)
        problem = unpacked.problem
        if problem is None:
            try:
                image = self._decode_picture(unpacked)
            except codecs.DecodeError as error:
                problem = f"{unpacked.header.codec} decoder: {error}"
            else:
                self._last_size = image.shape[:2]
                return Picture(image, True, unpacked.header, None)
        return Picture(self._stand_in(unpacked, payload, size), False, unpacked.header, problem)

    def _decode_picture(self, unpacked: framing.Unpacked) -> np.ndarray:
        if self._last is None or self._last[0] != unpacked.data:
            image = codecs.get(unpacked.header.codec).decode(unpacked.data)
            if image.shape[:2] != (unpacked.header.height, unpacked.header.width):
                raise codecs.DecodeError("picture size differs from the payload header")
            image.flags.writeable = False
            self._last = unpacked.data, image
        return self._last[1]

    def _stand_in(self, unpacked, payload, size) -> np.ndarray:
        header = unpacked.header
        if header is not None and max(header.height, header.width) <= codecs.MAX_SIDE:
            size = header.height, header.width
        size = size or self._last_size
        if self.config.lost_picture == "damaged" and header is not None and unpacked.data:
            codec = codecs.get(header.codec)
            valid = min(max(payload.valid_bytes - framing.HEADER_BYTES, 0), len(unpacked.data))
            image, mask = codec.decode_damaged(unpacked.data, valid_bytes=valid, size=size)
            if image.shape[:2] == tuple(size) and mask.any():
                return image
        return np.broadcast_to(np.uint8(self.config.mean_colour), (*size, 3)).copy()


class SymbolLink:
    """The whole chain over y = H z + n in one process, without GNU Radio.

    Args:
        config: LinkConfig; with mode "adaptive" modulation and code rate are chosen here.
        preprocess: PPEN, see Transmitter.
    """

    def __init__(self, config: LinkConfig, preprocess=None):
        if config.mode == "adaptive":
            from .link_adaptation import adapt  # it needs SymbolLink's parts

            config = adapt(config)
        check_detector(config)
        self.config = config
        self.transmitter = Transmitter(config, preprocess)
        self.receiver = Receiver(config)
        self.channel = SymbolChannel(config)
        self._image_id = 0

    def transmit(self, image: np.ndarray) -> LinkResult:
        """Send one picture uint8 [H, W, 3] over the next fading blocks of the channel, and score it."""
        return score(self.config, image, self.carry(image))

    def carry(self, image: np.ndarray) -> "Carried":
        """Send one picture, without scoring: what each stage made of it and how long it took."""
        clock = StageClock()
        tx, rx = self.transmitter, self.receiver
        compressed = tx.compress(image, self._image_id)
        self._image_id += 1
        clock.stop("compress")
        clock.move("compress", "ppen", compressed.ppen_s)
        coded = tx.encode(compressed.payload)
        clock.stop("encode")
        block_uses = tx.block_uses(coded)
        h, h_hat = self.channel.sound(len(block_uses))
        clock.stop("channel")
        z = tx.modulate(coded, h_hat, block_uses)
        clock.stop("precode")
        y = self.channel.transmit(z, h, block_uses)
        clock.stop("channel")
        llr = rx.detect(y, h_hat, block_uses, coded.payload_bits)
        clock.stop("detect")
        payload = rx.decode(llr, coded.payload_bits)
        clock.stop("decode")
        picture = rx.reconstruct(payload, size=image.shape[:2])
        clock.stop("reconstruct")
        return Carried(compressed, coded, h, z, y, llr, payload, picture, clock.seconds)


@dataclass(frozen=True)
class Carried:
    """Every stage's product for one picture: see SymbolLink.carry; `seconds` is wall time by stage."""

    compressed: Compressed
    coded: Coded
    h: np.ndarray
    z: np.ndarray
    y: np.ndarray
    llr: np.ndarray
    payload: Payload
    picture: Picture
    seconds: dict[str, float]


def score(config: LinkConfig, image: np.ndarray, carried: Carried) -> LinkResult:
    """LinkResult of one transmission, judged against the picture that was sent."""
    compressed, coded, payload = carried.compressed, carried.coded, carried.payload
    picture = carried.picture
    k = len(coded.bits) // bits_per_use(config)
    k_net = compressed.codec_bytes * 8 / (float(config.rate) * bits_per_use(config))
    return LinkResult(
        image=picture.image,
        delivered=picture.delivered,
        problem=picture.problem,
        qp=compressed.header.qp,
        bits=8 * compressed.codec_bytes,
        bpp=8 * compressed.codec_bytes / (image.shape[0] * image.shape[1]),
        cbr_k=k / image.size,
        cbr_l=config.streams * k / image.size,
        cbr_k_net=k_net / image.size,
        cbr_l_net=config.streams * k_net / image.size,
        channel_uses=k,
        n_blocks=len(payload.block_ok),
        block_errors=payload.block_errors,
        coded_bit_error_rate=float(np.mean((carried.llr < 0) != coded.codeword_bits)),
        iterations=payload.iterations,
        psnr_db=metrics.psnr_db(image, picture.image),
        ms_ssim=metrics.ms_ssim(image, picture.image),
        over_budget=compressed.over_budget,
        seconds=carried.seconds,
    )
