# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of frame detection, of headers, and of what noise and tones set off."""

from __future__ import annotations

from collections import Counter

import numpy as np

from ..waveform import header as headers
from ..waveform import synchroniser
from ..waveform.header import FrameHeader
from ..waveform.modulator import Modulator
from ..waveform.receiver import OfdmReceiver
from . import waveform_trials as trials
from .benchmark import Row
from .waveform_trials import share_row

_PIECE_SAMPLES = 1 << 16
_HEADER_NSYM = 2  # data symbols of frames whose header alone counts

# Per received SNR: least shares of frames detected and headers accepted.
_FLAT_TARGETS = {0: (0.98, 0.97), 3: (0.98, 0.995), 6: (0.99, 0.995), 9: (0.99, 0.995)}
_SELECTIVE_TARGETS = {0: (0.98, 0.97), 6: (0.99, 0.995)}
SELECTIVE_RMS_SAMPLES = 2.0
# Energy of a header bit over noise variance at which about half of all headers fail.
_HEADER_THRESHOLD_DB = -6.6
# DC or tone over noise, in dB.
_INTERFERENCE_DB = (-20, -12, -6, -3, 0, 3, 6, 9)


# headers -----------------------------------------------------------------------------------------
def random_header(rng: np.random.Generator, nsym: int = _HEADER_NSYM) -> FrameHeader:
    """A header of a data frame with random content."""
    n_frames = int(rng.integers(1, 1024))
    return FrameHeader(
        nsym=nsym,
        frame=int(rng.integers(n_frames)),
        n_frames=n_frames,
        image_id=int(rng.integers(256)),
        csi_id=int(rng.integers(256)),
        table_crc=int(rng.integers(256)),
        last=bool(rng.integers(2)),
        rv=int(rng.integers(4)),
    )


def header_trial(snr_db: float, rms_samples: float, n_frames: int, seed: int) -> Counter:
    """Counts of frames `sent`, `detected`, `accepted` (header right) and `wrong` (another header)."""
    air = trials.Air(snr_db, rms_samples, seed)
    modulator, receiver = Modulator(trials.NUMEROLOGY), OfdmReceiver()
    counts = Counter(sent=n_frames, detected=0, accepted=0, wrong=0)
    tables = trials.tables_for("none")
    for _ in range(n_frames):
        header = random_header(air.rng)
        index = trials.random_index(air.rng, header.nsym)
        reception = air.carry(modulator.modulate(header, index, tables))
        counts["detected"] += trials.detect(reception.samples, reception.start) is not None
        received = receiver.push(reception.samples) + receiver.flush()
        counts["accepted"] += any(frame.header == header for frame in received)
        counts["wrong"] += sum(frame.header != header for frame in received)
    return counts


def header_rows(n_frames: int) -> list[Row]:
    """Detection and headers, flat and selective, and headers that were wrong but accepted."""
    rows, total = [], Counter()
    cases = [("flat", 0.0, _FLAT_TARGETS)]
    cases += [("selective", SELECTIVE_RMS_SAMPLES, _SELECTIVE_TARGETS)]
    for seed, (kind, rms, targets) in enumerate(cases, 10):
        for snr_db, (detection, acceptance) in targets.items():
            counts = header_trial(snr_db, rms, n_frames, 100 * seed + snr_db)
            total += counts
            where = f"{kind} Rayleigh" + (f", rms {rms:g} samples" if rms else "")
            for word, key, target in (
                ("frames detected", "detected", detection),
                ("headers accepted", "accepted", acceptance),
            ):
                name = f"{word} at {snr_db} dB, {kind}"
                rows.append(share_row(name, counts[key], n_frames, target, where))
    condition = f"of {total['accepted'] + total['wrong']} accepted"
    rows.append(Row("wrong headers accepted", total["wrong"], "", 0, False, condition))
    return rows


def wrong_header_row(n_words: int, seed: int = 30) -> Row:
    """Headers in Gaussian noise that half of all do not survive: wrong ones that pass the checks."""
    rng = np.random.default_rng(seed)
    snr = 10 ** (_HEADER_THRESHOLD_DB / 10)
    passed = wrong = 0
    for _ in range(n_words):
        bits = headers.pack(random_header(rng))
        signs = 1.0 - 2.0 * headers.code_bits(bits)
        noise = rng.standard_normal(signs.size) / np.sqrt(snr)
        decided, ok = headers.decode_header(2 * snr * (signs + noise))
        passed += ok
        wrong += ok and not np.array_equal(decided, bits)
    condition = f"{n_words} header words, bits at {_HEADER_THRESHOLD_DB} dB over noise: "
    condition += f"{passed} passed their checks"
    return Row("wrong headers accepted at the threshold", wrong, "", 0, False, condition)


# noise -------------------------------------------------------------------------------------------
def listen(n_samples: int, seed: int, tone_db: float | None = None, dc: bool = False) -> Counter:
    """Counters of a receiver that hears noise, with DC or a tone of another frequency per piece.

    Args:
        n_samples: rounded up to whole pieces of 65536.
        seed: of noise and tone.
        tone_db: power over that of the noise; None: noise alone.
        dc: the tone's frequency is 0.
    """
    rng, receiver = np.random.default_rng(seed), OfdmReceiver()
    for _ in range(-(-n_samples // _PIECE_SAMPLES)):
        samples = trials.white_noise(rng, _PIECE_SAMPLES)
        if tone_db is not None:
            amplitude = np.sqrt(2) * 10 ** (tone_db / 20)
            omega = 0.0 if dc else rng.uniform(-np.pi, np.pi)
            phases = omega * np.arange(_PIECE_SAMPLES) + rng.uniform(0, 2 * np.pi, (2, 1))
            samples += (amplitude * np.exp(1j * phases)).astype(np.complex64)
        receiver.push(samples)
    receiver.flush()
    return Counter(receiver.counters)


def noise_rows(n_noise: int, n_tone: int) -> list[Row]:
    """False frames and false triggers in noise alone, with DC and with a tone."""
    runs = {"noise": listen(n_noise, 40)}
    for word, dc in (("DC", True), ("a tone", False)):
        total = Counter()
        for seed, level in enumerate(_INTERFERENCE_DB, 50 + 20 * dc):
            total += listen(n_tone, seed, level, dc)
        runs[f"noise and {word}"] = total
    rows = []
    for name, counters in runs.items():
        where = f"{counters['samples'] / 1e6:.3g} M samples, threshold "
        where += f"{synchroniser.DETECTOR_THRESHOLD:g}"
        if name != "noise":
            where += f", {_INTERFERENCE_DB[0]} .. +{_INTERFERENCE_DB[-1]} dB re noise"
        rows.append(Row(f"false frames, {name}", counters["frames"], "", 0, False, where))
        rows.append(Row(f"false triggers, {name}", counters["triggers"], "", None, False, where))
    return rows
